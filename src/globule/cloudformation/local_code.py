"""Local paths in templates: what `sam package` and `aws cloudformation package` would upload.

Before SAM's transform, which wants buckets, a local path becomes the URI of an object that does not exist, with the
path in its key; afterwards the object becomes `{"LocalPath": ..., "ContentHash": ...}`, or the content of an API's
definition file. The hash stands for the upload: code that changes is a property that changes, and a new version.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-package.html
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from globule.cloudformation.parsing import TEMPLATE_LIMIT_BYTES, Document, parse
from globule.cloudformation.problems import Location, Problem, TemplateProblems, dotted
from globule.cloudformation.template import Source
from globule.host.files import content_hash, read_text

BUCKET = "Globule-Local"  # no bucket of a template's own: names of buckets have no upper case
# The property of each type that may be a local path, before the transform and after it.
CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::WebFunction": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Lambda::LayerVersion": "Content",
}
DEFINITIONS = {
    "AWS::Serverless::Api": "DefinitionUri",
    "AWS::Serverless::HttpApi": "DefinitionUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
    "AWS::Serverless::WebSocketApi": "DefinitionUri",
    "AWS::ApiGateway::RestApi": "BodyS3Location",
    "AWS::ApiGatewayV2::Api": "BodyS3Location",
}
_GLOBALS = {"Function": "CodeUri", "Api": "DefinitionUri", "HttpApi": "DefinitionUri"}
_KEY_PREFIX = "path-"
_SAM = "AWS::Serverless::"


def local_paths(document: Document) -> Iterator[tuple[Location, str]]:
    """Every local path in a template, and where it stands, or would stand where a function does not say it."""
    yield from _written(document)
    yield from _defaults(document)


def _written(document: Document) -> Iterator[tuple[Location, str]]:
    places: list[Location] = [("Globals", section, key) for section, key in _GLOBALS.items()]
    for logical_id, resource in _resources(document.value):
        if key := _property(resource):
            places.append(("Resources", logical_id, "Properties", key))
    for path in places:
        value = _member(document.value, *path)
        if isinstance(value, str) and "://" not in value:
            yield path, value


def with_uris(document: Document, folder: Path) -> dict[str, Any]:
    """The template's value with every local path as the URI of an object. Raises TemplateProblems for what is not
    there."""
    problems: list[Problem] = []
    value = document.value
    for path, local in local_paths(document):
        if not (folder / local).exists():
            problems.append(document.problem(path, f"there is no file or folder {local}", where=dotted(path)))
        value = _replaced(value, path, _uri(local) if _takes_uri(document.value, path) else _object(path, local))
    if problems:
        raise TemplateProblems(problems)
    return value


def with_local_code(body: Mapping[str, Any], source: Source, folder: Path, hashes: ContentHashes) -> dict[str, Any]:
    """A transformed template with local code and definitions in the place of those objects. Raises TemplateProblems."""
    resources: dict[str, Any] = {}
    problems: list[Problem] = []
    for logical_id, resource in _resources(body):
        resources[logical_id] = resource
        kind = resource.get("Type", "")
        key = _property(resource)
        local = _local_of(_member(resource, "Properties", key)) if key else None
        if key is None or local is None:
            continue
        properties = {**resource["Properties"]}
        path: Location = ("Resources", logical_id, "Properties", key)
        try:
            if kind in CODE:
                properties[key] = {"LocalPath": local, "ContentHash": hashes.of(folder / local)}
            else:
                del properties[key]
                properties["Body"] = parse(read_text(folder / local, limit_bytes=TEMPLATE_LIMIT_BYTES), local).value
        except (OSError, ValueError) as error:
            problems.append(source.problem(path, f"cannot read {local}: {error}"))
        if missing := _missing_handler(kind, properties, folder):
            problems.append(source.problem((*path[:-1], "Handler"), missing))
        resources[logical_id] = {**resource, "Properties": properties}
    if problems:
        raise TemplateProblems(problems)
    return {**body, "Resources": resources}


class ContentHashes:
    """The hash of each file or folder, read once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def of(self, path: Path) -> str:
        """Raises OSError, ValueError."""
        if path not in self._known:
            self._known[path] = content_hash(path)
        return self._known[path]


