"""The environment variables of an execution environment.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from globule.awslambda.model import Function

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ENVIRONMENT_LIMIT_BYTES = 4096

RESERVED = frozenset({
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
})  # fmt: skip

_KEY = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")


def refusal(variables: Mapping[str, str]) -> str | None:
    """Why Lambda would refuse these variables."""
    reserved = sorted(RESERVED & variables.keys())
    if reserved:
        return (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. Reserved keys used "
            f"in this request: {', '.join(reserved)}"
        )
    malformed = [key for key in variables if not _KEY.fullmatch(key)]
    if malformed:
        return f"{malformed[0]!r} is not a name for an environment variable: letters, digits and _ after a letter"
    size_bytes = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size_bytes > ENVIRONMENT_LIMIT_BYTES:
        return (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the {ENVIRONMENT_LIMIT_BYTES // 1024}KB limit"
        )
    return None


def execution_environment(
    function: Function,
    *,
    version: str,
    region: str,
    runtime_api: str,
    task_root: str,
    temporary_folder: str,
    bytecode_folder: str,
    log_stream: str,
    layer_folders: tuple[str, ...],
    surroundings: Mapping[str, str],
) -> dict[str, str]:
    """All variables of one worker. `surroundings` come from the composition root: where AWS's APIs are
    (AWS_ENDPOINT_URL), and PATH. The function's own variables win over everything that AWS lets them win over."""
    python = [f"{folder}/python" for folder in layer_folders]
    node = [f"{folder}/nodejs/node_modules" for folder in layer_folders]
    path = [f"{folder}/bin" for folder in layer_folders]
    libraries = [task_root, f"{task_root}/lib", *(f"{folder}/lib" for folder in layer_folders)]
    variables = {
        **surroundings,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PATH": ":".join([*path, surroundings.get("PATH", "")]),
        "LD_LIBRARY_PATH": ":".join(libraries),
        "PYTHONPATH": ":".join(python),
        "PYTHONPYCACHEPREFIX": bytecode_folder,
        "NODE_PATH": ":".join([*node, f"{task_root}/node_modules"]),
        "TMPDIR": temporary_folder,
        "HOME": temporary_folder,
        "AWS_ACCESS_KEY_ID": "GLOBULE",
        "AWS_SECRET_ACCESS_KEY": "globule",
        "AWS_SESSION_TOKEN": "globule",
        "AWS_EC2_METADATA_DISABLED": "true",
        **function.environment,
        "_HANDLER": function.handler,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_LEVEL": function.log_level,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": task_root,
    }
    return {name: value for name, value in variables.items() if value}
