"""Node.js functions, and executables of one's own.

https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html and runtimes-custom.html
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from globule.awslambda.serving.logs import read_events

node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node.js on this machine")


async def invoke(functions: Any, name: str, event: object = None) -> tuple[str | None, Any, str]:
    result = await functions.pool.invoke(name, json.dumps(event).encode())
    return result.function_error, json.loads(result.payload), result.log_tail.decode()


@node
@pytest.mark.parametrize(
    ("style", "source"),
    [
        ("async", "exports.handler = async (event) => ({ got: event });"),
        ("promise", "exports.handler = (event) => new Promise((done) => setTimeout(() => done({ got: event }), 1));"),
        ("callback", "exports.handler = (event, context, callback) => callback(null, { got: event });"),
        (
            "late callback",
            "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { got: event }), 5); };",
        ),
        (
            "callback that does not wait",
            "exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; "
            "setTimeout(() => {}, 60000); callback(null, { got: event }); };",
        ),
        ("context", "exports.handler = (event, context) => context.succeed({ got: event });"),
        ("nested", "exports.handler = { inner: async (event) => ({ got: event }) };"),
    ],
)
async def test_every_style_of_handler_answers(functions: Any, style: str, source: str) -> None:
    handler = "index.handler.inner" if style == "nested" else "index.handler"
    functions.add("js", source, runtime="nodejs22.x", handler=handler)
    for event in ({"a": "é"}, [1]):
        error, answer, _ = await invoke(functions, "js", event)
        assert (error, answer) == (None, {"got": event})


@node
async def test_another_version_of_node_than_the_template_asks_for_is_named(functions: Any, tmp_path: Path) -> None:
    source = "exports.handler = async () => process.versions.node;"
    functions.add("old", source, runtime="nodejs8.10")
    _, here, _ = await invoke(functions, "old")
    functions.add("same", source, runtime=f"nodejs{here.split('.')[0]}.x")
    await invoke(functions, "same")
    functions.pool.logs.flush()
    old, same = (
        [event.message for event in read_events(tmp_path / "region" / "logs", f"/aws/lambda/{name}")]
        for name in ("old", "same")
    )
    assert f"[globule] the template asks for nodejs8.10; this machine's Node.js {here} runs it" in old
    assert not any("[globule]" in message for message in same)


@node
async def test_a_handler_that_says_nothing_answers_null(functions: Any) -> None:
    functions.add("js", "exports.handler = () => {};", runtime="nodejs22.x")
    assert (await invoke(functions, "js"))[:2] == (None, None)


@node
async def test_es_modules_and_common_js_are_told_apart(functions: Any, tmp_path: Path) -> None:
    for name, files in {
        "mjs": {"app.mjs": "import fs from 'node:fs'; export const handler = async () => typeof fs.readFileSync;"},
        "module": {"package.json": '{"type": "module"}', "app.js": "export const handler = async () => 'function';"},
        "cjs": {"app.cjs": "const fs = require('fs'); exports.handler = async () => typeof fs.readFileSync;"},
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        functions.add(name, path=folder, runtime="nodejs22.x", handler="app.handler")
        assert (await invoke(functions, name))[:2] == (None, "function")


@node
async def test_what_a_handler_throws_is_the_answer(functions: Any) -> None:
    functions.add("js", "exports.handler = async () => { throw new TypeError('no'); };", runtime="nodejs22.x")
    error, answer, log = await invoke(functions, "js")
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("TypeError", "no")
    assert answer["trace"][0] == "TypeError: no"
    assert "\tERROR\tInvoke Error\t" in log


@node
@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("require('nothere');", "Runtime.ImportModuleError", "Error: Cannot find module 'nothere'"),
        ("exports.other = 1;", "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("exports.handler = async () => {", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("throw new Error('early');", "Error", "early"),
    ],
)
async def test_a_function_that_cannot_be_loaded_says_why(
    functions: Any, source: str, error_type: str, message: str
) -> None:
    functions.add("js", source, runtime="nodejs22.x")
    error, answer, _ = await invoke(functions, "js")
    assert error == "Unhandled"
    assert answer["errorType"] == error_type
    assert answer["errorMessage"].startswith(message)


@node
async def test_a_lost_rejection_ends_the_process_and_the_next_invocation_gets_another(functions: Any) -> None:
    functions.add(
        "js",
        "exports.handler = async (event) => { if (!event) return 1; Promise.reject(new Error('lost')); "
        "await new Promise((done) => setTimeout(done, 5000)); };",
        runtime="nodejs22.x",
    )
    error, answer, _ = await invoke(functions, "js", "lose it")
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.UnhandledPromiseRejection")
    assert (await invoke(functions, "js"))[:2] == (None, 1)


@node
async def test_the_console_writes_events_in_aws_form(functions: Any) -> None:
    functions.add(
        "js", "exports.handler = async () => { console.log('hello', {a: 1}); console.error('x\\ny'); };",
        runtime="nodejs22.x",
    )  # fmt: skip
    _, _, log = await invoke(functions, "js")
    assert "\tINFO\thello { a: 1 }\n" in log
    assert "\tERROR\tx\ny\n" in log


@node
async def test_response_streaming_is_refused_by_name(functions: Any) -> None:
    functions.add("js", "exports.handler = awslambda.streamifyResponse(async () => {});", runtime="nodejs22.x")
    error, answer, _ = await invoke(functions, "js")
    assert error == "Unhandled"
    assert "does not support response streaming" in answer["errorMessage"]


async def test_without_node_the_function_is_named(functions: Any, tmp_path: Path) -> None:
    functions.pool._around = type(functions.pool._around)(
        **{name: getattr(functions.pool._around, name) for name in functions.pool._around.__struct_fields__}
        | {"node": None}
    )
    functions.add("js", "exports.handler = async () => 1;", runtime="nodejs22.x")
    error, answer, log = await invoke(functions, "js")
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.InvalidEntrypoint"
    assert "function js needs Node.js (nodejs22.x), and there is no `node` on the PATH" in answer["errorMessage"]
    assert "install Node.js" in log


BOOTSTRAP = """#!/usr/bin/env python3
import os, urllib.request
root = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
while True:
    with urllib.request.urlopen(f"{root}/invocation/next") as event:
        request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
        body = event.read()
    path = "error" if body == b'"fail"' else "response"
    answer = b'{"errorType": "Own", "errorMessage": "asked for"}' if path == "error" else b"got " + body
    request = urllib.request.Request(f"{root}/invocation/{request_id}/{path}", data=answer, method="POST")
    urllib.request.urlopen(request).close()
"""


async def test_an_executable_of_ones_own_speaks_the_runtime_api(functions: Any, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    bootstrap = tmp_path / "code" / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)
    functions.add("own", path=tmp_path / "code", runtime="provided.al2023", handler="x", timeout_s=20)
    for number in range(3):
        result = await functions.pool.invoke("own", str(number).encode())
        assert (result.function_error, result.payload) == (None, f"got {number}".encode())
    failed = await functions.pool.invoke("own", b'"fail"')
    assert failed.function_error == "Unhandled"
    assert json.loads(failed.payload)["errorType"] == "Own"


async def test_a_bootstrap_that_cannot_be_executed_says_so(functions: Any, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "bootstrap").write_text("no shebang, not executable")
    functions.add("own", path=tmp_path / "code", runtime="provided.al2023", handler="x")
    error, answer, _ = await invoke(functions, "own")
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.InvalidEntrypoint")
    assert "Permission denied" in answer["errorMessage"]
