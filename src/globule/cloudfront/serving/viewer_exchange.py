"""One viewer's request from start to finish, at one edge location.

Steps, in order: admission; viewer-request function; default root object; cache or origin (`fetching`); conditions and
ranges of the viewer; custom error page; response headers policy; viewer-response function; CloudFront's own headers.
"""

from __future__ import annotations

import msgspec

from globule.cloudfront.model import CustomErrorResponse
from globule.cloudfront.rules import admission, conditions, identifiers, ranges
from globule.cloudfront.rules.admission import Admitted, Names, Redirect, object_path
from globule.cloudfront.rules.configuration import Configuration, Settings
from globule.cloudfront.rules.edge_events import FunctionRequest, FunctionResponse
from globule.cloudfront.rules.edge_results import Generated, body_limit
from globule.cloudfront.rules.failures import ERROR, Refused
from globule.cloudfront.rules.key import cache_key
from globule.cloudfront.rules.origin_request import Fields
from globule.cloudfront.rules.paths import normalised
from globule.cloudfront.rules.requests import ViewerRequest
from globule.cloudfront.rules.responses import server_timing, with_policy
from globule.cloudfront.serving import answers
from globule.cloudfront.serving.answers import Answer
from globule.cloudfront.serving.fetching import Fetching
from globule.cloudfront.serving.functions import EdgeFunctions, FunctionRefused
from globule.cloudfront.serving.origin_exchange import Wanted
from globule.cloudfront.serving.request_body import exposed
from globule.cloudfront.serving.viewers import Viewers
from globule.host.clock import Clock
from globule.host.entropy import Entropy
from globule.host.tracing import HEADER, Tracer, sampled
from globule.wire.http import Body, BytesBody, Headers, Request, Response


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
        clock: Clock,
        entropy: Entropy,
        tracer: Tracer,
    ) -> None:
        self._identity = identity
        self._viewers = viewers
        self._fetching = fetching
        self._functions = functions
        self._clock = clock
        self._entropy = entropy
        self._tracer = tracer
        self.names = Names({})
        """The distributions of the present world."""

    async def handle(self, request: Request) -> Response:
        request_id = identifiers.request_id(self._entropy.bytes(identifiers.REQUEST_ID_BYTES))
        given = self._viewers.request(request.method, request.target, request.headers.fields)
        admitted = admission.admit(
            self.names.find(request.host), given, host=request.host, has_body=request.body.length != 0
        )
        match admitted:
            case Refused():
                answer = answers.refused(admitted, request_id, final=True)
            case Redirect():
                answer = _redirect(admitted)
            case Admitted():
                return await self._admitted(admitted, given, request, request_id)
        return self._response(answer, request_id)

    def refusal(self, status: int, why: str) -> Response:
        """For what is not even a request. CloudFront says 413 where others say 431."""
        request_id = identifiers.request_id(self._entropy.bytes(identifiers.REQUEST_ID_BYTES))
        status = 413 if status == 431 else status
        sentence = "Bad request." if status < 500 else "Internal error."
        return self._response(answers.refused(Refused(status=status, sentence=sentence), request_id), request_id)

    async def _admitted(self, admitted: Admitted, given: ViewerRequest, request: Request, request_id: str) -> Response:
        settings = admitted.settings
        wanted = Wanted(
            configuration=admitted.configuration,
            settings=settings,
            request=given,
            body=request.body,
            key="",
            request_id=request_id,
            trace=request.headers.get(HEADER),
        )
        try:
            answer = await self._answer(wanted)
            answer = await self._with_error_page(answer, wanted)
            answer.fields = self._presented(answer.fields, settings, given)
            answer = await self._after(answer, wanted)
            self._time(answer, settings, given, request_id)
        except FunctionRefused as problem:
            answer = answers.refused(problem.refused, request_id, final=True)
        return self._response(answer, request_id)

    async def _answer(self, wanted: Wanted) -> Answer:
        """The viewer-request function, then cache or origin. Raises FunctionRefused."""
        changed = await self._before(wanted)
        if isinstance(changed, Answer):
            return changed
        return await self._obtain(changed)

    async def _obtain(self, wanted: Wanted) -> Answer:
        """From the cache or the origin, with the viewer's conditions and ranges applied."""
        settings = wanted.settings
        uri = object_path(wanted.request.uri, wanted.configuration.distribution.default_root_object)
        request = msgspec.structs.replace(wanted.request, uri=uri)
        key = cache_key(wanted.configuration.distribution.id, settings, request)
        wanted = msgspec.structs.replace(wanted, request=request, key=key)
        started = self._clock.now()
        answer = await self._looked_up(wanted)
        trace = sampled(wanted.trace)
        if trace is not None:
            note = answer.x_cache.removesuffix(" from cloudfront")
            self._tracer.record(
                trace, "cache", place=self._identity.name, start=started, end=self._clock.now(), note=note
            )
        return answer

    async def _looked_up(self, wanted: Wanted) -> Answer:
        settings, request = wanted.settings, wanted.request
        if not settings.caching or request.method not in settings.behavior.cached_methods:
            return await self._fetching.direct(wanted)
        range_header = request.field("range") if request.method == "GET" else None
        part = None
        if range_header is not None and request.field("if-range") is None:
            part = ranges.single(range_header)
        answer = await self._fetching.cached(wanted, range_header=part)
        return await self._conditional(answer, settings, request, range_header)

    async def _before(self, wanted: Wanted) -> Wanted | Answer:
        """Run viewer-request."""
        function = wanted.settings.functions.get("viewer-request")
        if function is None:
            return wanted
        request, body, data = wanted.request, wanted.body, None
        if function.include_body:
            data, body = await exposed(body, body_limit("viewer-request"))
        result = await self._functions.on_request(
            function,
            wanted.configuration.distribution,
            _function_request(request, data),
            request_id=wanted.request_id,
            trace=wanted.trace,
        )
        if isinstance(result, Generated):
            return Answer(
                status=result.status,
                reason=result.reason or None,
                fields=result.fields,
                body=result.body or b"",
                x_cache=answers.LAMBDA_GENERATED,
                final=True,
            )
        changed = msgspec.structs.replace(request, uri=result.uri, query=result.query, fields=tuple(result.fields))
        body = body if result.body is None else BytesBody(result.body)
        return msgspec.structs.replace(wanted, request=changed, body=body)

    async def _conditional(
        self, answer: Answer, settings: Settings, request: ViewerRequest, range_header: str | None
    ) -> Answer:
        """Not modified, a part, or all. "Conditional requests are not supported where cookies are forwarded"."""
        if answer.status != 200:
            return answer
        if not settings.forwards_cookies and conditions.not_modified(request.field, answer.fields):
            await answer.abandon()
            answer.status, answer.reason, answer.body, answer.length = 304, None, b"", None
            answer.fields = conditions.not_modified_fields(answer.fields)
            return answer
        if range_header is None or not isinstance(answer.body, bytes):
            return answer
        if not conditions.range_still_applies(request.field("if-range"), answer.fields):
            return answer
        return self._part(answer, answer.body, range_header)

    def _part(self, answer: Answer, body: bytes, range_header: str) -> Answer:
        parts = ranges.parts(range_header, len(body))
        if parts == "whole":
            return answer
        answer.fields = [field for field in answer.fields if field[0] != "content-length"]
        if parts == "unsatisfiable":
            answer.status, answer.reason, answer.body, answer.x_cache = 416, None, b"", ERROR
            answer.fields.append(("content-range", f"bytes */{len(body)}"))
            return answer
        answer.status, answer.reason = 206, None
        if len(parts) == 1:
            (part,) = parts
            answer.body = body[part.first : part.last + 1]
            answer.fields.append(("content-range", part.content_range(len(body))))
            return answer
        boundary = identifiers.boundary(self._entropy.bytes(identifiers.REQUEST_ID_BYTES))
        content_type = conditions.get(answer.fields, "content-type") or "application/octet-stream"
        answer.body = ranges.multipart(body, parts, content_type=content_type, boundary=boundary)
        answer.fields = [field for field in answer.fields if field[0] != "content-type"]
        answer.fields.append(("content-type", f"multipart/byteranges; boundary={boundary}"))
        return answer

    async def _with_error_page(self, answer: Answer, wanted: Wanted) -> Answer:
        """A custom error response, where the status has one with a page
        (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/GeneratingCustomErrorResponses.html).
        If the page cannot be had, its own error is the answer."""
        error = wanted.configuration.errors.get(answer.status)
        if answer.final or error is None or error.page_path is None:
            return answer
        await answer.abandon()
        page = await self._obtain(_page_request(error, error.page_path, wanted))
        if page.status == 200:
            page.status, page.reason = error.response_code or answer.status, None
        page.x_cache, page.final = ERROR, True
        return page

    def _presented(self, fields: Fields, settings: Settings, given: ViewerRequest) -> Fields:
        return with_policy(
            fields,
            settings.response_headers,
            origin_header=given.field("origin"),
            preflight=given.method == "OPTIONS" and given.field("access-control-request-method") is not None,
        )

    async def _after(self, answer: Answer, wanted: Wanted) -> Answer:
        """Run viewer-response; not for errors, nor for what viewer-request made."""
        answer.fields.append(("via", self._identity.via))
        function = wanted.settings.functions.get("viewer-response")
        if function is None or answer.final or answer.status >= 400:
            return answer
        try:
            result = await self._functions.on_response(
                function,
                wanted.configuration.distribution,
                _function_request(wanted.request, None),
                FunctionResponse(
                    status=answer.status, reason=Response(status=answer.status).phrase, fields=answer.fields
                ),
                request_id=wanted.request_id,
                trace=wanted.trace,
            )
        except FunctionRefused:
            await answer.abandon()
            raise
        answer.fields, answer.reason = result.fields, result.reason or answer.reason
        return answer

    def _time(self, answer: Answer, settings: Settings, given: ViewerRequest, request_id: str) -> None:
        """Server-Timing: by chance, or where the viewer asks for it."""
        policy = settings.response_headers
        if policy is None or not policy.server_timing_rate:
            return
        if given.field("pragma") == "server-timing" or self._entropy.uniform() < policy.server_timing_rate:
            value = server_timing(answer.x_cache, self._identity.pop, request_id)
            answer.fields.append(("server-timing", value))

    def _response(self, answer: Answer, request_id: str) -> Response:
        fields = answer.fields
        if not any(name == "via" for name, _ in fields):
            fields.append(("via", self._identity.via))
        fields += [
            ("x-cache", answer.x_cache),
            ("x-amz-cf-pop", self._identity.pop),
            ("x-amz-cf-id", request_id),
        ]
        if answer.age is not None:
            fields.append(("age", str(answer.age)))
        if answer.length is not None:
            fields.append(("content-length", str(answer.length)))
        return Response(status=answer.status, reason=answer.reason or None, headers=Headers(fields), body=answer.body)


def _redirect(redirect: Redirect) -> Answer:
    return Answer(
        status=redirect.status,
        fields=[("server", "CloudFront"), ("content-type", "text/html"), ("location", redirect.location)],
        x_cache=answers.REDIRECT,
        final=True,
    )


def _function_request(request: ViewerRequest, body: bytes | None) -> FunctionRequest:
    return FunctionRequest(
        client_ip=request.viewer.address,
        method=request.method,
        uri=request.uri,
        query=request.query,
        fields=list(request.fields),
        body=body,
    )


def _page_request(error: CustomErrorResponse, path: str, wanted: Wanted) -> Wanted:
    """A GET for an error page, through the first behavior that matches its path; functions at the viewer's side do
    not run for it."""
    configuration: Configuration = wanted.configuration
    request = msgspec.structs.replace(
        wanted.request,
        method="GET",
        uri=path,
        query="",
        fields=tuple(field for field in wanted.request.fields if field[0] not in _NOT_FOR_PAGES),
    )
    body: Body = BytesBody()
    return msgspec.structs.replace(
        wanted, settings=configuration.settings_for(normalised(path)), request=request, body=body
    )


_NOT_FOR_PAGES = frozenset({"range", "if-range", "if-none-match", "if-modified-since", "content-length"})
