"""Compressing whole bodies, large ones on a thread since they would hold everybody else up."""

from __future__ import annotations

import asyncio
import gzip

import brotli

from globule.cloudfront.rules.compression import Coding

INLINE_BYTES = 32 * 1024
# As CDNs do on the fly; higher levels cost more than they save.
GZIP_LEVEL = 6
BROTLI_QUALITY = 4


async def compressed(body: bytes, coding: Coding) -> bytes:
    if len(body) <= INLINE_BYTES:
        return _compress(body, coding)
    return await asyncio.to_thread(_compress, body, coding)


def _compress(body: bytes, coding: Coding) -> bytes:
    match coding:
        case "br":
            result: bytes = brotli.compress(body, quality=BROTLI_QUALITY)
            return result
        case "gzip":
            return gzip.compress(body, compresslevel=GZIP_LEVEL, mtime=0)
