"""Lambda's decisions: names, versions, limits, environments, scaling, log lines."""

from __future__ import annotations

import msgspec
import pytest

from globule.awslambda.model import Alias, Function, InlineCode, LayerVersion, LocalCode, Version
from globule.awslambda.rules import environment, log_lines, outcomes, runtimes
from globule.awslambda.rules.directory import Directory, pick_version
from globule.awslambda.rules.names import FunctionName, MalformedName, parse_name
from globule.awslambda.rules.runtime_api import NEXT, UNKNOWN, Call, Event, encode_event, parse_call
from globule.awslambda.rules.scaling import QUEUE_LIMIT, WORKERS_LIMIT, Decision, Load, decide
from globule.wire.aws.errors import AwsError
from globule.world.snapshot import Deployed, World

REGION = "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:000000000000:function:orders"


def function(**changes: object) -> Function:
    whole = Function(
        name="orders",
        arn=ARN,
        runtime="python3.12",
        handler="app.handler",
        code=InlineCode(source="", content_hash=""),
        log_group="/aws/lambda/orders",
    )
    return msgspec.structs.replace(whole, **changes)


def directory(*models: object) -> Directory:
    resources = tuple(
        Deployed(stack="s", region=REGION, logical_id=f"R{number}", type="T", physical_id=f"R{number}", resource=model)
        for number, model in enumerate(models)
    )
    return Directory(World(resources=resources), REGION)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "parsed"),
        [
            ("orders", FunctionName(name="orders")),
            ("orders:live", FunctionName(name="orders", qualifier="live")),
            ("orders:$LATEST", FunctionName(name="orders", qualifier="$LATEST")),
            ("function:orders", FunctionName(name="orders")),
            ("123456789012:function:orders:7", FunctionName(name="orders", account="123456789012", qualifier="7")),
            (ARN, FunctionName(name="orders", region=REGION, account="000000000000")),
            (f"{ARN}:1", FunctionName(name="orders", region=REGION, account="000000000000", qualifier="1")),
        ],
    )
    def test_every_form_of_a_name_is_taken_apart(self, text: str, parsed: FunctionName) -> None:
        assert parse_name(text) == parsed

    @pytest.mark.parametrize("text", ["", "a b", "arn:aws:s3:::bucket", "orders:", "orders:a:b", "x" * 65])
    def test_what_is_no_name_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedName):
            parse_name(text)


class TestDirectory:
    def test_an_unqualified_name_means_latest(self) -> None:
        target = directory(function()).resolve("orders", None, chance=0)
        assert (target.version, target.invoked_arn) == ("$LATEST", ARN)

    def test_a_version_is_found_by_its_arn(self) -> None:
        version = Version(arn=f"{ARN}:1", function_arn=ARN, number="1")
        target = directory(function(), version).resolve(f"{ARN}:1", None, chance=0)
        assert (target.version, target.invoked_arn) == ("1", f"{ARN}:1")

    def test_an_alias_leads_to_its_version_and_keeps_its_own_name(self) -> None:
        alias = Alias(arn=f"{ARN}:live", function_arn=ARN, name="live", version="1")
        target = directory(function(), alias).resolve("orders", "live", chance=0)
        assert (target.version, target.invoked_arn) == ("1", f"{ARN}:live")

    def test_an_alias_with_weights_shares_out_the_chances(self) -> None:
        alias = Alias(arn="", function_arn="", name="live", version="1", weights={"2": 0.1, "3": 0.2})
        assert [pick_version(alias, chance) for chance in (0.0, 0.09, 0.1, 0.29, 0.31, 0.99)] == [
            "2", "2", "3", "3", "1", "1",
        ]  # fmt: skip

    @pytest.mark.parametrize("name", ["others", "orders:9", ARN.replace(REGION, "us-east-1")])
    def test_what_does_not_exist_is_not_found_by_its_arn(self, name: str) -> None:
        with pytest.raises(AwsError) as raised:
            directory(function()).resolve(name, None, chance=0)
        assert raised.value.code == "ResourceNotFoundException"
        assert raised.value.status == 404
        assert raised.value.message.startswith("Function not found: arn:aws:lambda:")

    def test_two_different_qualifiers_are_refused(self) -> None:
        with pytest.raises(AwsError) as raised:
            directory(function()).resolve("orders:1", "2", chance=0)
        assert raised.value.code == "InvalidParameterValueException"

    def test_a_layer_that_is_not_here_is_a_problem_and_a_layer_that_is_here_is_not(self) -> None:
        here = LayerVersion(arn="arn:here", name="l", content=LocalCode(path="/l", content_hash=""))
        whole = directory(function(layers=("arn:here", "arn:away")), here)
        assert [layer.arn for layer in whole.layers_of(whole.functions[ARN])] == ["arn:here"]
        assert list(whole.problems()) == ["function orders runs without its layer arn:away, which no stack here has"]


