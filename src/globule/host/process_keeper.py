"""The keeper: a small, single-threaded program that starts and ends processes for its owner.

It is a program of its own, run as `python -S -E -P process_keeper.py` with a stream socket as standard input, and
imports nothing of Globule. Its owner, `host.processes`, explains what it is for.

Orders come as JSON lines: `preload`, `start` (with the descriptor that becomes the process's output), `kill`.
Notices go back as JSON lines: `{"id", "pid"}` or `{"id", "error"}` for a start, `{"pid", "status"}` when a process
has ended.

Nothing outlives it. Every process that it starts adopts its own orphans (PR_SET_CHILD_SUBREAPER) and is killed by
the kernel when the keeper dies; when one ends, what it leaves behind becomes the keeper's child, and is killed. When
the owner dies, however it dies, the socket ends and the keeper kills everything and ends too. On systems other than
Linux only the process group is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36

# AWS gives an execution environment as many.
OPEN_FILES_LIMIT = 1024
RECEIVE_BYTES = 256 * 1024
# Descendants that appear while the others are being killed are killed in the next round. What is still left becomes
# the keeper's child when its parents are dead, and is killed then.
KILL_ROUNDS = 20


class Keeper:
    """Orders in, processes out."""

    def __init__(self, owner: socket.socket, libc: ctypes.CDLL | None) -> None:
        self._owner = owner
        self._libc = libc
        self._pids: set[int] = set()
        self._descriptors: list[int] = []
        self._buffer = b""
        self._scripts: dict[str, Callable[[], None]] = {}

    def run(self) -> None:
        """Until the owner is gone."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        with selectors.DefaultSelector() as selector:
            selector.register(self._owner, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._owner:
                        if not self._receive():
                            self._end_everything()
                            return
                    else:
                        with contextlib.suppress(BlockingIOError):
                            os.read(wake_read, 4096)
                        self._reap()

    def _receive(self) -> bool:
        """Carry out what has arrived; False where the owner is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._owner, RECEIVE_BYTES, 8)
        except ConnectionError:
            return False
        self._descriptors.extend(descriptors)
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        return bool(data)

    def _obey(self, order: dict[str, Any]) -> None:
        if order["do"] == "start":
            self._start(order, self._descriptors.pop(0))
        elif order["do"] == "kill":
            if order["pid"] in self._pids:
                kill_tree(order["pid"])
        elif order["do"] == "preload":
            self._preload(order)

    def _tell(self, notice: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):
            self._owner.sendall(json.dumps(notice).encode() + b"\n")

    def _preload(self, order: dict[str, Any]) -> None:
        """Import modules that forked scripts will find already imported. What cannot be imported is left out: the
        script that asks for it gets the error."""
        sys.path.extend(order["path"])
        for name in order["modules"]:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for path in order["scripts"]:
            self._script(path)
        gc.collect()
        gc.freeze()  # what is imported by now is shared with every fork, and must not be touched by its collector

    def _script(self, path: str) -> Callable[[], None]:
        """The `main` of a Python file."""
        if path not in self._scripts:
            specification = importlib.util.spec_from_file_location(Path(path).stem, path)
            assert specification is not None and specification.loader is not None
            module = importlib.util.module_from_spec(specification)
            sys.modules[specification.name] = module
            specification.loader.exec_module(module)
            self._scripts[path] = module.main
        return self._scripts[path]

    def _start(self, order: dict[str, Any], output: int) -> None:
        main = self._script(order["script"]) if order["script"] else None
        failure_read, failure_write = os.pipe()  # closed by a successful exec
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(order, output, keeper)
                if main is None:
                    os.dup2(failure_write, 3, inheritable=False)
                    os.closerange(4, OPEN_FILES_LIMIT)
                    os.execvpe(order["arguments"][0], order["arguments"], os.environ)
                os.closerange(3, OPEN_FILES_LIMIT)
            except OSError as error:
                os.write(failure_write if main is not None else 3, str(error).encode())
                os._exit(127)
            _run(main)
        os.close(output)
        os.close(failure_write)
        failure = b"" if main is not None else os.read(failure_read, 4096)
        os.close(failure_read)
        self._pids.add(pid)
        if failure:
            self._pids.discard(pid)
            self._tell({"id": order["id"], "error": failure.decode(errors="replace")})
        else:
            self._tell({"id": order["id"], "pid": pid})

    def _become(self, order: dict[str, Any], output: int, keeper: int) -> None:
        """In the new process: its own session, limits, environment, folder, standard streams."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if self._libc is not None:
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
            self._libc.prctl(PR_SET_NAME, order["name"].encode()[:15])
            if os.getppid() != keeper:
                os._exit(1)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        files = OPEN_FILES_LIMIT if hard == resource.RLIM_INFINITY else min(OPEN_FILES_LIMIT, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if order["data_limit_bytes"]:
            resource.setrlimit(resource.RLIMIT_DATA, (order["data_limit_bytes"], order["data_limit_bytes"]))
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        os.chdir(order["folder"])

    def _reap(self) -> None:
        ended = dict(_ended())
        for pid in self._pids & ended.keys():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            self._pids.discard(pid)
            self._tell({"pid": pid, "status": ended[pid]})
        if ended:
            # Children that are not ours were left behind by a process that has ended.
            for pid in children_of(os.getpid()):
                if pid not in self._pids:
                    kill_tree(pid)

    def _end_everything(self) -> None:
        while True:
            for pid in {*self._pids, *children_of(os.getpid())}:
                kill_tree(pid)
            try:
                self._pids.discard(os.waitpid(-1, 0)[0])
            except ChildProcessError:
                return


def _ended() -> Iterator[tuple[int, int]]:
    """Children that have ended, and their wait status."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def children_of(pid: int) -> list[int]:
    """Direct children; empty where the system does not tell."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(map(int, (task / "children").read_text().split()))
    except (OSError, ValueError):
        pass  # it ended meanwhile, or this system has no such files
    return found


def descendants_of(pid: int) -> list[int]:
    found = children_of(pid)
    for child in found:
        found.extend(children_of(child))
    return found


def kill_tree(pid: int) -> None:
    """SIGKILL to a process, its group and all its descendants. The root dies last, so that it keeps its orphans."""
    for _ in range(KILL_ROUNDS):
        found = [child for child in descendants_of(pid) if not _is_dead(child)]
        if not found:
            break
        for child in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
        os.killpg(pid, signal.SIGKILL)


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except OSError:
        return True


def _run(main: Callable[[], None] | None) -> NoReturn:
    """Run a script in this forked process, and end it without unwinding what belongs to the keeper."""
    assert main is not None
    code = 0
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            os.write(2, f"{error.code}\n".encode())
    except BaseException:  # noqa: BLE001 - the interpreter would print it and end with 1, and so do we
        traceback.print_exc()
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code & 0xFF)


def main() -> None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is not None:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is the owner's to handle
    with socket.socket(fileno=os.dup(0)) as owner:
        Keeper(owner, libc).run()


if __name__ == "__main__":
    main()
