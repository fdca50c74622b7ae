"""Which objects an invalidation takes out of the caches
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html): case
matters; `*` is a wildcard only as the last character, and then query strings count too; every variant by header or
cookie goes; a query string must be given to be met.
"""

from __future__ import annotations

PATH_LIMIT_CHARACTERS = 4_000


class InvalidPath(ValueError):
    """Not a path that can be invalidated."""


def normalised(path: str) -> str:
    """A path as the caller may write it, with its leading slash. Raises InvalidPath."""
    if not path or len(path) > PATH_LIMIT_CHARACTERS or not path.isascii() or " " in path:
        raise InvalidPath(path)
    if "*" in path[:-1]:
        raise InvalidPath(path)
    return path if path.startswith("/") else "/" + path


def invalidates(path: str, uri: str, query: str) -> bool:
    """Whether a normalised path takes the object with this path and query string (as keyed)."""
    target = f"{uri}?{query}" if query else uri
    return target.startswith(path[:-1]) if path.endswith("*") else target == path
