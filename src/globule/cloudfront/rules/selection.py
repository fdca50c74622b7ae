"""Which cookies, query strings and headers a policy takes.

Query strings and cookies: case matters in name and value. Query strings keep their order, since order is part of the
key; cookies are sorted by name
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/controlling-the-cache-key.html).
"""

from __future__ import annotations

from collections.abc import Iterable

from globule.cloudfront.model import Selection


def takes(selection: Selection, name: str) -> bool:
    match selection.behavior:
        case "none":
            return False
        case "whitelist":
            return name in selection.names
        case "allExcept":
            return name not in selection.names
        case _:
            return True


def both(cache: Selection, request: Selection) -> Selection:
    """What a cache policy and an origin request policy together send to the origin. Mostly whatever either takes;
    but of two block lists, "all but those named in either"
    (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-how-origin-request-policies-and-cache-policies-work-together.html).
    """
    kinds = (cache.behavior, request.behavior)
    if "all" in kinds:
        return Selection(behavior="all")
    if request.behavior == "none":
        return cache
    if cache.behavior == "none":
        return request
    if kinds == ("allExcept", "allExcept"):
        return Selection(behavior="allExcept", names=tuple({*cache.names, *request.names}))
    if kinds == ("whitelist", "whitelist"):
        return Selection(behavior="whitelist", names=tuple({*cache.names, *request.names}))
    allowed, blocked = (cache, request) if cache.behavior == "whitelist" else (request, cache)
    return Selection(behavior="allExcept", names=tuple(set(blocked.names) - set(allowed.names)))


def query_string(query: str, selection: Selection) -> str:
    """The parameters that are taken, in their order."""
    if selection.behavior == "all" or not query:
        return query
    if selection.behavior == "none":
        return ""
    return "&".join(part for part in query.split("&") if takes(selection, part.partition("=")[0]))


def cookies(values: Iterable[str], selection: Selection) -> str:
    """The cookies that are taken, out of the values of Cookie headers, sorted by name; empty where there are none."""
    if selection.behavior == "none":
        return ""
    pairs = [pair.strip() for value in values for pair in value.split(";")]
    taken = [pair for pair in pairs if pair and takes(selection, pair.partition("=")[0])]
    return "; ".join(sorted(taken, key=lambda pair: pair.partition("=")[0]))
