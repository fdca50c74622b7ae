"""What a Python function finds, and what becomes of its answers and errors.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from globule.awslambda.model import LayerVersion, LocalCode
from globule.awslambda.serving.logs import read_events
from globule.awslambda.serving.pool import FunctionPool
from globule.host.clock import SystemClock
from globule.host.entropy import SystemEntropy
from globule.host.functions import InvocationResult
from globule.host.network import LoopbackNetwork


async def invoke(functions: Any, name: str, event: object = None, **options: Any) -> InvocationResult:
    result: InvocationResult = await functions.pool.invoke(name, json.dumps(event).encode(), **options)
    return result


async def test_a_handler_gets_the_event_and_answers(functions: Any) -> None:
    functions.add("echo", "def handler(event, context): return event")
    for event in ({"a": [1, 2.5, None, "é"]}, "text", 7, None):
        result = await invoke(functions, "echo", event)
        assert result.function_error is None
        assert json.loads(result.payload) == event


async def test_the_first_invocation_is_cold_and_the_next_one_warm(functions: Any) -> None:
    functions.add("echo", "def handler(event, context): return event")
    assert (await invoke(functions, "echo")).cold
    assert not (await invoke(functions, "echo")).cold


async def test_the_context_has_what_aws_documents(functions: Any) -> None:
    functions.add(
        "context",
        """
        import os, time
        def handler(event, context):
            return {
                "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb, "id": context.aws_request_id, "group": context.log_group_name,
                "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
                "custom": context.client_context.custom, "identity": context.identity.cognito_identity_id,
                "trace": os.environ["_X_AMZN_TRACE_ID"], "folder": os.getcwd(), "zone": time.tzname[0],
            }
        """,
        timeout_s=7,
        memory_mb=256,
    )
    result = await invoke(functions, "context", trace="Root=1-a;Sampled=0", client_context='{"custom": {"a": 1}}')
    seen = json.loads(result.payload)
    assert (seen["name"], seen["version"], seen["memory"]) == ("context", "$LATEST", "256")
    assert seen["arn"] == functions.arn("context")
    assert seen["group"] == "/aws/lambda/context"
    assert "[$LATEST]" in seen["stream"]
    assert len(seen["id"]) == 36
    assert 5000 < seen["left"] <= 7000
    assert seen["custom"] == {"a": 1}
    assert seen["trace"] == "Root=1-a;Sampled=0"
    assert seen["zone"] == "UTC"


async def test_what_a_handler_raises_is_the_answer_with_its_trace(functions: Any) -> None:
    functions.add(
        "fails",
        """
        def inner():
            raise KeyError("missing")
        def handler(event, context):
            inner()
        """,
    )
    result = await invoke(functions, "fails")
    assert result.function_error == "Unhandled"
    error = json.loads(result.payload)
    assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'missing'")
    assert [line.split(",")[-1].split("\n")[0] for line in error["stackTrace"]] == [" in handler", " in inner"]
    assert b"[ERROR] KeyError: 'missing'\nTraceback" in result.log_tail
    assert (await invoke(functions, "fails")).cold is False


@pytest.mark.parametrize(
    ("source", "handler", "error_type", "message"),
    [
        (
            "import nothere\ndef handler(e, c): ...",
            "index.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'nothere'",
        ),
        (
            "def handler(e, c: ...",
            "index.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'index': '(' was never closed (index.py, line 1)",
        ),
        (
            "def handler(e, c): ...",
            "index.other",
            "Runtime.HandlerNotFound",
            "Handler 'other' missing on module 'index'",
        ),
        (
            "def handler(e, c): ...",
            "handler",
            "Runtime.MalformedHandlerName",
            "Bad handler 'handler': not enough values to unpack (expected 2, got 1)",
        ),
        ("raise ValueError('at import')", "index.handler", "ValueError", "at import"),
    ],
)
async def test_a_function_that_cannot_be_loaded_says_why(
    functions: Any, source: str, handler: str, error_type: str, message: str
) -> None:
    functions.add("broken", source, handler=handler)
    for _ in range(2):
        result = await invoke(functions, "broken")
        assert result.function_error == "Unhandled"
        error = json.loads(result.payload)
        assert (error["errorType"], error["errorMessage"]) == (error_type, message)
        assert error_type.encode() in result.log_tail


async def test_answers_are_json_as_aws_writes_it(functions: Any) -> None:
    functions.add(
        "answers",
        """
        import decimal
        VALUES = {
            "decimal": {"whole": decimal.Decimal("12"), "part": decimal.Decimal("1.5")},
            "bytes": b'{"raw": true}', "set": {1}, "nothing": None, "surrogate": "\\ud83d",
        }
        def handler(event, context): return VALUES[event]
        """,
    )
    assert (await invoke(functions, "answers", "decimal")).payload == b'{"whole": 12, "part": 1.5}'
    assert (await invoke(functions, "answers", "bytes")).payload == b'{"raw": true}'
    assert (await invoke(functions, "answers", "nothing")).payload == b"null"
    failed = await invoke(functions, "answers", "set")
    assert json.loads(failed.payload)["errorType"] == "Runtime.MarshalError"
    assert (await invoke(functions, "answers", "surrogate")).function_error is None


async def test_the_log_has_the_lines_that_aws_writes(functions: Any) -> None:
    functions.add(
        "talks",
        """
        import logging, sys
        logging.getLogger().setLevel(logging.INFO)
        def handler(event, context):
            print("printed")
            logging.info("logged\\ntwice")
            print("to stderr", file=sys.stderr)
            print("without an end", end="")
        """,
    )
    result = await invoke(functions, "talks")
    lines = result.log_tail.decode().split("\n")
    request_id = lines[0].split()[2]
    assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
    assert lines[1] == "printed"
    assert lines[2].startswith("[INFO]\t")
    assert lines[2].endswith(f"Z\t{request_id}\tlogged")
    assert lines[3:6] == ["twice", "to stderr", "without an end"]
    assert lines[6] == f"END RequestId: {request_id}"
    assert lines[7].startswith(f"REPORT RequestId: {request_id}\tDuration: ")
    assert "Init Duration: " in lines[7]


async def test_json_logs_have_aws_members(functions: Any) -> None:
    functions.add(
        "talks",
        """
        import logging
        def handler(event, context): logging.getLogger("app").info("hello", extra={"order": 7})
        """,
        log_format="JSON",
        log_level="INFO",
    )
    lines = (await invoke(functions, "talks")).log_tail.decode().split("\n")
    event = json.loads(lines[1])
    assert (event["level"], event["message"], event["logger"], event["order"]) == ("INFO", "hello", "app", 7)
    assert event["requestId"] == lines[0].split()[2]


async def test_boto3_is_there_and_points_to_this_world_and_nothing_else_of_this_machine_is(functions: Any) -> None:
    functions.add(
        "imports",
        """
        import importlib
        import boto3
        def handler(event, context):
            missing = []
            for name in ("msgspec", "pytest", "globule"):
                try:
                    importlib.import_module(name)
                except ImportError:
                    missing.append(name)
            client = boto3.client("dynamodb")
            return {"missing": missing, "endpoint": client.meta.endpoint_url, "region": client.meta.region_name}
        """,
    )
    seen = json.loads((await invoke(functions, "imports")).payload)
    assert seen["missing"] == ["msgspec", "pytest", "globule"]
    assert (seen["endpoint"], seen["region"]) == ("http://127.0.0.1:9", "eu-west-1")


async def test_a_function_that_brings_its_own_boto3_gets_it(functions: Any, tmp_path: Path) -> None:
    (tmp_path / "code" / "boto3").mkdir(parents=True)
    (tmp_path / "code" / "boto3" / "__init__.py").write_text("mine = True")
    (tmp_path / "code" / "app.py").write_text("import boto3\ndef handler(e, c): return boto3.mine")
    functions.add("own", path=tmp_path / "code", handler="app.handler")
    assert (await invoke(functions, "own")).payload == b"true"


async def test_a_handler_may_be_in_a_folder_and_import_its_neighbours_and_its_layers(
    functions: Any, tmp_path: Path
) -> None:
    (tmp_path / "code" / "pkg").mkdir(parents=True)
    (tmp_path / "code" / "neighbour.py").write_text("VALUE = 1")
    (tmp_path / "code" / "pkg" / "app.py").write_text(
        "import neighbour, from_layer\ndef handler(e, c): return [neighbour.VALUE, from_layer.VALUE]"
    )
    (tmp_path / "layer" / "python").mkdir(parents=True)
    (tmp_path / "layer" / "python" / "from_layer.py").write_text("VALUE = 2")
    content = LocalCode(path=str(tmp_path / "layer"), content_hash="")
    functions.put("layer", LayerVersion(arn="arn:layer", name="l", content=content))
    functions.add("app", path=tmp_path / "code", handler="pkg/app.handler", layers=("arn:layer",))
    assert json.loads((await invoke(functions, "app")).payload) == [1, 2]
    assert not list((tmp_path / "code").rglob("__pycache__"))


async def test_an_archive_is_unpacked_and_a_missing_one_is_named(functions: Any, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        archive.writestr("app.py", "import data\ndef handler(e, c): return data.VALUE")
        archive.writestr("data/__init__.py", "VALUE = 7")
    functions.add("zipped", path=tmp_path / "code.zip", handler="app.handler")
    assert (await invoke(functions, "zipped")).payload == b"7"
    functions.add("missing", path=tmp_path / "away.zip", handler="app.handler")
    result = await invoke(functions, "missing")
    assert json.loads(result.payload)["errorType"] == "Runtime.CodeUnavailable"
    assert f"{tmp_path}/away.zip does not exist" in result.payload.decode()


async def test_each_worker_has_a_temporary_folder_that_goes_with_it(functions: Any) -> None:
    functions.add(
        "writes",
        """
        import os, tempfile
        def handler(event, context):
            with open(os.path.join(tempfile.gettempdir(), "file"), "a") as file: file.write("x")
            return file.name
        """,
    )
    path = Path(json.loads((await invoke(functions, "writes")).payload))
    await invoke(functions, "writes")
    assert path.read_text() == "xx"
    await functions.pool.close()
    assert not path.exists()


async def test_a_saved_file_is_live_at_the_next_invocation(functions: Any, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    for text in ("old", "new"):
        (code / "app.py").write_text(f"def handler(e, c): return '{text}'")
        # Of the same second and size, so that Python's own cache of bytecode could not tell them apart.
        os.utime(code / "app.py", (1_700_000_000, 1_700_000_000))
        functions.add("app", path=code, handler="app.handler", content_hash=text)
        assert (await invoke(functions, "app")).payload == f'"{text}"'.encode()


async def test_a_traced_invocation_leaves_a_span(functions: Any) -> None:
    functions.add("echo", "def handler(event, context): return event")
    await invoke(functions, "echo", trace="Root=1-a-b;Sampled=1")
    await invoke(functions, "echo", trace="Root=1-c-d;Sampled=0")
    (span,) = functions.tracer.of("1-a-b")
    assert (span.name, span.place, span.note) == ("function", "eu-west-1", "cold start, echo")
    assert functions.tracer.of("1-c-d") == []


async def test_a_pool_starts_again_on_the_folder_of_its_last_life(functions: Any, tmp_path: Path) -> None:
    source = "import boto3, six\ndef handler(event, context): return event"
    functions.add("echo", source)
    await invoke(functions, "echo")
    functions.pool.logs.flush()
    again = FunctionPool(
        "eu-west-1",
        tmp_path / "region",
        network=LoopbackNetwork(),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        tracer=functions.tracer,
        variables={"PATH": os.environ["PATH"]},
    )
    again.follow(functions.world)
    assert (await again.invoke("echo", b"1")).payload == b"1"
    again.logs.flush()
    events = read_events(tmp_path / "region" / "logs", "/aws/lambda/echo")
    starts = [event for event in events if "START" in event.message]
    await again.close()
    assert len(starts) == 4  # INIT_START and START, in each life
