"""Which runtimes run here, and how.

Python and Node.js functions run on this machine's interpreters, whatever version they name; a `provided.*` function
is its own executable, `bootstrap`. Java, .NET, Ruby and others run here as they do in containers of their own on
AWS: with a bootstrap that speaks the Runtime API.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["python", "nodejs", "provided"]

_SUPPORTED = re.compile(
    r"(?P<python>python\d\.\d+)|(?P<nodejs>nodejs(?:\d+\.(?:x|\d+))?)|(?P<provided>provided(?:\.al\d+)?)"
)


def kind_of(runtime: str) -> Kind | None:
    """None for a runtime that does not run here."""
    found = _SUPPORTED.fullmatch(runtime)
    if found is None:
        return None
    if found["python"]:
        return "python"
    return "nodejs" if found["nodejs"] else "provided"


def refusal(runtime: str) -> str:
    return (
        f"the runtime {runtime!r} does not run here; python3.x, nodejs*.x and provided.* (an executable named "
        "bootstrap that speaks the Runtime API) do"
    )


def version_notice(runtime: str, python_version: str) -> str | None:
    """What to say where a Python function runs on another Python."""
    if kind_of(runtime) != "python" or runtime == f"python{'.'.join(python_version.split('.')[:2])}":
        return None
    return f"[globule] the template asks for {runtime}; this machine's Python {python_version} runs it"


def handler_files(runtime: str, handler: str) -> tuple[PurePosixPath, ...]:
    """Where a handler's code may be, relative to the code's root. Empty where anything will do.

    https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html#naming and nodejs-handler.html#naming
    """
    kind = kind_of(runtime)
    if kind == "provided":
        return (PurePosixPath("bootstrap"),)
    if kind == "python":
        module = PurePosixPath(handler.rpartition(".")[0].replace(".", "/"))
        return (module.with_name(f"{module.name}.py"), module / "__init__.py") if module.name else ()
    folder, _, name = handler.rpartition("/")
    stem = PurePosixPath(folder) / name.partition(".")[0]
    return tuple(stem.with_name(f"{stem.name}{suffix}") for suffix in ("", ".js", ".mjs", ".cjs")) if stem.name else ()


def inline_file(runtime: str) -> str | None:
    """The file that inline code becomes: AWS names it index.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-code.html"""
    return {"python": "index.py", "nodejs": "index.js"}.get(kind_of(runtime) or "")
