"""At every request for the page, before the cache: turns robots away and gives rooms pretty addresses.

/ja/rooms/lobby, /rooms/lobby and /de/ are all one page, which reads the address itself. Mapping them to one name
here lets an edge location keep one copy. The front page, /, is left to origin_request.
"""

import re

PAGE = "/index.html"
_ADDRESS = re.compile(r"(?:/(?:de|en|es|fr|ja|pt))?(?:/rooms/[a-z0-9-]{1,40})?/?")

# Crawlers that ignore robots.txt or send more requests than readers do. Polite ones are welcome.
_ROBOTS = re.compile(r"(?:ahrefs|blex|dot|mj12|petal|semrush|zoominfo)bot|bytespider|dataforseo", re.IGNORECASE)


def handler(event, context):
    request = event["Records"][0]["cf"]["request"]
    if _ROBOTS.search(_first(request["headers"], "user-agent")):
        return {
            "status": "403",
            "statusDescription": "Forbidden",
            "headers": {"content-type": [{"key": "Content-Type", "value": "text/plain"}]},
            "body": "This is a place for people.\n",
        }
    if request["uri"] != "/" and _ADDRESS.fullmatch(request["uri"]):
        request["uri"] = PAGE
    return request


def _first(headers, name):
    return headers[name][0]["value"] if headers.get(name) else ""
