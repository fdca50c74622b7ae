"""Child processes for code that is not ours: it may crash, hang, fork, leave children behind, or print without end.

How it works: all of them are started by a keeper (`host.process_keeper`), a small single-threaded program that this
process starts when it first needs one. That buys three things. Nothing outlives this process, not even when it is
killed with SIGKILL. Whatever a process leaves behind when it ends is killed too. And a Python script can be forked
from an interpreter that has its imports ready: 5 ms instead of the 350 ms that importing boto3 takes.

What a process prints arrives in pieces, standard output and error together, through a callback.

It is not a sandbox: the code runs as this user, with the network and the files of this user.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from globule.host import process_keeper

# What one read of a process's output takes: as much as a pipe holds.
OUTPUT_BYTES = 64 * 1024
# Looking at a process takes tens of microseconds; whoever has more than this is over any limit already.
COUNTED_PROCESSES = 1024
# Killing takes milliseconds, unless a process hangs in the kernel; then nobody can wait for it.
CLOSE_LIMIT_S = 5.0


class StartFailed(Exception):
    """The process could not be started; the text is the operating system's."""


class Exit(msgspec.Struct, frozen=True):
    """How a process ended: by itself with `status`, or by `signal`."""

    status: int | None = None
    signal: int | None = None

    def __str__(self) -> str:
        """As Go's os.ProcessState says it, and so Lambda."""
        if self.signal is not None:
            return f"signal: {(signal.strsignal(self.signal) or str(self.signal)).lower()}"
        return f"exit status {self.status}"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a process and its descendants take."""

    processes: int
    memory_bytes: int
    """Resident, mapped files apart."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. Either `arguments` is executed, or `script` is forked and its `main()` called."""

    name: str
    """What `ps` shows; 15 characters of it."""
    environment: Mapping[str, str]
    """All of it: nothing is inherited."""
    folder: Path
    arguments: tuple[str, ...] = ()
    script: Path | None = None
    data_limit_bytes: int = 0
    """RLIMIT_DATA; 0 for none."""


class ChildProcess:
    """One started process. `exited` is done once it has ended and all its output was delivered."""

    def __init__(self, keeper: ProcessKeeper, pid: int, output: int, on_output: Callable[[bytes], None]) -> None:
        self.pid = pid
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[Exit] = loop.create_future()
        self._keeper = keeper
        self._output = output
        self._on_output = on_output
        loop.add_reader(output, self._read_some)

    def __repr__(self) -> str:
        return f"<ChildProcess {self.pid} {self.exited.result() if self.exited.done() else 'running'}>"

    def kill(self) -> None:
        """SIGKILL to it and everything that it started."""
        self._keeper.kill(self.pid)

    def drain_output(self) -> None:
        """Deliver what it has printed by now."""
        while self._read_some() == OUTPUT_BYTES:
            pass

    def usage(self) -> Usage:
        """Of it and its descendants; all zero where the system does not tell."""
        pids = (self.pid, *process_keeper.descendants_of(self.pid))
        return Usage(processes=len(pids), memory_bytes=sum(map(_private_bytes, pids[:COUNTED_PROCESSES])))

    def _read_some(self) -> int:
        if self._output < 0:
            return 0
        try:
            data = os.read(self._output, OUTPUT_BYTES)
        except BlockingIOError:
            return 0
        if data:
            self._on_output(data)
        else:
            self._close_output()  # every holder of the other end has closed it
        return len(data)

    def _close_output(self) -> None:
        if self._output >= 0:
            asyncio.get_running_loop().remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def end(self, ended: Exit) -> None:
        """The keeper says that it has ended."""
        self.drain_output()
        self._close_output()
        if not self.exited.done():
            self.exited.set_result(ended)


