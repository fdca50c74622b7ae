"""The AWS endpoint (port 4566): every AWS API of every region, behind one address.

`AWS_ENDPOINT_URL` points to it. It reads the region from the credential scope and hands the request on to that
region's own address, as it is; the region dispatches by `endpoint.catalogue`. It pays no distance: its caller stands
next to whichever region it names.
"""

from __future__ import annotations

from collections.abc import Callable

from globule.endpoint.catalogue import CATALOGUE, api_of
from globule.endpoint.guard import refusal
from globule.endpoint.refusals import refuse
from globule.endpoint.relay import relay
from globule.endpoint.scope import credential_scope
from globule.host.http_client import HttpClient
from globule.host.http_server import Server, serve
from globule.host.network import Network
from globule.wire.http import Request, Response
from globule.world.ports import DOORS, Ports

# Where clients that do not sign (curl) go: AWS's own default region.
DEFAULT_REGION = "us-east-1"


class AwsEndpoint:
    """`regions()` names the regions that run now; requests for others are refused by name."""

    def __init__(
        self, network: Network, ports: Ports, client: HttpClient[str], regions: Callable[[], tuple[str, ...]]
    ) -> None:
        self._network = network
        self._ports = ports
        self._regions = regions
        self._client = client
        self._server: Server | None = None

    async def listen(self) -> None:
        """Raises OSError where the port is taken."""
        self._server = await serve(self._network, (DOORS, self._ports.endpoint), self._answer)

    async def close(self) -> None:
        if self._server is not None:
            await self._server.aclose()

    async def _answer(self, request: Request) -> Response:
        why = refusal(request)
        if why is not None:
            return refuse(request, 403, "AccessDenied", why)
        scope = credential_scope(request)
        if api_of(request) is None:
            wanted = scope.service if scope else request.headers.get("x-amz-target") or request.host
            served = ", ".join(api.signing_name for api in CATALOGUE)
            return refuse(request, 400, "UnknownOperationException", f"{wanted} is not served here; served: {served}")
        code = scope.region if scope else DEFAULT_REGION
        if code not in self._regions():
            running = ", ".join(self._regions()) or "none"
            return refuse(request, 400, "UnrecognizedClientException", f"{code} does not run here; running: {running}")
        return await relay(self._client, code, request, to=code)
