"""The Runtime API of one worker: an HTTP endpoint on loopback that its runtime asks for work.

How it works: one listening socket a worker, so that a runtime needs to know nothing but AWS_LAMBDA_RUNTIME_API. A
request for the next invocation is held until there is one. The answer to `response` is kept back when the same
packet also asks for the next invocation, and goes out with it: one wake-up of the worker instead of two.

It knows bytes and calls; `worker` decides what they mean.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

from globule.awslambda.rules import runtime_api as api
from globule.awslambda.rules.outcomes import RESPONSE_LIMIT_BYTES
from globule.host.network import Listener, Network

# Runtimes open one connection; some libraries a second one after an error.
CONNECTIONS_LIMIT = 16


class Runtime(Protocol):
    """Who is told what the runtime says. Each returns the bytes of the answer."""

    def on_next(self) -> bytes | None:
        """None: there is nothing to do yet; `RuntimeApi.deliver` follows."""

    def on_response(self, request_id: str, payload: bytes) -> bytes: ...

    def on_oversize(self, request_id: str) -> bytes: ...

    def on_error(self, request_id: str, payload: bytes, error_type: str) -> bytes: ...

    def on_init_error(self, payload: bytes, error_type: str) -> bytes: ...


class RuntimeApi:
    """The listening endpoint of one worker."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.connections: set[_Connection] = set()
        self.asking: _Connection | None = None
        """The connection on which the runtime waits for work."""
        self._listener: Listener | None = None

    async def start(self, network: Network) -> str:
        """Returns what AWS_LAMBDA_RUNTIME_API is to be."""
        self._listener = await network.listen(lambda: _Connection(self), ("127.0.0.1", 0))
        host, port = self._listener.address
        return f"{host}:{port}"

    def deliver(self, event: bytes) -> None:
        """Answer the request that waits for work."""
        assert self.asking is not None
        connection, self.asking = self.asking, None
        connection.write_now(event)

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.abort()


class _Connection(asyncio.Protocol):
    """One connection of a runtime. Requests on it are answered in order."""

    def __init__(self, owner: RuntimeApi) -> None:
        self._owner = owner
        self._parser = httptools.HttpRequestParser(self)
        self._out: list[bytes] = []
        """Answers that wait for the end of the packet, or for the next invocation."""
        self._reset()

    def __repr__(self) -> str:
        return f"<runtime's connection{' waiting for work' if self._owner.asking is self else ''}>"

    def _reset(self) -> None:
        self._path = b""
        self._error_type = ""
        self._streaming = False
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if len(self._owner.connections) >= CONNECTIONS_LIMIT:
            self._transport.abort()
            return
        self._owner.connections.add(self)

    def connection_lost(self, failure: Exception | None) -> None:
        self._owner.connections.discard(self)
        if self._owner.asking is self:
            self._owner.asking = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.close()
            return
        if self._out and self._owner.asking is not self:
            self._flush()

    def write_now(self, data: bytes) -> None:
        self._out.append(data)
        self._flush()

    def _flush(self) -> None:
        if not self._transport.is_closing():
            self._transport.writelines(self._out)
        self._out.clear()

    def abort(self) -> None:
        self._transport.abort()

    # What httptools calls.

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower == b"lambda-runtime-function-error-type":
            self._error_type = value.decode("latin-1")
        elif lower == b"lambda-runtime-function-response-mode":
            self._streaming = value.lower() == b"streaming"
        elif lower == b"expect" and value.lower() == b"100-continue":
            self._transport.write(api.CONTINUE)

    def on_body(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes <= RESPONSE_LIMIT_BYTES:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def on_message_complete(self) -> None:
        call = api.parse_call(self._parser.get_method().decode("ascii"), self._path.decode("latin-1"))
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        size_bytes, error_type, streaming = self._size_bytes, self._error_type, self._streaming
        self._reset()
        answer = self._ask(call, body, size_bytes=size_bytes, error_type=error_type, streaming=streaming)
        if answer is not None:
            self._out.append(answer)

    def _ask(self, call: api.Call, body: bytes, *, size_bytes: int, error_type: str, streaming: bool) -> bytes | None:
        runtime = self._owner.runtime
        if call.kind == "next":
            answer = runtime.on_next()
            if answer is None:
                self._owner.asking = self
            return answer
        if call.kind == "response" and streaming:
            runtime.on_error(call.request_id, _STREAMING, "Globule.Unsupported")
            return api.STREAMING_UNSUPPORTED
        if call.kind == "response" and size_bytes > RESPONSE_LIMIT_BYTES:
            return runtime.on_oversize(call.request_id)
        if call.kind == "response":
            return runtime.on_response(call.request_id, body)
        if call.kind == "error":
            return runtime.on_error(call.request_id, body, error_type)
        if call.kind == "init/error":
            return runtime.on_init_error(body, error_type)
        return api.UNSUPPORTED


_STREAMING = b'{"errorType":"Globule.Unsupported","errorMessage":"Globule does not support response streaming"}'
