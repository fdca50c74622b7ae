"""One question to the origins of a behavior: the primary, perhaps the secondary, each between its edge functions."""

from __future__ import annotations

import msgspec

from globule.cloudfront.model import EdgeFunction, Origin
from globule.cloudfront.rules import origin_request
from globule.cloudfront.rules.configuration import AccessControls
from globule.cloudfront.rules.edge_events import FunctionRequest, FunctionResponse
from globule.cloudfront.rules.edge_results import Generated, body_limit
from globule.cloudfront.rules.failover import METHODS, fails_over
from globule.cloudfront.rules.failures import OriginFailure
from globule.cloudfront.rules.header_lists import end_to_end
from globule.cloudfront.serving.functions import EdgeFunctions
from globule.cloudfront.serving.origins import OriginFailed, Origins
from globule.cloudfront.serving.request_body import exposed
from globule.cloudfront.serving.wanted import Visit, Wanted
from globule.host.http_client import ClientResponse
from globule.host.tracing import sampled
from globule.wire.http import Body, BytesBody, Headers, Request

Fields = list[tuple[str, str]]

# Switching Protocols: not a response that functions see.
SWITCHING = 101


class OriginAnswer(msgspec.Struct, kw_only=True):
    """What an origin said, or an origin-request function in its place."""

    status: int
    reason: str
    fields: Fields
    body: Body
    response: ClientResponse | None = None
    generated: bool = False

    def close(self) -> None:
        """Give up on the rest of the body."""
        if self.response is not None:
            self.response.close()


class OriginExchange:
    def __init__(self, *, origins: Origins, functions: EdgeFunctions, via: str) -> None:
        self._origins = origins
        self._functions = functions
        self._via = via

    async def ask(self, wanted: Wanted, visit: Visit, extra: Fields) -> OriginAnswer:
        """`extra`: conditions and ranges of the edge's own. Raises OriginFailed, FunctionRefused."""
        settings, method = wanted.settings, wanted.request.method
        if len(settings.origins) == 1 or method not in METHODS:
            return await self._ask_one(wanted, visit, settings.origins[0], extra)
        primary, secondary = settings.origins
        try:
            answer = await self._ask_one(wanted, visit, primary, extra)
        except OriginFailed as failed:
            if not fails_over(settings.failover_codes, method, failed.failure):
                raise
        else:
            if answer.generated or not fails_over(settings.failover_codes, method, answer.status):
                return answer
            answer.close()
        return await self._ask_one(wanted, visit, secondary, extra)

    def shown(self, wanted: Wanted, origin: Origin, request_id: str, extra: Fields) -> FunctionRequest:
        """The request to an origin, as an origin-request function sees it."""
        host = ("host", origin_request.origin_host(wanted.settings, wanted.request, origin))
        viewer = wanted.request.viewer
        return FunctionRequest(
            client_ip=viewer.address,
            method=wanted.request.method,
            uri=wanted.uri,
            query=origin_request.origin_query(wanted.settings, wanted.request),
            fields=[host, *wanted.sent_fields(self._via), ("x-amz-cf-id", request_id), *extra],
            origin=origin,
            scheme=origin_request.origin_scheme(origin, viewer.scheme),
        )

    async def _ask_one(self, wanted: Wanted, visit: Visit, origin: Origin, extra: Fields) -> OriginAnswer:
        shown = self.shown(wanted, origin, visit.request_id, extra)
        body = visit.body
        function = wanted.settings.functions.get("origin-request")
        if function is not None:
            changed = await self._before(function, wanted, visit, shown, origin)
            if isinstance(changed, OriginAnswer):
                return changed
            shown, body = changed
        answer = await self._send(shown, body, visit, wanted.configuration.access_controls)
        function = wanted.settings.functions.get("origin-response")
        return (
            answer
            if function is None or answer.status == SWITCHING
            else await self._after(function, wanted, visit, shown, answer)
        )

    async def _before(
        self, function: EdgeFunction, wanted: Wanted, visit: Visit, shown: FunctionRequest, origin: Origin
    ) -> tuple[FunctionRequest, Body] | OriginAnswer:
        """Run origin-request. "CloudFront resolves the origin's name before", so that a name which does not resolve
        is an error even where the function would have answered."""
        await self._origins.resolve(origin.domain_name, trace=None)
        body = visit.body
        if function.include_body:
            data, body = await exposed(body, body_limit("origin-request"))
            shown = msgspec.structs.replace(shown, body=data)
        result = await self._functions.on_request(
            function, wanted.configuration.distribution, shown, request_id=visit.request_id, trace=visit.trace
        )
        if isinstance(result, Generated):
            return OriginAnswer(
                status=result.status,
                reason=result.reason,
                fields=result.fields,
                body=BytesBody(result.body or b""),
                generated=True,
            )
        assert result.origin is not None
        shown = msgspec.structs.replace(
            shown,
            uri=result.uri,
            query=result.query,
            fields=result.fields,
            origin=result.origin,
            scheme=origin_request.origin_scheme(result.origin, shown.scheme),
        )
        return shown, body if result.body is None else BytesBody(result.body)

    def request(self, shown: FunctionRequest, body: Body, controls: AccessControls) -> Request:
        """What goes to `shown.origin`."""
        origin = shown.origin
        assert origin is not None
        fields = origin_request.with_custom_headers(shown.fields, origin.custom_headers)
        query = f"?{shown.query}" if shown.query else ""
        return Request(
            method=shown.method,
            target=f"{origin.path}{shown.uri}{query}",
            headers=Headers(origin_request.signed(fields, origin, controls)),
            body=body,
        )

    async def _send(self, shown: FunctionRequest, body: Body, visit: Visit, controls: AccessControls) -> OriginAnswer:
        assert shown.origin is not None
        response = visit.outcome
        if response is None:
            request = self.request(shown, body, controls)
            response = await self._origins.send(shown.origin, shown.scheme, request, trace=sampled(visit.trace))
        elif isinstance(response, OriginFailed):
            raise response
        if response.status == SWITCHING and not any(name == "upgrade" for name, _ in shown.fields):
            response.close()
            raise OriginFailed(OriginFailure.INVALID, "101 to a request that asked for no upgrade")
        return OriginAnswer(
            status=response.status,
            reason=response.reason,
            fields=end_to_end(response.headers.fields),
            body=response.body,
            response=response,
        )

    async def _after(
        self, function: EdgeFunction, wanted: Wanted, visit: Visit, shown: FunctionRequest, answer: OriginAnswer
    ) -> OriginAnswer:
        """Run origin-response. A body that it sets takes the place of the origin's."""
        try:
            result = await self._functions.on_response(
                function,
                wanted.configuration.distribution,
                msgspec.structs.replace(shown, body=None),
                FunctionResponse(status=answer.status, reason=answer.reason, fields=answer.fields),
                request_id=visit.request_id,
                trace=visit.trace,
            )
        except BaseException:
            answer.close()
            raise
        answer.status, answer.reason, answer.fields = result.status, result.reason, result.fields
        if result.body is not None:
            answer.close()
            answer.body, answer.response = BytesBody(result.body), None
        return answer