class TestEnvironment:
    def variables(self, whole: Function) -> dict[str, str]:
        return environment.execution_environment(
            whole,
            version="1",
            region=REGION,
            runtime_api="127.0.0.1:9001",
            task_root="/code",
            temporary_folder="/temporary",
            bytecode_folder="/bytecode",
            log_stream="stream",
            layer_folders=("/one", "/two"),
            surroundings={"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "PATH": "/bin"},
        )

    def test_a_function_finds_what_aws_documents(self) -> None:
        variables = self.variables(function(environment={"TABLE": "t"}))
        assert variables["TABLE"] == "t"
        assert variables["_HANDLER"] == "app.handler"
        assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == REGION
        assert variables["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.12"
        assert variables["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
        assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
        assert variables["TZ"] == ":UTC"
        assert variables["PYTHONPATH"] == "/one/python:/two/python"
        assert variables["PATH"] == "/one/bin:/two/bin:/bin"

    def test_a_function_may_choose_its_own_endpoint(self) -> None:
        variables = self.variables(function(environment={"AWS_ENDPOINT_URL": "http://elsewhere"}))
        assert variables["AWS_ENDPOINT_URL"] == "http://elsewhere"

    @pytest.mark.parametrize(
        ("variables", "part"),
        [
            ({"AWS_REGION": "x"}, "reserved keys"),
            ({"9LIVES": "x"}, "'9LIVES' is not a name"),
            ({"BIG": "x" * 4096}, "exceeded the 4KB limit"),
        ],
    )
    def test_variables_that_lambda_refuses_are_refused(self, variables: dict[str, str], part: str) -> None:
        assert part in (environment.refusal(variables) or "")

    def test_ordinary_variables_are_not_refused(self) -> None:
        assert environment.refusal({"TABLE_NAME": "t", "AWS_ENDPOINT_URL": "x"}) is None


class TestRuntimes:
    @pytest.mark.parametrize(
        ("runtime", "kind"),
        [
            ("python3.14", "python"),
            ("nodejs22.x", "nodejs"),
            ("nodejs8.10", "nodejs"),
            ("provided.al2023", "provided"),
            ("provided", "provided"),
            ("java21", None),
            ("ruby3.3", None),
            ("python", None),
        ],
    )
    def test_python_node_and_custom_runtimes_run(self, runtime: str, kind: str | None) -> None:
        assert runtimes.kind_of(runtime) == kind

    @pytest.mark.parametrize(
        ("runtime", "handler", "files"),
        [
            ("python3.12", "app.handler", ["app.py", "app/__init__.py"]),
            ("python3.12", "pkg/app.handler", ["pkg/app.py", "pkg/app/__init__.py"]),
            ("python3.12", "pkg.app.handler", ["pkg/app.py", "pkg/app/__init__.py"]),
            ("nodejs20.x", "src/app.handler", ["src/app", "src/app.js", "src/app.mjs", "src/app.cjs"]),
            ("nodejs20.x", "app.a.b", ["app", "app.js", "app.mjs", "app.cjs"]),
            ("provided.al2", "anything", ["bootstrap"]),
            ("python3.12", "nothing", []),
        ],
    )
    def test_handlers_are_looked_for_where_their_runtime_looks(
        self, runtime: str, handler: str, files: list[str]
    ) -> None:
        assert [str(path) for path in runtimes.handler_files(runtime, handler)] == files

    def test_another_python_than_asked_for_is_said(self) -> None:
        assert runtimes.version_notice("python3.12", "3.12.1") is None
        assert "python3.13" in (runtimes.version_notice("python3.13", "3.12.1") or "")
        assert runtimes.version_notice("nodejs20.x", "3.12.1") is None


class TestScaling:
    def load(self, **facts: int | float | None) -> Load:
        quiet = Load(idle=0, busy=0, starting=0, waiting=0, mean_ms=None, reserved=None)
        return msgspec.structs.replace(quiet, **facts)

    def test_an_idle_worker_runs_it(self) -> None:
        assert decide(self.load(idle=1)) is Decision.RUN

    def test_without_workers_one_is_started(self) -> None:
        assert decide(self.load()) is Decision.START

    def test_invocations_wait_for_workers_that_are_starting(self) -> None:
        assert decide(self.load(starting=1)) is Decision.WAIT
        assert decide(self.load(starting=1, waiting=1)) is Decision.START

    def test_a_fast_function_is_waited_for_and_a_slow_one_gets_another_worker(self) -> None:
        assert decide(self.load(busy=1, mean_ms=1.0)) is Decision.WAIT
        assert decide(self.load(busy=1, mean_ms=500.0)) is Decision.START

    def test_beyond_the_limit_invocations_wait_and_beyond_the_queue_they_are_throttled(self) -> None:
        assert decide(self.load(busy=WORKERS_LIMIT)) is Decision.WAIT
        assert decide(self.load(busy=WORKERS_LIMIT, waiting=QUEUE_LIMIT)) is Decision.THROTTLE

    def test_reserved_concurrency_is_a_limit_without_a_queue(self) -> None:
        assert decide(self.load(reserved=0)) is Decision.THROTTLE
        assert decide(self.load(reserved=1)) is Decision.START
        assert decide(self.load(reserved=1, busy=1)) is Decision.THROTTLE
        assert decide(self.load(reserved=1, starting=1, waiting=1)) is Decision.THROTTLE
        assert decide(self.load(reserved=2, busy=1, idle=1)) is Decision.RUN


class TestOutcomes:
    def test_payloads_beyond_the_limits_are_too_large(self) -> None:
        assert outcomes.request_too_large(6 * 1024 * 1024, event=False) is None
        error = outcomes.request_too_large(6 * 1024 * 1024 + 1, event=False)
        assert error is not None
        assert (error.code, error.status) == ("RequestTooLargeException", 413)
        assert outcomes.request_too_large(1024 * 1024 + 1, event=True) is not None

    def test_a_failure_of_lambdas_own_names_the_request(self) -> None:
        assert msgspec.json.decode(outcomes.timed_out(3).payload("abc")) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: abc Error: Task timed out after 3.00 seconds",
        }

    def test_what_a_runtime_reported_stays_as_it_is(self) -> None:
        assert outcomes.Failure(error_type="X", reported=b'{"a":1}').payload("abc") == b'{"a":1}'


class TestRuntimeApi:
    @pytest.mark.parametrize(
        ("method", "path", "call"),
        [
            ("GET", "/2018-06-01/runtime/invocation/next", NEXT),
            ("POST", "/2018-06-01/runtime/invocation/abc/response", Call("response", "abc")),
            ("POST", "/2018-06-01/runtime/invocation/abc/error", Call("error", "abc")),
            ("POST", "/2018-06-01/runtime/init/error", Call("init/error")),
            ("POST", "/2018-06-01/runtime/invocation/next", UNKNOWN),
            ("POST", "/2020-01-01/extension/register", UNKNOWN),
        ],
    )
    def test_calls_are_recognised(self, method: str, path: str, call: Call) -> None:
        assert parse_call(method, path) == call

    def test_an_event_carries_what_a_runtime_needs(self) -> None:
        event = Event(
            request_id="r", invoked_arn=ARN, deadline_ms=5, trace="Root=1", client_context=None, payload=b"{}"
        )
        head, _, body = encode_event(event).partition(b"\r\n\r\n")
        assert body == b"{}"
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:])
        assert fields[b"Lambda-Runtime-Aws-Request-Id"] == b"r"
        assert fields[b"Lambda-Runtime-Deadline-Ms"] == b"5"
        assert fields[b"Lambda-Runtime-Trace-Id"] == b"Root=1"
        assert fields[b"Content-Length"] == b"2"
        assert b"Lambda-Runtime-Client-Context" not in fields


