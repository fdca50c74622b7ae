"""The memory of stacks: a change that was interrupted is taken up again as the same change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from globule.cloudformation.prepared import Prepared
from globule.run.order import Order
from globule.run.stacks import Stacks
from globule.run.state import State, StateProblem

TABLE = """
  {name}:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{{AttributeName: {key}, AttributeType: S}}]
      KeySchema: [{{AttributeName: {key}, KeyType: HASH}}]
"""


class Control:
    """A control plane's stacks, on a state directory that outlives it."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder / "state")
        self.state.prepare()
        self.template = folder / "template.yaml"
        self.order = Order(path=str(self.template), regions=("eu-west-1",))
        self.restart()

    def restart(self) -> None:
        """As after SIGKILL."""
        self.stacks = Stacks(self.state, self.order)

    async def prepare(self, **tables: str) -> Prepared:
        """`tables`: the key of each."""
        resources = [TABLE.format(name=name, key=key) for name, key in tables.items()]
        self.template.write_text("Resources:" + "".join(resources))
        return await self.stacks.prepare(self.stacks.read())


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    control = Control(tmp_path)
    yield control
    control.state.remove_sockets()


def names(prepared: Prepared) -> dict[str, str]:
    return {deployed.logical_id: deployed.physical_id for deployed in prepared.resources}


async def test_a_table_that_an_interrupted_change_made_keeps_its_name(control: Control) -> None:
    """It may hold acknowledged writes already."""
    begun = await control.prepare(Notes="id")
    control.stacks.begin(begun)
    control.restart()
    again = await control.prepare(Notes="id")
    assert names(again) == names(begun)
    assert not again.empty, "it is not known whether anything was made, so all of it is done again"


async def test_without_a_beginning_names_are_new(control: Control) -> None:
    assert names(await control.prepare(Notes="id")) != names(await control.prepare(Notes="id"))


async def test_a_change_that_is_through_leaves_nothing_unfinished(control: Control) -> None:
    begun = await control.prepare(Notes="id")
    control.stacks.begin(begun)
    control.stacks.keep(begun.states)
    control.restart()
    again = await control.prepare(Notes="id")
    assert names(again) == names(begun) and again.empty
    assert not (control.state.root / "unfinished.json").exists()


async def test_what_stood_before_an_interrupted_change_is_what_it_is_rolled_back_to(control: Control) -> None:
    first = await control.prepare(Notes="id")
    control.stacks.begin(first)
    control.stacks.keep(first.states)
    replaced = await control.prepare(Notes="other", More="id")
    assert names(replaced)["Notes"] != names(first)["Notes"]
    control.stacks.begin(replaced)
    control.restart()
    assert control.stacks.standing == first.states
    assert names(await control.prepare(Notes="other", More="id")) == names(replaced)
    # Nobody wants that change any more: the old table is still the same one.
    back = await control.prepare(Notes="id")
    assert names(back) == names(first) and back.empty


async def test_what_an_interrupted_change_would_have_replaced_once_more_is_new(control: Control) -> None:
    begun = await control.prepare(Notes="id")
    control.stacks.begin(begun)
    control.restart()
    assert names(await control.prepare(Notes="other"))["Notes"] != names(begun)["Notes"]


@pytest.mark.parametrize("file", ["unfinished.json", "stacks/template.eu-west-1.json"])
async def test_a_damaged_memory_is_refused_by_the_name_of_its_file(control: Control, file: str) -> None:
    (control.state.root / file).write_text('{"name": "temp')
    with pytest.raises(StateProblem, match="is damaged"):
        control.restart()
