"""Steps carried out against a stand-in for the data planes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.execute import execute
from globule.cloudformation.prepared import Step
from globule.cloudformation.resolve import Resolution
from globule.cloudformation.state import StackState
from globule.world.snapshot import Deployed

Resolve = Callable[..., Resolution]


class DataPlanes:
    """Cannot bring up what `broken` names; remembers every world that it was given."""

    def __init__(self, *broken: str) -> None:
        self._broken = set(broken)
        self.worlds: list[list[str]] = []

    async def publish(self, resources: tuple[Deployed, ...]) -> Sequence[str]:
        names = [f"{resource.stack}/{resource.region}" for resource in resources]
        self.worlds.append(names)
        return [f"{name} does not come up" for name in names if name in self._broken]


def site(resolved: Resolve, region: str, tag: str, before: StackState | None = None) -> Step:
    text = f"Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Properties: {{Tags: [{{Key: k, Value: {tag}}}]}}"
    resolution = resolved(text, stack="site", region=region, previous=before)
    return Step(key=resolution.state.key, before=before, after=resolution.state, resources=resolution.resources)


@pytest.fixture
def steps(resolved: Resolve) -> list[Step]:
    return [site(resolved, region, "one") for region in ("us-east-1", "eu-west-1", "sa-east-1")]


async def test_each_wave_is_published_on_top_of_what_stands(steps: list[Step], catalogue: Catalogue) -> None:
    planes = DataPlanes()
    executed = await execute([[step] for step in steps], [], catalogue, planes)
    assert planes.worlds == [
        ["site/us-east-1"],
        ["site/us-east-1", "site/eu-west-1"],
        ["site/us-east-1", "site/eu-west-1", "site/sa-east-1"],
    ]
    assert executed.states == tuple(step.after for step in steps)
    assert not executed.failed


async def test_a_wave_that_fails_is_rolled_back_and_stops_those_after_it(
    steps: list[Step], catalogue: Catalogue
) -> None:
    planes = DataPlanes("site/eu-west-1")
    executed = await execute([[step] for step in steps], [], catalogue, planes)
    assert planes.worlds == [["site/us-east-1"], ["site/us-east-1", "site/eu-west-1"], ["site/us-east-1"]]
    assert executed.states == (steps[0].after,)
    assert executed.failed == (("site", "eu-west-1"),)
    assert executed.reasons == ("site/eu-west-1 does not come up",)


async def test_a_failed_update_leaves_the_stack_as_it_was(resolved: Resolve, catalogue: Catalogue) -> None:
    before = site(resolved, "eu-west-1", "one")
    assert before.after is not None
    update = site(resolved, "eu-west-1", "two", before.after)
    executed = await execute([[update]], [before.after], catalogue, DataPlanes("site/eu-west-1"))
    assert executed.states == (before.after,)
    assert executed.resources == before.resources
    assert not update.plan.empty


async def test_a_stack_that_goes_takes_its_resources_along(steps: list[Step], catalogue: Catalogue) -> None:
    standing = [step.after for step in steps if step.after is not None]
    gone = Step(key=standing[0].key, before=standing[0], after=None)
    planes = DataPlanes()
    executed = await execute([[gone]], standing, catalogue, planes)
    assert planes.worlds == [["site/eu-west-1", "site/sa-east-1"]]
    assert executed.states == tuple(standing[1:])
    assert [action.kind for action in gone.plan.actions] == ["delete"]
