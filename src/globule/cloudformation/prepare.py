"""The entry of this package: an application and what stands, to what must be done. See `Templates`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from globule.cloudformation.application import Application, read_application
from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.preparation import Preparation
from globule.cloudformation.prepared import Prepared
from globule.cloudformation.problems import TemplateProblems
from globule.cloudformation.schemas import Schemas
from globule.cloudformation.state import StackState
from globule.cloudformation.transform import load
from globule.host.entropy import Entropy
from globule.world.resource_type import ResourceType

# As `world.resource_type.Declaration` has it.
TOKEN_LENGTH = 26


class Templates:
    """Reads applications and prepares their deployment.

        templates = Templates(RESOURCE_TYPES, cache=state / "cache", entropy=SystemEntropy(), account="000000000000")
        application = templates.read(Path("examples/chat"))
        prepared = await templates.prepare(application, previous_states)

    Nothing is deployed here, and nothing outside of `cache` is written: publish `prepared.resources` as the world's
    and keep `prepared.states`, or let `execute` do it step by step.
    """

    def __init__(self, resource_types: Iterable[ResourceType], *, cache: Path, entropy: Entropy, account: str) -> None:
        self.catalogue = Catalogue(resource_types, Schemas())
        self._cache = cache
        self._entropy = entropy
        self._account = account

    def read(
        self, path: Path, *, regions: tuple[str, ...] = (), parameters: Mapping[str, str] | None = None
    ) -> Application:
        """From a folder with `globule.toml`, or a bare template. Raises TemplateProblems."""
        return read_application(path, regions=regions, parameters=parameters)

    async def prepare(
        self, application: Application, previous: Iterable[StackState] = (), unfinished: Iterable[StackState] = ()
    ) -> Prepared:
        """`unfinished` are the states that an interrupted change was to lead to: what it made keeps its identity.

        Raises TemplateProblems with everything that is wrong, in all stacks and regions."""
        preparation = Preparation(application, previous, unfinished, self.catalogue, self._account, self._draw)
        return await asyncio.to_thread(preparation.run, self._cache / "sam")

    def _draw(self) -> str:
        return base64.b32encode(self._entropy.bytes(TOKEN_LENGTH)).decode()[:TOKEN_LENGTH]


def watched_files(application: Application) -> tuple[Path, ...]:
    """What to watch while templates may be broken: as much of `Prepared.files` as can be found out."""
    found = [application.folder / application.file]
    for stack in application.stacks:
        found.append(stack.template)
        found.extend(sync.folder for sync in stack.sync)
        with contextlib.suppress(TemplateProblems):
            found.extend(load(stack.template, stack.file).files)
    return tuple(dict.fromkeys(found))
