"""Which entries a page of a listing holds.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html
Keys come in order of their UTF-8 bytes. With a delimiter, keys that share everything up to it (after the prefix) are
rolled up into one common prefix; the rest of them is skipped by a new scan, not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from globule.s3.rules.records import Version, after_all, decode, escaped, key_in, version_key, versions_of_bucket

Scan = Callable[[bytes, bytes], Iterator[tuple[bytes, bytes]]]
"""Pairs of the store from a key to another, in order."""

PAGE_LIMIT = 1000
# A page ends early where so many delete markers or old versions had to be passed that others would have to wait.
EXAMINED_LIMIT = 50_000


class Entry(msgspec.Struct, frozen=True):
    key: str
    version: Version
    latest: bool


class Page(msgspec.Struct, frozen=True, kw_only=True):
    entries: tuple[Entry, ...] = ()
    prefixes: tuple[str, ...] = ()
    more: bool = False
    last: str = ""
    """The last key or common prefix that the page is about: the next page comes after it."""
    last_version: str = ""
    """With entries of all versions: the version after which the next page comes."""


class _Collector:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.entries: list[Entry] = []
        self.prefixes: list[str] = []
        self.last = self.last_version = ""
        self.examined = 0

    @property
    def full(self) -> bool:
        return len(self.entries) + len(self.prefixes) >= self.limit

    def page(self, *, more: bool) -> Page:
        return Page(
            entries=tuple(self.entries),
            prefixes=tuple(self.prefixes),
            more=more,
            last=self.last,
            last_version=self.last_version,
        )


def page_of_objects(scan: Scan, bucket: str, *, prefix: str, delimiter: str, after: str, limit: int) -> Page:
    """Current objects, delete markers left out."""
    return _page(scan, bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit)


def page_of_versions(
    scan: Scan, bucket: str, *, prefix: str, delimiter: str, after: str, after_version: Version | None, limit: int
) -> Page:
    """All versions and delete markers, a key's newest first; `after_version` is one of the key `after`."""
    return _page(
        scan,
        bucket,
        prefix=prefix,
        delimiter=delimiter,
        after=after,
        limit=limit,
        every=True,
        after_version=after_version,
    )


def _page(
    scan: Scan,
    bucket: str,
    *,
    prefix: str,
    delimiter: str,
    after: str,
    limit: int,
    every: bool = False,
    after_version: Version | None = None,
) -> Page:
    root = versions_of_bucket(bucket)
    collector = _Collector(limit)
    if limit == 0:
        return collector.page(more=False)
    position = _start(bucket, prefix, delimiter, after, after_version)
    end = after_all(root + escaped(prefix))
    newest_of = after if after_version is not None else None
    """The key whose newest version has been passed."""
    while True:
        for store_key, data in scan(position, end):
            key, stem = key_in(root, store_key)
            collector.examined += 1
            latest = key != newest_of
            newest_of = key
            version = decode(Version, data)
            shown = every or (latest and not version.deleted)
            common = _common(key, prefix, delimiter)
            if shown and collector.full:
                return collector.page(more=True)
            if shown and common is not None:
                collector.prefixes.append(common)
                collector.last, collector.last_version = common, ""
                position = after_all(root + escaped(common))
                break
            if shown:
                collector.entries.append(Entry(key, version, latest))
            collector.last, collector.last_version = key, version.id
            if collector.examined >= EXAMINED_LIMIT:
                return collector.page(more=True)
            if not every and not latest:
                position = after_all(stem)  # a key with many old versions: pass them all at once
                break
        else:
            return collector.page(more=False)


def _start(bucket: str, prefix: str, delimiter: str, after: str, after_version: Version | None) -> bytes:
    root = versions_of_bucket(bucket)
    start = root + escaped(prefix)
    if not after:
        return start
    if after_version is not None:
        return max(start, version_key(bucket, after, after_version) + b"\x00")
    if _common(after, prefix, delimiter) == after:
        return max(start, after_all(root + escaped(after)))
    return max(start, after_all(root + escaped(after) + b"\x00\x01"))


def _common(key: str, prefix: str, delimiter: str) -> str | None:
    """The common prefix that a key is rolled up into; None where it is not."""
    if not delimiter or not key.startswith(prefix):
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]
