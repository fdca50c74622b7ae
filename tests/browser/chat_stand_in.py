"""The chat's edge and regions on one small server, for tests of its page.

The page, the functions at the edge and the functions of the API are the application's own; CloudFront, API Gateway
and DynamoDB are stood in for by as little as they need: no distance, no cache, a dictionary for a table.
"""

from __future__ import annotations

import contextlib
import json
import mimetypes
import os
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

APPLICATION = Path(__file__).parents[2] / "examples" / "chat"

_ROUTES = (
    ("GET", re.compile(r"/api/health"), "health"),
    ("GET", re.compile(r"/api/rooms"), "list_rooms"),
    ("GET", re.compile(r"/api/rooms/([^/]+)/messages"), "list_messages"),
    ("POST", re.compile(r"/api/rooms/([^/]+)/messages"), "post_message"),
)


class StandIn:
    """One reader's way in: an edge location and a region. Several may share a table."""

    def __init__(self, *, table: Any, edge: str, region: str, country: str) -> None:
        self.table = table
        self.edge = edge
        self.region = region
        self.country = country
        self.broken: set[str] = set()
        """Methods whose API requests get no answer from any region."""
        self.lost_answers = 0
        """How many of the next posts are carried out but not answered."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[StandIn]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


# The functions read their region from the environment, as on Lambda; one request at a time has it.
_ENVIRONMENT = threading.Lock()


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/api/"):
                self._api(None)
            else:
                self._site()

        def do_POST(self) -> None:
            self._api(self.rfile.read(int(self.headers["content-length"])).decode())

        def _api(self, body: str | None) -> None:
            if self.command in stand_in.broken:
                self._answer(502, {}, b"the region does not answer")
                return
            parts = urlsplit(self.path)
            route = _route(self.command, parts.path)
            if route is None:
                self._answer(404, {}, b'{"message":"Not Found"}')
                return
            name, variables = route
            event: dict[str, Any] = {"version": "2.0", "isBase64Encoded": False, "body": body}
            event["queryStringParameters"] = dict(parse_qsl(parts.query))
            event["pathParameters"] = variables
            with _ENVIRONMENT:
                os.environ["AWS_REGION"] = stand_in.region
                function = __import__(name)
                function.TABLE = stand_in.table
                answer = function.handler(event, None)
            if self.command == "POST" and stand_in.lost_answers > 0:
                stand_in.lost_answers -= 1
                self._answer(504, {}, b"")
                return
            self._answer(answer["statusCode"], answer["headers"], answer["body"].encode())

        def _site(self) -> None:
            uri = urlsplit(self.path).path
            headers = {
                "user-agent": [{"key": "User-Agent", "value": self.headers.get("user-agent", "")}],
                "cookie": [{"key": "Cookie", "value": self.headers.get("cookie", "")}],
                "cloudfront-viewer-country": [{"key": "CloudFront-Viewer-Country", "value": stand_in.country}],
            }
            request = {"uri": uri, "method": "GET", "querystring": "", "headers": headers}
            request = __import__("viewer_request").handler({"Records": [{"cf": {"request": request}}]}, None)
            if request.get("uri") == "/":
                request = __import__("origin_request").handler({"Records": [{"cf": {"request": request}}]}, None)
            if "status" in request:
                self._edge_answer(request, b"")
                return
            file = APPLICATION / "web" / request["uri"].lstrip("/")
            found = file.is_file() and file.parent == APPLICATION / "web"
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            response = {
                "status": "200" if found else "403",
                "statusDescription": "",
                "headers": {"content-type": [{"key": "Content-Type", "value": kind}]},
            }
            response = __import__("origin_response").handler({"Records": [{"cf": {"response": response}}]}, None)
            self._edge_answer(response, file.read_bytes() if found else b"")

        def _edge_answer(self, response: dict[str, Any], body: bytes) -> None:
            headers = {values[0]["key"]: values[0]["value"] for values in response["headers"].values()}
            self._answer(int(response["status"]), headers, response.get("body", "").encode() or body)

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("X-Amz-Cf-Pop", f"{stand_in.edge}50-C1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    return Handler


def _route(method: str, path: str) -> tuple[str, dict[str, str]] | None:
    for wanted, pattern, name in _ROUTES:
        found = pattern.fullmatch(path)
        if found and wanted == method:
            return name, {"room": unquote(found[1])} if found.groups() else {}
    return None


def prepare_imports() -> None:
    """Put the application's functions on the path, and the environment that Lambda gives them."""
    for folder in ("functions", "edge", "tests"):
        path = str(APPLICATION / folder)
        if path not in sys.path:
            sys.path.insert(0, path)
    os.environ.setdefault("AWS_REGION", "eu-west-1")
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
    os.environ.setdefault("TABLE_NAME", "messages")


def seed(table: Any, *, room: str, now_ms: int, lines: list[tuple[int, str, str, str]]) -> None:
    """Messages that were written before: (seconds ago, name, region, text)."""
    from chat.conversation import post
    from chat.identifiers import first_at
    from chat.messages import Message

    for ago, name, region, text in lines:
        then = now_ms - ago * 1000
        post(table, Message(room=room, id=first_at(then), name=name, text=text), region=region, now_ms=then)


def stored_texts(table: Any) -> list[str]:
    return [item["text"] for item in json.loads(json.dumps(list(table.items.values()))) if "text" in item]
