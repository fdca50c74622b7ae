"""A SAM template to a CloudFormation template, with AWS's own translator, and back to where each line came from.

https://github.com/aws/serverless-application-model is what AWS runs; `sam_translator` runs it here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from globule.cloudformation.catalogue import EXPLAINED
from globule.cloudformation.language_extensions import TRANSFORM as LANGUAGE_EXTENSIONS
from globule.cloudformation.parsing import Document
from globule.cloudformation.problems import Location, Problem, TemplateProblems, dotted
from globule.cloudformation.sam_translator import TranslationFailed
from globule.cloudformation.template import Source

TRANSFORM = "AWS::Serverless-2016-10-31"
APPLICATION = "AWS::Serverless::Application"
# Carries the logical id of a SAM resource through the translator to what is generated from it.
_ORIGIN = "GlobuleOrigin"
_HASHED = re.compile(r"(.*)([0-9a-f]{10})")

Translate = Callable[[Any, Mapping[str, Any], str], dict[str, Any]]


def transforms(document: Document) -> frozenset[str]:
    """The transforms that a template asks for. Raises TemplateProblems where one is not supported."""
    asked = document.value.get("Transform") or []
    names = asked if isinstance(asked, list) else [asked]
    for name in names:
        if name not in (TRANSFORM, LANGUAGE_EXTENSIONS):
            shown = name.get("Name") if isinstance(name, dict) else name
            why = f"the transform {shown} is not supported here; {TRANSFORM} and {LANGUAGE_EXTENSIONS} are"
            raise TemplateProblems([document.problem(("Transform",), why)])
    return frozenset(names)


def translated(
    document: Document, value: dict[str, Any], parameters: Mapping[str, Any], region: str, translate: Translate
) -> tuple[dict[str, Any], Source]:
    """`value` is the document's, with code as URIs. Raises TemplateProblems."""
    problems = list(_refused(document))
    if problems:
        raise TemplateProblems(problems)
    try:
        body = translate(_marked(value), parameters, region)
    except TranslationFailed as failed:
        raise TemplateProblems(_located(document, sentence) for sentence in failed.sentences) from None
    origins: dict[str, str] = {}
    for logical_id, resource in body["Resources"].items():
        origin = (resource.get("Metadata") or {}).pop(_ORIGIN, None)
        if origin:
            origins[logical_id] = origin
    return body, Source(document=document, origins=origins)


def versioned(body: dict[str, Any], source: Source) -> tuple[dict[str, Any], Source]:
    """Gives what SAM publishes anew with each upload (versions, layers) a logical id that follows the code's hash.

    The translator has hashed the URI of code that was never uploaded, so its ids do not change when the code does. It
    also retains what it supersedes; here old versions go, since the code that they were made of is gone from disk.
    """
    resources = body["Resources"]
    renamed: dict[str, str] = {}
    for logical_id, resource in resources.items():
        found = _HASHED.fullmatch(logical_id)
        code_hash = _code_hash(resource, resources)
        if found and code_hash and logical_id in source.origins and logical_id != source.origins[logical_id]:
            resource.pop("DeletionPolicy", None)
            renamed[logical_id] = found[1] + hashlib.sha256((found[2] + code_hash).encode()).hexdigest()[:10]
    if not renamed:
        return body, source
    pattern = re.compile(rb"\b(" + b"|".join(old.encode() for old in renamed) + rb")\b")
    text = pattern.sub(lambda match: renamed[match[0].decode()].encode(), msgspec.json.encode(body))
    origins = {renamed.get(logical_id, logical_id): origin for logical_id, origin in source.origins.items()}
    return msgspec.json.decode(text), Source(document=source.document, origins=origins)


def _code_hash(resource: Mapping[str, Any], resources: Mapping[str, Any]) -> str | None:
    """The hash of the code that a version or a layer is made of."""
    properties = resource.get("Properties") or {}
    if resource.get("Type") == "AWS::Lambda::LayerVersion":
        found = properties.get("Content")
    elif resource.get("Type") == "AWS::Lambda::Version":
        function = properties.get("FunctionName")
        name = str(function.get("Ref")) if isinstance(function, dict) else ""
        found = (resources.get(name, {}).get("Properties") or {}).get("Code")
    else:
        return None
    return found.get("ContentHash") if isinstance(found, dict) else None


def _marked(value: dict[str, Any]) -> dict[str, Any]:
    resources: dict[str, Any] = {}
    for logical_id, resource in value["Resources"].items():
        metadata = {**(resource.get("Metadata") or {}), _ORIGIN: logical_id}
        resources[logical_id] = {**resource, "Metadata": metadata}
    return {**value, "Resources": resources}


def _refused(document: Document) -> Iterator[Problem]:
    """What must not reach the translator, which would ask the network about it."""
    for logical_id, resource in document.value["Resources"].items():
        if resource["Type"] == APPLICATION:
            path: Location = ("Resources", logical_id)
            yield document.problem(path, EXPLAINED[APPLICATION], where=dotted(path))


def _located(document: Document, sentence: str) -> Problem:
    """The translator names a resource, an event (by its own name, or with its resource's before it), a property."""
    named = re.findall(r"with id \[([A-Za-z0-9]+)\]", sentence)
    owners = [logical_id for logical_id in document.value["Resources"] if named and named[0].startswith(logical_id)]
    if not owners:
        return document.problem(("Resources",) if named else (), sentence)
    owner = max(owners, key=len)
    path: Location = ("Resources", owner, "Properties")
    event = named[1] if len(named) > 1 else named[0][len(owner) :]
    if event:
        path = (*path, "Events", event, "Properties")
    if given := re.search(r"[Pp]roperty '?([A-Za-z0-9.]+)'?", sentence):
        path = (*path, *given[1].split("."))
    return document.problem(path, sentence)
