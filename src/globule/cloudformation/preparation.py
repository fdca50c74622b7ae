"""One pass over an application: every stack in every region, in order, so that outputs of one feed the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from globule.cloudformation.application import Application, ByRegion, Literal, OutputOf, Parameter, Stack
from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.identity import retained
from globule.cloudformation.local_code import ContentHashes
from globule.cloudformation.names import export_problems, name_problems
from globule.cloudformation.prepared import Prepared, Step, Upload
from globule.cloudformation.problems import Problem, TemplateProblems
from globule.cloudformation.resolve import DrawToken, Instance, resolve
from globule.cloudformation.sam_translator import SamTranslator
from globule.cloudformation.standing import resources_of
from globule.cloudformation.state import StackKey, StackState
from globule.cloudformation.template import Source
from globule.cloudformation.transform import Loaded, load, transformed


class Preparation:
    """Used once. Reads files and may run SAM's translator, so it blocks."""

    def __init__(
        self,
        application: Application,
        previous: Iterable[StackState],
        unfinished: Iterable[StackState],
        catalogue: Catalogue,
        account: str,
        draw: DrawToken,
    ) -> None:
        self._application = application
        self._previous = {state.key: state for state in previous}
        self._unfinished = {state.key: state for state in unfinished}
        self._catalogue = catalogue
        self._account = account
        self._draw = draw
        self._hashes = ContentHashes()
        self._files: list[Path] = [application.folder / application.file]
        self._steps: dict[StackKey, Step] = {}
        self._sources: dict[StackKey, Source] = {}
        self._uploads: list[Upload] = []
        self._problems: list[Problem] = []

    def run(self, cache: Path) -> Prepared:
        """Raises TemplateProblems."""
        with contextlib.closing(SamTranslator(cache)) as translator:
            for stack in self._application.stacks:
                self._stack(stack, translator)
        self._problems.extend(name_problems(self._states(), self._sources, self._catalogue.schemas))
        if self._problems:
            raise TemplateProblems(self._problems)
        return Prepared(
            application=self._application,
            steps=(*self._steps.values(), *self._deletions()),
            uploads=tuple(self._uploads),
            files=tuple(dict.fromkeys(self._files)),
            translated=translator.translated,
        )

    def _stack(self, stack: Stack, translator: SamTranslator) -> None:
        self._files.extend((stack.template, *(sync.folder for sync in stack.sync)))
        try:
            loaded = load(stack.template, stack.file)
        except TemplateProblems as problems:
            self._problems.extend(problems.problems)
            return
        self._files.extend(loaded.files)
        for region in stack.regions:
            try:
                self._instance(stack, region, loaded, translator)
            except TemplateProblems as problems:
                self._problems.extend(problems.problems)

    def _instance(self, stack: Stack, region: str, loaded: Loaded, translator: SamTranslator) -> None:
        parameters = {}
        for name, parameter in stack.parameters.items():
            single = _in_region(parameter, region)
            if isinstance(single, OutputOf) and self._source_of(single, region) not in self._steps:
                return  # what it waits for has failed, and has said so
            if single is not None:
                parameters[name] = single.text if isinstance(single, Literal) else self._output(stack, single, region)
        instance = Instance(
            stack=stack.name,
            region=region,
            account=self._account,
            folder=stack.template.parent,
            parameters=parameters,
            exports={name: value for state in self._states(region) for name, value in state.exports.items()},
            previous=self._previous.get((stack.name, region)),
            unfinished=self._unfinished.get((stack.name, region)),
        )
        template = transformed(loaded.document, instance, translator.translate, self._hashes)
        resolution = resolve(template, instance, self._catalogue, self._draw)
        key = (stack.name, region)
        self._sources[key] = template.source
        self._steps[key] = Step(
            key=key,
            before=instance.previous,
            after=resolution.state,
            resources=resolution.resources,
            not_running=resolution.not_running,
        )
        others = ({**self._previous, **{state.key: state for state in self._states()}}).values()
        self._problems.extend(export_problems(instance.previous, resolution.state, others, template.source))
        self._uploads.extend(self._uploads_of(stack, resolution.state))

    def _states(self, region: str | None = None) -> Iterator[StackState]:
        """The wanted states so far."""
        for step in self._steps.values():
            if step.after is not None and region in (None, step.after.region):
                yield step.after

    def _source_of(self, asked: OutputOf, region: str) -> StackKey:
        source = self._application.stack(asked.stack)
        assert source is not None, "the application has been checked"
        if asked.region is not None:
            return source.name, asked.region
        return source.name, region if region in source.regions else source.regions[0]

    def _output(self, stack: Stack, asked: OutputOf, region: str) -> str:
        key = self._source_of(asked, region)
        state = self._steps[key].after
        outputs = state.outputs if state else {}
        if asked.output not in outputs:
            raise self._refused(stack, f"{asked.stack} has no output {asked.output}", outputs)
        return outputs[asked.output]

    def _uploads_of(self, stack: Stack, state: StackState) -> Iterator[Upload]:
        for sync in stack.sync:
            if sync.to_output not in state.outputs:
                raise self._refused(stack, f"sync: it has no output {sync.to_output}", state.outputs)
            yield Upload(
                stack=stack.name, region=state.region, folder=sync.folder, bucket=state.outputs[sync.to_output]
            )

    def _refused(self, stack: Stack, why: str, outputs: dict[str, str]) -> TemplateProblems:
        known = f"{why}; there are: {', '.join(outputs) or 'none'}"
        file = self._application.file
        return TemplateProblems([Problem(file=file, line=stack.line, where=f"stack {stack.name}", why=known)])

    def _deletions(self) -> Iterator[Step]:
        """Stacks that the application no longer has, the newest first. What is to be retained stays."""
        for key, state in reversed(self._previous.items()):
            if key in self._steps:
                continue
            emptied = msgspec.structs.replace(state, resources=(), outputs={}, exports={}, imports=(), parameters={})
            emptied = msgspec.structs.replace(emptied, retained=retained(state, emptied))
            if emptied.retained:
                yield Step(key=key, before=state, after=emptied, resources=resources_of(emptied, self._catalogue))
            else:
                yield Step(key=key, before=state, after=None)


def _in_region(parameter: Parameter, region: str) -> Literal | OutputOf | None:
    """None where the template's default holds."""
    return parameter.choices.get(region, parameter.default) if isinstance(parameter, ByRegion) else parameter
