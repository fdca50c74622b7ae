"""Runs `sam_process` when it is needed, and remembers its answers on disk.

An answer depends on the template, its parameters, the region and the translator's version, and on nothing else: a warm
start finds every answer in the cache and starts no process.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from globule.host.files import write_whole

# Importing takes one or two seconds on a busy machine, a large template a tenth of one.
TRANSLATION_LIMIT_S = 60.0
# Answers of some tens of kilobytes each: a few applications' recent edits.
CACHED_ANSWERS_LIMIT = 200
# The process needs no variable of ours; these keep it from reading configuration and from reaching any network.
ENVIRONMENT = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
}


class TranslationFailed(Exception):
    """AWS's translator refuses a template, or cannot cope with it."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class SamTranslator:
    """Translates one template at a time; its process lives until it is closed. Blocks."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.translated = 0
        """How many answers the process gave; the rest came from the cache."""

    def translate(self, template: Any, parameters: Mapping[str, Any], region: str) -> dict[str, Any]:
        """Raises TranslationFailed."""
        job = msgspec.json.encode({"template": template, "parameters": parameters, "region": region})
        version = importlib.metadata.version("aws-sam-translator")
        file = self._cache / f"{hashlib.sha256(version.encode() + job).hexdigest()}.json"
        with contextlib.suppress(OSError, msgspec.DecodeError):  # absent, or damaged: ask again
            return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        answer = msgspec.json.decode(self._ask(job), type=dict[str, Any])
        if "errors" in answer:
            raise TranslationFailed(answer["errors"])
        self.translated += 1
        self._forget_oldest()
        write_whole(file, msgspec.json.encode(answer["template"]))
        translated: dict[str, Any] = answer["template"]
        return translated

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin and self._process.stdout and self._log
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.kill()
            self._process.wait()
            self._log.close()
            self._process = None

    def _ask(self, job: bytes) -> bytes:
        process = self._process or self._start()
        assert process.stdin and process.stdout
        with _deadline(process), contextlib.suppress(BrokenPipeError):
            process.stdin.write(job + b"\n")
            process.stdin.flush()
            if answer := process.stdout.readline():
                return answer
        assert self._log
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().rpartition("\n")[2]
        self.close()
        raise TranslationFailed([f"AWS's SAM translator failed on this template: {last or 'it did not answer'}"])

    def _start(self) -> subprocess.Popen[bytes]:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.sam_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=ENVIRONMENT,
        )
        return self._process

    def _forget_oldest(self) -> None:
        answers = sorted(self._cache.glob("*.json"), key=lambda file: file.stat().st_mtime)
        for file in answers[: max(0, len(answers) - CACHED_ANSWERS_LIMIT + 1)]:
            file.unlink(missing_ok=True)


@contextlib.contextmanager
def _deadline(process: subprocess.Popen[bytes]) -> Iterator[None]:
    timer = threading.Timer(TRANSLATION_LIMIT_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
