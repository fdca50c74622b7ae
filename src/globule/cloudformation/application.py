"""An application: which stacks go to which regions, in which order, with which parameters. `globule.toml`, typed.

    home = "london"                     # city of clients that do not say where they are

    [[stack]]
    name = "chat-api"
    template = "api.yaml"
    regions = ["us-east-1", "eu-west-1"]            # one region at a time, in this order
    [stack.parameters]
    Stage = "prod"
    Table = { stack = "chat-data", output = "TableName" }   # of the same region, else of that stack's only one
    Origin = { output = "chat-web.Domain", region = "us-east-1" }   # shorter, and of the region that is named
    Role = { by_region = { us-east-1 = "PRIMARY" }, default = "SECONDARY" }
    [[stack.sync]]                                  # files to a bucket, once the stack exists
    from = "web/"
    to_output = "SiteBucketName"

Stacks come in the order of the file, so outputs flow downwards only. `capabilities` is accepted and means nothing here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from globule.cloudformation.intrinsics.scope import text_of
from globule.cloudformation.problems import Problem, TemplateProblems
from globule.host.files import read_text
from globule.world import places

FILE = "globule.toml"
FILE_LIMIT_BYTES = 1024 * 1024
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# What SAM's CLI calls a template that nobody names.
TEMPLATES = ("template.yaml", "template.yml", "template.json")
_NAMES_THAT_SAY_NOTHING = ("template", "packaged", "sam", "cloudformation")


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    """A parameter's value as it is."""

    text: str


class OutputOf(msgspec.Struct, frozen=True, kw_only=True, tag="output"):
    """A parameter's value that is another stack's output."""

    stack: str
    output: str
    region: str | None = None
    """None: the region of the stack that asks, or the only one that the other stack is in."""


class ByRegion(msgspec.Struct, frozen=True, kw_only=True, tag="by_region"):
    """A parameter's value that differs by region."""

    choices: Mapping[str, Literal | OutputOf]
    default: Literal | OutputOf | None = None


Parameter = Literal | OutputOf | ByRegion


class Sync(msgspec.Struct, frozen=True, kw_only=True):
    """Files that go to a bucket."""

    folder: Path
    """Absolute."""
    to_output: str
    """The output of the stack that names the bucket."""


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A template that goes to some regions."""

    name: str
    template: Path
    """Absolute."""
    file: str
    """The template, relative to the application's folder, for messages."""
    line: int
    """Where the application declares it."""
    regions: tuple[str, ...]
    parameters: Mapping[str, Parameter] = {}
    sync: tuple[Sync, ...] = ()


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `globule up` and `globule deploy` are about."""

    folder: Path
    """Absolute."""
    file: str
    """The file that declares it: `globule.toml`, or the template itself."""
    stacks: tuple[Stack, ...]
    home: str | None = None

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region, in the order of first mention."""
        return tuple(dict.fromkeys(region for stack in self.stacks for region in stack.regions))

    def stack(self, name: str) -> Stack | None:
        return next((stack for stack in self.stacks if stack.name == name), None)


def read_application(
    path: Path,
    *,
    regions: tuple[str, ...] = (),
    parameters: Mapping[str, str] | None = None,
) -> Application:
    """From a folder with `globule.toml`, that file, or a bare template with the regions and parameters it goes with.

    Raises TemplateProblems.
    """
    path = path.absolute()
    file = path / FILE if path.is_dir() else path
    if file.suffix != ".toml":
        return _of_template(file, regions, parameters or {})
    try:
        text = read_text(file, limit_bytes=FILE_LIMIT_BYTES)
    except FileNotFoundError:
        raise TemplateProblems([Problem(file=FILE, line=1, why=_missing(path))]) from None
    except (OSError, ValueError) as error:
        raise TemplateProblems([Problem(file=file.name, line=1, why=str(error))]) from None
    if regions or parameters:
        why = "regions and parameters come from this file; --regions and --parameter are for a bare template"
        raise TemplateProblems([Problem(file=file.name, line=1, why=why)])
    return _Reader(text, file).application()


