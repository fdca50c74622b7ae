"""The AWS endpoint (port 4566): every AWS API of every region, behind one address.

`AWS_ENDPOINT_URL` points to it. It reads the region from the credential scope and hands the request on to that
region's own address, as it is; the region dispatches by `endpoint.catalogue`. A convenience of the control plane:
each region's own address serves the same APIs without it.
"""

from __future__ import annotations

from collections.abc import Callable

from globule.endpoint.guard import refusal
from globule.endpoint.scope import credential_scope
from globule.host.http_client import HttpClient
from globule.host.http_server import HttpServer, serve
from globule.host.network import Address, Network
from globule.wire.http import Headers, Request, Response
from globule.world.ports import DOORS, Ports

# Where clients that do not sign (curl) and global services go: AWS's own default region.
DEFAULT_REGION = "us-east-1"
