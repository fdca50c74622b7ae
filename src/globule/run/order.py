"""What `globule up` was asked to run. The command line writes it into the state directory; the supervisor reads it."""

from __future__ import annotations

import msgspec

from globule.run.state import State, StateProblem, replace_file


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Equal orders on the same files run the same world."""

    path: str
    """Absolute path of a template, or of a folder with `globule.toml`."""
    regions: tuple[str, ...] = ()
    """For a bare template: where it goes."""
    parameters: dict[str, str] = {}
    """For a bare template: its parameters."""
    home: str | None = None
    """City of clients that do not say where they are; None takes the application's."""
    port_base: int = 4500
    wan: float = 1.0
    time_scale: float = 1.0
    reload: bool = True
    """Follow changes of templates, function code and static files."""


def write_order(state: State, order: Order) -> None:
    replace_file(state.application_file, msgspec.json.format(msgspec.json.encode(order)))


def read_order(state: State) -> Order:
    """Raises StateProblem."""
    try:
        return msgspec.json.decode(state.application_file.read_bytes(), type=Order)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise StateProblem(f"{state.application_file} does not say what to run: {error}") from error