def _missing(path: Path) -> str:
    """What to do where there is no globule.toml."""
    template = next((path / name for name in TEMPLATES if (path / name).is_file()), None)
    if template is None:
        return f"there is no {FILE} in {path}; name a template with --regions, or write one"
    return f"there is no {FILE} in {path}; for the template alone: globule up {template} --regions us-east-1,eu-west-1"


def _of_template(file: Path, regions: tuple[str, ...], parameters: Mapping[str, str]) -> Application:
    words = file.stem if file.stem.lower() not in _NAMES_THAT_SAY_NOTHING else file.parent.name
    name = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lstrip("0123456789-") or "app"
    stack = Stack(
        name=name[:128],
        template=file,
        file=file.name,
        line=1,
        regions=regions,
        parameters={key: Literal(value) for key, value in parameters.items()},
    )
    problems = [] if file.is_file() else [Problem(file=file.name, line=1, why="there is no such file")]
    if not regions:
        problems.append(
            Problem(file=file.name, line=1, why="say which regions it goes to: --regions eu-west-1,us-east-1")
        )
    problems += [Problem(file=file.name, line=1, why=why) for why in _region_problems(regions)]
    if problems:
        raise TemplateProblems(problems)
    return Application(folder=file.parent, file=file.name, stacks=(stack,))


# --- globule.toml -------------------------------------------------------------------------------------------------


class _SyncEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"folder": "from"}):
    folder: str
    to_output: str


class _StackEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    template: str
    regions: list[str]
    parameters: dict[str, Any] = {}
    capabilities: list[str] = []
    sync: list[_SyncEntry] = []


class _FileEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    stack: list[_StackEntry]
    home: str | None = None


class _OutputEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    output: str
    stack: str = ""
    region: str | None = None


class _ByRegionEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    by_region: dict[str, Any]
    default: Any = None


class _Reader:
    def __init__(self, text: str, file: Path) -> None:
        self._text = text
        self._file = file
        self._problems: list[Problem] = []

    def application(self) -> Application:
        try:
            entry = msgspec.convert(tomllib.loads(self._text), type=_FileEntry)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"at line (\d+)", str(error))
            self._refuse(int(found[1]) if found else 1, f"not valid TOML: {error}")
            raise TemplateProblems(self._problems) from None
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$")
            place = place.strip("`.")
            index = re.search(r"stack\[(\d+)\]", place)
            unknown = re.search(r"unknown field `(.*)`", message)
            line = self._line(int(index[1]) if index else None, unknown[1] if unknown else place.rpartition(".")[2])
            self._refuse(line, f"{place}: {message}" if place else message)
            raise TemplateProblems(self._problems) from None
        if not entry.stack:
            self._refuse(1, "there is no [[stack]]")
        if entry.home is not None:
            try:
                places.city(entry.home)
            except places.UnknownPlace as unknown:
                self._refuse(self._line(None, "home"), f"home: {unknown}")
        stacks = tuple(self._stack(index, stack) for index, stack in enumerate(entry.stack))
        self._check_outputs(stacks)
        if self._problems:
            raise TemplateProblems(self._problems)
        return Application(folder=self._file.parent, file=self._file.name, stacks=stacks, home=entry.home)

    def _refuse(self, line: int, why: str) -> None:
        self._problems.append(Problem(file=self._file.name, line=line, why=why))

    def _stack(self, index: int, entry: _StackEntry) -> Stack:
        def refuse(key: str, why: str) -> None:
            self._refuse(self._line(index, key), f"stack {entry.name}: {why}")

        template = (self._file.parent / entry.template).absolute()
        if not _STACK_NAME.fullmatch(entry.name):
            refuse("name", "a stack's name starts with a letter and has letters, digits and hyphens")
        if not template.is_file():
            refuse("template", f"there is no file {entry.template}")
        if not entry.regions:
            refuse("regions", "name at least one region")
        for why in _region_problems(tuple(entry.regions)):
            refuse("regions", why)
        parameters = {}
        for name, value in entry.parameters.items():
            parameter = _parameter(value)
            if isinstance(parameter, str):
                refuse(name, f"parameter {name}: {parameter}")
            else:
                parameters[name] = parameter
        for sync in entry.sync:
            if not (self._file.parent / sync.folder).is_dir():
                refuse("from", f"there is no folder {sync.folder}")
        return Stack(
            name=entry.name,
            template=template,
            file=entry.template,
            line=self._line(index, "name"),
            regions=tuple(entry.regions),
            parameters=parameters,
            sync=tuple(
                Sync(folder=(self._file.parent / sync.folder).absolute(), to_output=sync.to_output)
                for sync in entry.sync
            ),
        )

    def _check_outputs(self, stacks: tuple[Stack, ...]) -> None:
        before: dict[str, Stack] = {}
        for index, stack in enumerate(stacks):
            if stack.name in before:
                self._refuse(stack.line, f"stack {stack.name}: there is another one of that name")
            for name, asked in _outputs_of(stack):
                for why in _output_problems(asked, stack, before, stacks):
                    self._refuse(self._line(index, name), f"stack {stack.name}: parameter {name}: {why}")
            before[stack.name] = stack

    def _line(self, index: int | None, key: str) -> int:
        """The line of a key: of the file, or of the stack with that number."""
        current = -1
        found = 1
        wanted = re.compile(rf"""(^|[\s{{,])["']?{re.escape(key)}["']?\s*=""")
        for number, text in enumerate(self._text.splitlines(), start=1):
            if re.match(r"\s*\[\[\s*stack\s*\]\]", text):
                current += 1
                found = number if current == index else found
            if current == (-1 if index is None else index) and wanted.search(text):
                return number
        return found