class TestLogLines:
    def test_a_report_has_lambdas_form(self) -> None:
        report = log_lines.Report(
            request_id="r", duration_ms=1.2, memory_mb=128, memory_used_mb=30, init_ms=45.678, status="timeout"
        )
        assert log_lines.report_line(report) == (
            "REPORT RequestId: r\tDuration: 1.20 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
            "Max Memory Used: 30 MB\tInit Duration: 45.68 ms\tStatus: timeout\t"
        )

    def test_a_time_stamp_has_milliseconds(self) -> None:
        assert log_lines.timestamp(1_700_000_000.5) == "2023-11-14T22:13:20.500Z"

    def test_a_stream_is_named_by_day_version_and_environment(self) -> None:
        assert log_lines.stream_name(0, "$LATEST", "ab") == "1970/01/01/[$LATEST]ab"

    def test_lines_arrive_whole_however_they_are_cut(self) -> None:
        splitter = log_lines.LineSplitter()
        assert splitter.feed(b"one\ntw") == ["one"]
        assert splitter.feed(b"o\n\nthree") == ["two", ""]
        assert splitter.flush() == ["three"]
        assert splitter.flush() == []

    def test_lines_of_one_event_are_joined_by_carriage_returns(self) -> None:
        assert log_lines.LineSplitter().feed(b"a\rb\r\n") == ["a\nb"]

    def test_what_an_invocation_prints_is_bounded_and_what_is_dropped_is_said(self) -> None:
        splitter = log_lines.LineSplitter()
        kept = splitter.feed(b"x" * (2 * log_lines.INVOCATION_LIMIT_BYTES))
        kept += splitter.flush()
        assert sum(map(len, kept)) == log_lines.INVOCATION_LIMIT_BYTES
        assert max(map(len, kept)) <= log_lines.LINE_LIMIT_BYTES
        assert f"{log_lines.INVOCATION_LIMIT_BYTES} bytes of output were dropped" in (splitter.renew() or "")
        assert splitter.feed(b"again\n") == ["again"]
        assert splitter.renew() is None

    def test_the_tail_is_the_last_four_kilobytes(self) -> None:
        assert log_lines.tail(["a", "b"]) == b"a\nb\n"
        assert log_lines.tail(["x" * 5000]) == b"x" * 4095 + b"\n"