class ProcessKeeper:
    """Starts processes. Begins with the first one, and begins again when its keeper was killed."""

    def __init__(
        self,
        *,
        options: tuple[str, ...] = (),
        path: tuple[Path, ...] = (),
        modules: tuple[str, ...] = (),
        scripts: tuple[Path, ...] = (),
    ) -> None:
        """`options` are for the keeper's interpreter, such as `-X pycache_prefix=DIR`; `modules` are imported and
        `scripts` loaded before the first fork; `path` is where modules are found beside the standard library."""
        self._options = options
        self._preload = {
            "do": "preload",
            "path": [str(folder) for folder in path],
            "modules": list(modules),
            "scripts": [str(script) for script in scripts],
        }
        self._program: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._turn = asyncio.Lock()
        self._starting: asyncio.Future[int] | None = None
        self._children: dict[int, ChildProcess] = {}
        self._early_exits: dict[int, Exit] = {}
        """Of processes that end before `start` has returned them."""
        self._count = 0

    def __repr__(self) -> str:
        return f"<ProcessKeeper pid={self._program.pid if self._program else None} children={len(self._children)}>"

    def prepare(self) -> None:
        """Begin now, so that the first process starts fast."""
        if self._socket is not None:
            return
        ours, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-S", "-E", "-P", *self._options, process_keeper.__file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={"PATH": os.defpath},
                start_new_session=True,  # a Ctrl-C in the terminal is not for it
            )
        ours.setblocking(False)
        self._socket = ours
        self._buffer = b""
        asyncio.get_running_loop().add_reader(ours, self._hear)
        self._send(self._preload)

    async def start(self, command: Command, on_output: Callable[[bytes], None]) -> ChildProcess:
        """Raises StartFailed."""
        async with self._turn:
            self.prepare()
            output_read, output_write = os.pipe()
            os.set_blocking(output_read, False)
            self._early_exits.clear()
            try:
                self._starting = asyncio.get_running_loop().create_future()
                self._send(self._start_order(command), output_write)
                pid = await self._starting
            except BaseException:
                os.close(output_read)
                raise
            finally:
                os.close(output_write)
                self._starting = None
            child = ChildProcess(self, pid, output_read, on_output)
            if pid in self._early_exits:
                child.end(self._early_exits.pop(pid))
            else:
                self._children[pid] = child
            return child

    def kill(self, pid: int) -> None:
        if pid in self._children and self._socket is not None:
            self._send({"do": "kill", "pid": pid})

    async def close(self) -> None:
        """Kill everything."""
        children = list(self._children.values())
        if self._socket is not None:
            self._socket.shutdown(socket.SHUT_WR)
        if children:
            await asyncio.wait([child.exited for child in children], timeout=CLOSE_LIMIT_S)
        self._lose()

    def _start_order(self, command: Command) -> dict[str, Any]:
        self._count += 1
        return {
            "do": "start",
            "id": self._count,
            "name": command.name,
            "arguments": command.arguments,
            "script": None if command.script is None else str(command.script),
            "environment": dict(command.environment),
            "folder": str(command.folder),
            "data_limit_bytes": command.data_limit_bytes,
        }

    def _send(self, order: dict[str, Any], descriptor: int | None = None) -> None:
        """Orders are few and smaller than the socket's buffer; should it be full, the keeper is stuck, and lost."""
        assert self._socket is not None
        data = msgspec.json.encode(order) + b"\n"
        try:
            sent = socket.send_fds(self._socket, [data], [] if descriptor is None else [descriptor])
        except (BlockingIOError, ConnectionError):
            sent = 0
        if sent < len(data):
            self._lose()

    def _hear(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(OUTPUT_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._lose()
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(msgspec.json.decode(line))

    def _take(self, notice: dict[str, Any]) -> None:
        if "status" in notice:
            ended = _exit(notice["status"])
            child = self._children.pop(notice["pid"], None)
            if child is not None:
                child.end(ended)
            else:
                self._early_exits[notice["pid"]] = ended
        elif self._starting is not None and not self._starting.done() and notice["id"] == self._count:
            if "error" in notice:
                self._starting.set_exception(StartFailed(notice["error"]))
            else:
                self._starting.set_result(notice["pid"])
        elif "pid" in notice:
            self._send({"do": "kill", "pid": notice["pid"]})  # whoever asked for it was cancelled

    def _lose(self) -> None:
        """The keeper is gone, and with it all its processes."""
        if self._socket is None or self._program is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        with contextlib.suppress(ProcessLookupError):
            self._program.kill()
        self._program.wait()
        self._program = None
        self._early_exits.clear()
        if self._starting is not None and not self._starting.done():
            self._starting.set_exception(StartFailed("the process keeper ended"))
        children, self._children = self._children, {}
        for child in children.values():
            child.end(Exit(signal=signal.SIGKILL))


def _exit(status: int) -> Exit:
    code = os.waitstatus_to_exitcode(status)
    return Exit(signal=-code) if code < 0 else Exit(status=code)


def _private_bytes(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in text.splitlines() if line.startswith(("RssAnon", "RssShmem")))
    return sum(int(value.split()[0]) for value in fields.values()) * 1024