def _region_problems(regions: tuple[str, ...]) -> Iterator[str]:
    for region in regions:
        try:
            places.region(region)
        except places.UnknownPlace as unknown:
            yield str(unknown)
    if len(set(regions)) < len(regions):
        yield "a region is there twice"


def _parameter(value: Any) -> Parameter | str:
    """The parameter, or a sentence that says why it is none."""
    if not isinstance(value, dict) or "by_region" not in value:
        return _single(value)
    try:
        entry = msgspec.convert(value, type=_ByRegionEntry)
    except msgspec.ValidationError as error:
        return str(error)
    choices: dict[str, Literal | OutputOf] = {}
    for region, choice in entry.by_region.items():
        single = _single(choice)
        if isinstance(single, str):
            return f"{region}: {single}"
        choices[region] = single
    default = None if entry.default is None else _single(entry.default)
    return default if isinstance(default, str) else ByRegion(choices=choices, default=default)


def _single(value: Any) -> Literal | OutputOf | str:
    if not isinstance(value, dict):
        return _literal(value)
    try:
        entry = msgspec.convert(value, type=_OutputEntry)
    except msgspec.ValidationError:
        return 'write a value, { stack = "name", output = "Output" }, or { by_region = { region = value } }'
    stack, _, output = (entry.stack, "", entry.output) if entry.stack else entry.output.partition(".")
    return OutputOf(stack=stack, output=output, region=entry.region)


def _literal(value: Any) -> Literal | str:
    texts = [text_of(item) for item in (value if isinstance(value, list) else [value])]
    if None in texts:
        return f"cannot be {value!r}: a parameter is text, a number, a boolean, or a list of them"
    return Literal(",".join(text for text in texts if text is not None))


def _outputs_of(stack: Stack) -> Iterator[tuple[str, OutputOf]]:
    for name, parameter in stack.parameters.items():
        inner = (*parameter.choices.values(), parameter.default) if isinstance(parameter, ByRegion) else (parameter,)
        for single in inner:
            if isinstance(single, OutputOf):
                yield name, single


def _output_problems(
    asked: OutputOf, stack: Stack, before: Mapping[str, Stack], stacks: tuple[Stack, ...]
) -> Iterator[str]:
    source = before.get(asked.stack)
    if source is None:
        later = any(other.name == asked.stack for other in stacks)
        yield f"the stack {asked.stack} " + ("must come before this one" if later else "is not in this file")
        return
    if asked.region is not None:
        if asked.region not in source.regions:
            yield f"{asked.stack} is not in {asked.region}, but in {', '.join(source.regions)}"
        return
    elsewhere = [region for region in stack.regions if region not in source.regions]
    if elsewhere and len(source.regions) > 1:
        yield f"say which region's output is meant in {', '.join(elsewhere)}: {asked.stack} is in several others"
