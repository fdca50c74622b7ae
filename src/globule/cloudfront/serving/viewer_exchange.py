"""One viewer's request from start to finish, at one edge location.

Steps, in order: admission; viewer-request function; cache or origin (`fetching`); conditions and ranges of the
viewer (`selecting`); custom error page; response headers policy; viewer-response function; CloudFront's own headers.
"""

from __future__ import annotations

import msgspec

from globule.cloudfront.model import CustomErrorResponse
from globule.cloudfront.rules import admission, ranges
from globule.cloudfront.rules.admission import Admitted, Names, Redirect
from globule.cloudfront.rules.edge_events import FunctionRequest, FunctionResponse
from globule.cloudfront.rules.edge_results import Generated, body_limit
from globule.cloudfront.rules.failures import ERROR, Refused
from globule.cloudfront.rules.paths import normalised
from globule.cloudfront.rules.requests import ViewerRequest
from globule.cloudfront.rules.responses import server_timing, with_policy
from globule.cloudfront.serving import answers, websocket
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.fetching import Fetching
from globule.cloudfront.serving.functions import EdgeFunctions, FunctionRefused
from globule.cloudfront.serving.origins import OriginFailed
from globule.cloudfront.serving.relaying import relayed
from globule.cloudfront.serving.request_body import exposed
from globule.cloudfront.serving.request_ids import RequestIds
from globule.cloudfront.serving.selecting import select
from globule.cloudfront.serving.viewers import Fields, Viewers
from globule.cloudfront.serving.wanted import Early, Visit, Wanted
from globule.cloudfront.serving.websocket import Tunnels
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.http_client import ClientResponse
from globule.host.http_server import Upgrade
from globule.host.tracing import HEADER, Tracer, sampled
from globule.wire.http import BytesBody, Headers, Request, Response


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What an edge location calls itself."""

    name: str
    pop: str
    """`X-Amz-Cf-Pop`."""
    via: str


class ViewerExchange:
    def __init__(
        self,
        *,
        identity: Identity,
        viewers: Viewers,
        fetching: Fetching,
        functions: EdgeFunctions,
        tunnels: Tunnels,
        ids: RequestIds,
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
    ) -> None:
        self._identity = identity
        self._viewers = viewers
        self._fetching = fetching
        self._functions = functions
        self._tunnels = tunnels
        self._ids = ids
        self._clock = clock
        self._entropy = entropy
        self._tracer = tracer
        self.names = Names({})
        """The distributions of the present world."""

    def admit(self, method: str, target: str, fields: Fields, *, has_body: bool) -> Wanted | Redirect | Refused:
        """What a request is for; or why it goes no further."""
        request = self._viewers.request(method, target, fields)
        host = Request(method=method, target=target, headers=Headers(fields)).host
        admitted = admission.admit(self.names.find(host), request, host=host, has_body=has_body)
        if isinstance(admitted, Admitted):
            return Wanted(admitted.configuration, admitted.settings, request)
        return admitted

    async def handle(self, request: Request) -> Response | Upgrade:
        match request.note:
            case Early(wanted, request_id, outcome):
                return await self._serve(wanted, request, request_id, outcome)
            case Wanted() | Redirect() | Refused() as admitted:
                pass
            case _:
                admitted = self.admit(
                    request.method, request.target, request.headers.fields, has_body=request.body.length != 0
                )
        request_id = self._ids.next().decode()
        match admitted:
            case Refused():
                return self._response(answers.refused(admitted, request_id), request_id)
            case Redirect():
                return self._response(answers.redirected(admitted), request_id)
            case Wanted():
                return await self._serve(admitted, request, request_id, None)

    async def _serve(
        self, wanted: Wanted, request: Request, request_id: str, outcome: ClientResponse | OriginFailed | None
    ) -> Response | Upgrade:
        visit = Visit(request_id=request_id, trace=request.headers.get(HEADER), body=request.body, outcome=outcome)
        try:
            if websocket.is_hand_shake(request.method, request.headers):
                return await self._websocket(wanted, visit)
            answer = await self._answer(wanted, visit)
        except FunctionRefused as problem:
            answer = answers.refused(problem.refused, request_id)
        return self._response(answer, request_id)

    def refusal(self, status: int, why: str) -> Response:
        """For what is not even a request. CloudFront says 413 where others say 431."""
        request_id = self._ids.next().decode()
        status = 413 if status == 431 else status
        sentence = "Bad request." if status < 500 else "Internal error."
        return self._response(answers.refused(Refused(status=status, sentence=sentence), request_id), request_id)

    async def _answer(self, wanted: Wanted, visit: Visit) -> Answer:
        """Raises FunctionRefused."""
        function = wanted.settings.functions.get("viewer-request")
        if function is not None:
            changed = await self._before(wanted, visit)
            if isinstance(changed, Answer):
                self._present(changed, wanted, visit)
                return changed
            wanted, visit = changed
        answer = await self._obtain(wanted, visit)
        error = wanted.configuration.errors.get(answer.status)
        ours = False
        if error is not None and error.page_path is not None:
            answer, ours = await self._error_page(answer, error, error.page_path, wanted, visit), True
        self._present(answer, wanted, visit)
        function = wanted.settings.functions.get("viewer-response")
        return answer if function is None or ours or answer.status >= 400 else await self._after(answer, wanted, visit)

    async def _websocket(self, wanted: Wanted, visit: Visit) -> Response | Upgrade:
        """A WebSocket's hand-shake. The functions at the request run for it. Raises FunctionRefused."""
        if "viewer-request" in wanted.settings.functions:
            changed = await self._before(wanted, visit)
            if isinstance(changed, Answer):
                return self._response(changed, visit.request_id)
            wanted, visit = changed
        got = await self._fetching.hand_shake(wanted, visit, websocket.hand_shake_fields(wanted.request))
        if isinstance(got, Answer):
            return self._response(got, visit.request_id)
        answer = relayed(got, wanted)
        return self._tunnels.join(got, self._response(answer, visit.request_id).headers.fields)

    async def _obtain(self, wanted: Wanted, visit: Visit) -> Answer:
        """From the cache or the origin, with the viewer's conditions and ranges applied."""
        trace = sampled(visit.trace)
        started = 0.0 if trace is None else self._clock.now()
        if wanted.cacheable:
            part = None
            if wanted.request.method == "GET" and wanted.request.field("if-range") is None:
                part = ranges.single(wanted.request.field("range") or "")
            answer = await self._fetching.cached(wanted, visit, range_header=part)
            answer = await select(answer, wanted, visit.request_id)
        else:
            answer = await self._fetching.direct(wanted, visit)
        if trace is not None:
            note = answer.x_cache.removesuffix(" from cloudfront")
            self._tracer.record(
                trace, "cache", place=self._identity.name, start=started, end=self._clock.now(), note=note
            )
        return answer

    async def _before(self, wanted: Wanted, visit: Visit) -> tuple[Wanted, Visit] | Answer:
        """Run viewer-request. It may change what is wanted, but not the behavior."""
        function = wanted.settings.functions["viewer-request"]
        request, body, data = wanted.request, visit.body, None
        if function.include_body:
            data, body = await exposed(body, body_limit("viewer-request"))
        result = await self._functions.on_request(
            function,
            wanted.configuration.distribution,
            _function_request(request, data),
            request_id=visit.request_id,
            trace=visit.trace,
        )
        if isinstance(result, Generated):
            return Answer(
                status=result.status,
                reason=result.reason or None,
                fields=result.fields,
                body=result.body or b"",
                x_cache=answers.LAMBDA_GENERATED,
            )
        changed = msgspec.structs.replace(request, uri=result.uri, query=result.query, fields=tuple(result.fields))
        body = body if result.body is None else BytesBody(result.body)
        return (
            Wanted(wanted.configuration, wanted.settings, changed),
            Visit(request_id=visit.request_id, trace=visit.trace, body=body),
        )

    async def _error_page(
        self, answer: Answer, error: CustomErrorResponse, path: str, wanted: Wanted, visit: Visit
    ) -> Answer:
        """A custom error response's page, through the first behavior that matches its path
        (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html).
        Functions at the viewer's side do not run for it. If the page cannot be had, its own error is the answer."""
        await answer.abandon()
        request = msgspec.structs.replace(
            wanted.request,
            method="GET",
            uri=path,
            query="",
            fields=tuple(field for field in wanted.request.fields if field[0] not in _NOT_FOR_PAGES),
        )
        settings = wanted.configuration.settings_for(normalised(path))
        page = await self._obtain(
            Wanted(wanted.configuration, settings, request),
            Visit(request_id=visit.request_id, trace=visit.trace, body=BytesBody()),
        )
        if page.status == 200:
            page.status, page.reason = error.response_code or answer.status, None
        page.x_cache = ERROR
        return page

    def _present(self, answer: Answer, wanted: Wanted, visit: Visit) -> None:
        """The response headers policy, and Server-Timing: by chance, or where the viewer asks for it."""
        policy = wanted.settings.response_headers
        if policy is None:
            return
        request = wanted.request
        preflight = request.method == "OPTIONS" and request.field("access-control-request-method") is not None
        answer.fields = with_policy(answer.fields, policy, origin_header=request.field("origin"), preflight=preflight)
        rate = policy.server_timing_rate
        if rate and (request.field("pragma") == "server-timing" or self._entropy.uniform() < rate):
            value = server_timing(answer.x_cache, self._identity.pop, visit.request_id)
            answer.fields.append(("server-timing", value))

    async def _after(self, answer: Answer, wanted: Wanted, visit: Visit) -> Answer:
        """Run viewer-response."""
        shown = FunctionResponse(
            status=answer.status,
            reason=Response(status=answer.status).phrase,
            fields=[*answer.fields, ("via", self._identity.via)],
        )
        try:
            result = await self._functions.on_response(
                wanted.settings.functions["viewer-response"],
                wanted.configuration.distribution,
                _function_request(wanted.request, None),
                shown,
                request_id=visit.request_id,
                trace=visit.trace,
            )
        except FunctionRefused:
            await answer.abandon()
            raise
        answer.fields = [field for field in result.fields if field[0] != "via"]
        answer.reason = result.reason or answer.reason
        return answer

    def _response(self, answer: Answer, request_id: str) -> Response:
        fields = answer.fields
        fields += [
            ("via", self._identity.via),
            ("x-cache", answer.x_cache),
            ("x-amz-cf-pop", self._identity.pop),
            ("x-amz-cf-id", request_id),
        ]
        if answer.age is not None:
            fields.append(("age", str(answer.age)))
        if answer.length is not None:
            fields.append(("content-length", str(answer.length)))
        headers = Headers()
        headers.fields = fields
        return Response(status=answer.status, reason=answer.reason or None, headers=headers, body=answer.body)


def _function_request(request: ViewerRequest, body: bytes | None) -> FunctionRequest:
    return FunctionRequest(
        client_ip=request.viewer.address,
        method=request.method,
        uri=request.uri,
        query=request.query,
        fields=list(request.fields),
        body=body,
    )


_NOT_FOR_PAGES = frozenset({"range", "if-range", "if-none-match", "if-modified-since", "content-length"})
