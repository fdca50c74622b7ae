"""From a file to a template whose transforms are done, for one stack in one region.

The order is CloudFormation's: AWS::Include (deepest first), the loops of AWS::LanguageExtensions, then SAM.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from globule.cloudformation import language_extensions, parameters, sam
from globule.cloudformation.includes import write_out_includes
from globule.cloudformation.intrinsics.evaluation import Evaluation
from globule.cloudformation.intrinsics.scope import Facts
from globule.cloudformation.local_code import ContentHashes, local_paths, with_local_code, with_uris
from globule.cloudformation.parsing import TEMPLATE_LIMIT_BYTES, Document, parse
from globule.cloudformation.problems import Problem, TemplateProblems
from globule.cloudformation.resolve import Instance, pseudo_parameters
from globule.cloudformation.template import Source, Template, read_template
from globule.host.files import read_text


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A template's file, read once for all regions."""

    document: Document
    files: tuple[Path, ...]
    """The template, what it includes, and the files and folders of its code."""


def load(path: Path, name: str) -> Loaded:
    """`name` is the file's name in messages. Raises TemplateProblems."""
    folder = path.parent
    files = [path]

    def read(included: str) -> str:
        files.append(folder / included)
        return read_text(folder / included, limit_bytes=TEMPLATE_LIMIT_BYTES)

    try:
        text = read_text(path, limit_bytes=TEMPLATE_LIMIT_BYTES)
    except (OSError, ValueError) as error:
        raise TemplateProblems([Problem(file=name, line=1, why=f"cannot read it: {error}")]) from None
    document = write_out_includes(parse(text, name), read)
    files.extend(folder / local for _, local in local_paths(document))
    return Loaded(document=document, files=tuple(files))


def transformed(document: Document, instance: Instance, translate: sam.Translate, hashes: ContentHashes) -> Template:
    """Raises TemplateProblems."""
    transforms = sam.transforms(document)
    values = parameters.bind(_section(document, "Parameters"), instance.parameters, Source(document=document))
    if language_extensions.has_loops(document.value):
        if language_extensions.TRANSFORM not in transforms:
            why = f"Fn::ForEach needs `Transform: {language_extensions.TRANSFORM}`"
            raise TemplateProblems([document.problem(("Transform",), why)])
        document = language_extensions.write_out_loops(document, _scope_of(document, instance, values))
    source = Source(document=document)
    read_template(document.value, source, serverless=sam.TRANSFORM in transforms)
    value = with_uris(document, instance.folder)
    if sam.TRANSFORM in transforms:
        value, source = sam.translated(document, value, values, instance.region, translate)
    value = with_local_code(value, source, instance.folder, hashes)
    value, source = sam.versioned(value, source)
    return read_template(value, source)


def _scope_of(document: Document, instance: Instance, values: Mapping[str, Any]) -> Evaluation:
    """What the collection of a loop may refer to: there are no resources yet."""
    facts = Facts(
        region=instance.region,
        pseudo_parameters=pseudo_parameters(instance, ""),
        parameters=values,
        mappings=_section(document, "Mappings"),
    )
    return Evaluation(facts, conditions=_section(document, "Conditions"))


def _section(document: Document, name: str) -> dict[str, Any]:
    """Empty where it is missing or no mapping: `read_template` says so."""
    section = document.value.get(name)
    return section if isinstance(section, dict) else {}