def _defaults(document: Document) -> Iterator[tuple[Location, str]]:
    """SAM functions that do not say where their code is: it is beside the template, as SAM's CLI has it."""
    if _member(document.value, "Globals", "Function", "CodeUri") is not None:
        return
    for logical_id, resource in _resources(document.value):
        properties = resource.get("Properties") or {}
        if not isinstance(properties, dict):
            continue
        said = {key for key, value in properties.items() if value is not None}
        elsewhere = {"CodeUri", "InlineCode", "ImageUri"} & said or properties.get("PackageType") == "Image"
        if resource.get("Type") in ("AWS::Serverless::Function", "AWS::Serverless::WebFunction") and not elsewhere:
            yield ("Resources", logical_id, "Properties", "CodeUri"), "."


def _takes_uri(value: Mapping[str, Any], path: Location) -> bool:
    return path[0] == "Globals" or str(_member(value, *path[:2], "Type")).startswith(_SAM)


def _uri(local: str) -> str:
    return f"s3://{BUCKET}/{_key(local)}"


def _object(path: Location, local: str) -> dict[str, str]:
    names = ("Bucket", "Key") if path[-1] == "BodyS3Location" else ("S3Bucket", "S3Key")
    return dict(zip(names, (BUCKET, _key(local)), strict=True))


def _key(local: str) -> str:
    return _KEY_PREFIX + local.encode().hex()


def _local_of(value: Any) -> str | None:
    """The local path that an object stands for."""
    bucket, key = (_member(value, f"S3{name}") or _member(value, name) for name in ("Bucket", "Key"))
    if bucket == BUCKET and isinstance(key, str):
        with contextlib.suppress(ValueError):  # a template that itself names this bucket
            return bytes.fromhex(key.removeprefix(_KEY_PREFIX)).decode()
    return None


def _property(resource: Mapping[str, Any]) -> str | None:
    """The property of a resource that may be a local path."""
    kind = str(resource.get("Type"))
    return CODE.get(kind) or DEFINITIONS.get(kind)


def _resources(value: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    resources = value.get("Resources")
    for logical_id, resource in (resources if isinstance(resources, dict) else {}).items():
        if isinstance(resource, dict):
            yield logical_id, resource


def _member(value: Any, *path: str | int) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _replaced(value: Any, path: Location, new: Any) -> Any:
    """A copy of `value` with something else at `path`."""
    if not path:
        return new
    step, *rest = path
    inside = value if isinstance(value, dict) else {}
    return {**inside, str(step): _replaced(inside.get(str(step)), tuple(rest), new)}


def _missing_handler(kind: str, properties: Mapping[str, Any], folder: Path) -> str | None:
    """A sentence where a function's handler is in a file that is not there.

    A function with layers may have its handler in one of them, and a zip file is not looked into.
    """
    code, handler, runtime = (
        _member(properties, "Code", "LocalPath"),
        properties.get("Handler"),
        properties.get("Runtime"),
    )
    if kind != "AWS::Lambda::Function" or not isinstance(handler, str) or not isinstance(runtime, str):
        return None
    if not isinstance(code, str) or properties.get("Layers") or not (folder / code).is_dir():
        return None
    if runtime.startswith("python"):
        module = handler.rpartition(".")[0].replace(".", "/")
        candidates = [f"{module}.py", f"{module}/__init__.py", f"{module}.so"]
    elif runtime.startswith("nodejs"):
        directory, slash, name = handler.rpartition("/")
        module = f"{directory}{slash}{name.split('.')[0]}"
        candidates = [f"{module}.js", f"{module}.mjs", f"{module}.cjs"]
    else:
        return None
    if any((folder / code / candidate).is_file() for candidate in candidates):
        return None
    build = ""
    if (folder / code / f"{module}.ts").is_file():
        build = "; it is TypeScript: run `sam build` and use .aws-sam/build/template.yaml"
    return f"Handler {handler} needs {' or '.join(candidates[:2])} in {code}, which is not there{build}"
