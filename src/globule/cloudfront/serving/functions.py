"""Running the Lambda@Edge functions of a behavior: event out, result in, checked by `rules.edge_results`."""

from __future__ import annotations

import asyncio
import logging

import msgspec

from globule.cloudfront.model import Distribution, EdgeFunction
from globule.cloudfront.rules import edge_results, failures
from globule.cloudfront.rules.edge_events import FunctionRequest, FunctionResponse, event
from globule.cloudfront.rules.edge_results import ChangedRequest, Generated, InvalidResult
from globule.cloudfront.rules.failures import Refused
from globule.host.clock import Clock
from globule.host.functions import Invoker
from globule.host.tracing import Tracer, sampled
from globule.wire.aws.errors import AwsError

logger = logging.getLogger(__name__)


class FunctionRefused(Exception):
    """The function failed, or returned what it must not; `refused` is what the viewer gets."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.sentence)
        self.refused = refused


class EdgeFunctions:
    """The functions of all distributions, as one edge location runs them."""

    def __init__(self, *, place: str, invoker: Invoker, clock: Clock, tracer: Tracer) -> None:
        self._place = place
        self._invoker = invoker
        self._clock = clock
        self._tracer = tracer

    async def on_request(
        self,
        function: EdgeFunction,
        distribution: Distribution,
        request: FunctionRequest,
        *,
        request_id: str,
        trace: str | None,
    ) -> ChangedRequest | Generated:
        """Of viewer-request or origin-request. Raises FunctionRefused."""
        payload = await self._run(function, distribution, request, None, request_id, trace)
        try:
            return edge_results.request_result(payload, function.event, request)
        except InvalidResult as problem:
            raise self._invalid(function, problem) from None

    async def on_response(
        self,
        function: EdgeFunction,
        distribution: Distribution,
        request: FunctionRequest,
        response: FunctionResponse,
        *,
        request_id: str,
        trace: str | None,
    ) -> Generated:
        """Of origin-response or viewer-response. Raises FunctionRefused."""
        payload = await self._run(function, distribution, request, response, request_id, trace)
        try:
            return edge_results.response_result(payload, function.event, response)
        except InvalidResult as problem:
            raise self._invalid(function, problem) from None

    async def _run(
        self,
        function: EdgeFunction,
        distribution: Distribution,
        request: FunctionRequest,
        response: FunctionResponse | None,
        request_id: str,
        trace: str | None,
    ) -> bytes:
        given = event(
            kind=function.event,
            distribution_id=distribution.id,
            domain_name=distribution.domain_name,
            request_id=request_id,
            request=request,
            body_limit=edge_results.body_limit(function.event),
            response=response,
        )
        name, _, version = function.arn.rpartition(":")
        started = self._clock.now()
        try:
            async with asyncio.timeout(edge_results.timeout_seconds(function.event)):
                result = await self._invoker.invoke(name, msgspec.json.encode(given), qualifier=version, trace=trace)
        except TimeoutError:
            logger.warning("%s: %s took too long", self._place, function.arn)
            raise FunctionRefused(failures.FUNCTION_FAILED) from None
        except AwsError as problem:
            logger.warning("%s: %s cannot be invoked: %s", self._place, function.arn, problem)
            throttled = problem.code == "TooManyRequestsException"
            raise FunctionRefused(failures.FUNCTION_LIMIT if throttled else failures.FUNCTION_FAILED) from None
        self._tracer.record(
            sampled(trace),
            "edge function",
            place=self._place,
            start=started,
            end=self._clock.now(),
            note=f"{function.event}{', cold start' if result.cold else ''}",
        )
        if result.function_error is not None:
            logger.warning("%s: %s failed: %s", self._place, function.arn, result.payload[:500])
            raise FunctionRefused(failures.FUNCTION_FAILED)
        return result.payload

    def _invalid(self, function: EdgeFunction, problem: InvalidResult) -> FunctionRefused:
        logger.warning("%s: the result of %s is invalid: %s", self._place, function.arn, problem)
        return FunctionRefused(failures.function_result_invalid(str(problem)))
