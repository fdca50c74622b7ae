"""Relaying without a task: a request that is never kept goes out on an open connection at once, and its answer, if it
comes in one piece, straight back.

Everything that needs more (no open connection, a name to look up, a long body, an error page, a failure) is left to
the ordinary way, which gets the origin's answer where there is one already, so nothing is asked twice but after a
connection that broke. This path does the same as `viewer_exchange` and `relaying` with less.
"""

from __future__ import annotations

import msgspec

from globule.cloudfront.rules import failures, responses
from globule.cloudfront.rules.header_lists import end_to_end
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.origin_exchange import OriginExchange
from globule.cloudfront.serving.origins import Origins, failed, timeouts_of
from globule.cloudfront.serving.request_ids import RequestIds
from globule.cloudfront.serving.viewer_exchange import Identity
from globule.cloudfront.serving.wanted import Early, Wanted
from globule.host.http_client import ClientResponse, ConnectionEnded, Timeouts
from globule.host.http_server import Later
from globule.wire.http import BytesBody
from globule.wire.http_head import RequestHead, encode_request_head, encode_response_head


class _Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A request to an origin, but for the request id between the two."""

    scheme: str
    timeouts: Timeouts
    before_id: bytes
    after_id: bytes


def is_express(head: RequestHead, wanted: Wanted) -> bool:
    """Whether equal requests may go this way."""
    settings = wanted.settings
    return (
        head.method == "GET"
        and head.length == 0
        and head.keep_alive
        and not wanted.cacheable
        and not settings.functions
        and settings.response_headers is None
        and len(settings.origins) == 1
        and not any(name in ("upgrade", "expect") for name, _ in head.fields)
    )


class Express:
    def __init__(self, *, identity: Identity, origins: Origins, exchange: OriginExchange, ids: RequestIds) -> None:
        self._origins = origins
        self._exchange = exchange
        self._ids = ids
        self._placeholder = ids.next()
        """Stands for the request id while a request is prepared; nobody can guess it and send it."""
        self._prepared: dict[Wanted, _Prepared] = {}
        ours = [("via", identity.via), ("x-amz-cf-pop", identity.pop)]
        self._miss = _lines([*ours, ("x-cache", answers.MISS)])
        self._error = _lines([*ours, ("x-cache", failures.ERROR)])
        self.relayed = 0

    def forget(self) -> None:
        """The world has changed, and the heads that lead here are forgotten too."""
        self._prepared.clear()

    def begin(self, wanted: Wanted) -> Later | None:
        """Ask the origin, if it can be asked at once."""
        (origin,) = wanted.settings.origins
        prepared = self._prepared.get(wanted) or self._prepare(wanted)
        connection = self._origins.take_now(origin, prepared.scheme, prepared.timeouts)
        if connection is None:
            return None
        later, request_id = Later(), self._ids.next()
        connection.exchange_now(
            b"".join((prepared.before_id, request_id, prepared.after_id)),
            method="GET",
            timeout_seconds=prepared.timeouts.response_seconds,
            on_response=lambda response: self._arrived(later, wanted, request_id, response),
            on_failure=lambda problem: self._failed(later, wanted, request_id, problem),
        )
        return later

    def _prepare(self, wanted: Wanted) -> _Prepared:
        (origin,) = wanted.settings.origins
        shown = self._exchange.shown(wanted, origin, self._placeholder.decode(), [])
        request = self._exchange.request(shown, BytesBody(), wanted.configuration.access_controls)
        encoded = encode_request_head(request.method, request.target, request.headers)
        before_id, _, after_id = encoded.partition(self._placeholder)
        prepared = self._prepared[wanted] = _Prepared(
            scheme=shown.scheme, timeouts=timeouts_of(origin), before_id=before_id, after_id=after_id
        )
        return prepared

    def _arrived(self, later: Later, wanted: Wanted, request_id: bytes, response: ClientResponse) -> None:
        error = wanted.configuration.errors.get(response.status)
        is_plain = (
            isinstance(response.body, BytesBody)
            and response.status not in (101, 204, 304)
            and (error is None or error.page_path is None)
            and "date" in response.headers
        )
        if is_plain:
            later.answer(self._whole(wanted, request_id, response))
            self.relayed += 1
        else:
            later.decline(Early(wanted, request_id.decode(), response))

    def _failed(self, later: Later, wanted: Wanted, request_id: bytes, problem: Exception) -> None:
        """A connection that was closed while it lay idle is no failure of the origin; GET is asked again."""
        outcome = None if isinstance(problem, ConnectionEnded) else failed(problem)
        later.decline(None if outcome is None else Early(wanted, request_id.decode(), outcome))

    def _whole(self, wanted: Wanted, request_id: bytes, response: ClientResponse) -> bytes:
        assert isinstance(response.body, BytesBody)
        body = response.body.data
        fields = responses.kept_fields(
            end_to_end(response.headers.fields), forwards_cookies=wanted.settings.forwards_cookies
        )
        age = responses.stated_age(response.headers.fields)
        if age is not None:
            fields.append(("age", str(age)))
        encoded = encode_response_head(response.status, response.reason, fields)
        length = b"content-length: %d\r\n\r\n" % len(body)
        ours = self._miss if response.status < 400 else self._error
        return b"".join((encoded[:-2], ours, b"x-amz-cf-id: ", request_id, b"\r\n", length, body))


def _lines(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1")
