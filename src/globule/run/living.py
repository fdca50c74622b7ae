"""Which processes of a world live, seen from outside, and how all of them are ended.

Every process of a world listens on a socket of its own, and the operating system closes it when the process dies,
however it dies. So whoever can connect knows that it lives, and on Linux also its pid. Nothing here relies on the
supervisor: a world whose control plane was killed can be ended too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from pathlib import Path

from globule.run.channel import Channel, ChannelClosed
from globule.run.messages import Stop
from globule.run.state import State

# How long an order to stop may take before SIGKILL: workers get their own, shorter, limits.
STOP_LIMIT_S = 10.0
# The supervisor gives each process that long, all at once, and then ends itself.
SUPERVISOR_STOP_LIMIT_S = STOP_LIMIT_S + 5.0


def living(state: State) -> dict[str, int]:
    """Pids by name: `guardian`, `supervisor`, `edge`, regions. 0 where the system does not tell the pid."""
    found = {path.stem: listener(path) for path in sorted(state.sockets.glob("*.sock"))}
    return {name: pid for name, pid in found.items() if pid is not None}


def listener(path: Path) -> int | None:
    """The pid of whoever listens there; None where nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(str(path))
        except BlockingIOError:
            return 0  # it lives, and has not taken its callers for a long time
        except OSError:
            return None
        if not hasattr(socket, "SO_PEERCRED"):
            return 0
        pid, _, _ = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        return int(pid)


async def stop_world(state: State) -> tuple[str, ...]:
    """End whatever lives of a world and leave no sockets. Returns the names of those that had to be killed."""
    killed = []
    guardian = listener(state.socket("guardian"))
    if not await stop_process(state, "supervisor", limit_s=SUPERVISOR_STOP_LIMIT_S):
        killed.append("supervisor")
    if "guardian" in living(state) and not await _end(guardian, signal.SIGTERM):
        await _end(guardian, signal.SIGKILL)
        killed.append("guardian")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_LIMIT_S):
            await _until_ended(guardian)  # it was told, or has seen its supervisor end in order
    names = list(living(state))  # those whose supervisor was dead
    orderly = await asyncio.gather(*(stop_process(state, name) for name in names))
    killed += [name for name, obeyed in zip(names, orderly, strict=True) if not obeyed]
    state.remove_sockets()
    return tuple(killed)


async def stop_process(state: State, name: str, *, limit_s: float = STOP_LIMIT_S) -> bool:
    """End one process, if it lives. False where it did not obey, and was killed."""
    pid = listener(state.socket(name))
    try:
        channel = await Channel.open(state.socket(name))
    except ChannelClosed:
        return True
    try:
        async with asyncio.timeout(limit_s):
            with contextlib.suppress(ChannelClosed):
                await channel.ask(Stop())
            await channel.until_closed()
            await _until_ended(pid)
    except TimeoutError:
        await _end(pid, signal.SIGKILL)
        return False
    finally:
        await channel.close()
    return True


async def _end(pid: int | None, number: signal.Signals) -> bool:
    """Send a signal and wait for the end; False where it did not come."""
    if not pid:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    try:
        async with asyncio.timeout(SUPERVISOR_STOP_LIMIT_S):
            await _until_ended(pid)
    except TimeoutError:
        return False
    return True


async def _until_ended(pid: int | None) -> None:
    """A process stops listening a moment before it ends. Returns at once where the system cannot tell."""
    if sys.platform != "linux" or not pid:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
