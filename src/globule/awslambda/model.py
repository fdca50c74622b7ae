"""What Lambda is told to run: functions, versions, aliases, layers, URLs, event source mappings.

Code is named with a hash of its content, so that saving a file makes another world.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from globule.wire.cors import Cors


class LocalCode(msgspec.Struct, frozen=True, kw_only=True, tag="local"):
    """A folder, a zip archive, or a single file on this machine."""

    path: str
    """Absolute."""
    content_hash: str


class InlineCode(msgspec.Struct, frozen=True, kw_only=True, tag="inline"):
    """Source text out of the template (`ZipFile`, `InlineCode`)."""

    source: str
    content_hash: str


Code = LocalCode | InlineCode


class Function(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::Function"):
    name: str
    arn: str
    """Unqualified."""
    runtime: str
    handler: str
    code: Code
    description: str = ""
    environment: dict[str, str] = {}
    timeout_s: int = 3
    memory_mb: int = 128
    layers: tuple[str, ...] = ()
    """ARNs of layer versions, in order; a later one's files win."""
    reserved_concurrency: int | None = None
    role: str = ""
    architecture: str = "x86_64"
    log_group: str
    log_format: Literal["Text", "JSON"] = "Text"
    log_level: str = ""
    """Of the application's own log, where the format is JSON."""
    tags: dict[str, str] = {}


class Version(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::Version"):
    """A published version. It follows the function's working copy, so that an edit is live at once."""

    arn: str
    function_arn: str
    number: str
    description: str = ""


class Alias(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::Alias"):
    arn: str
    function_arn: str
    name: str
    version: str
    weights: dict[str, float] = {}
    """Further versions, each with its share of the invocations."""
    description: str = ""


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::LayerVersion"):
    arn: str
    name: str
    content: LocalCode


class Url(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::Url"):
    """A function's own HTTPS endpoint."""

    function_arn: str
    qualifier: str | None = None
    host: str
    """`ID.lambda-url.REGION.on.aws`."""
    auth_type: Literal["NONE", "AWS_IAM"] = "NONE"
    cors: Cors | None = None


class EventInvokeConfig(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::EventInvokeConfig"):
    """How often an asynchronous invocation is tried, and for how long."""

    function_arn: str
    qualifier: str
    maximum_retry_attempts: int = 2
    maximum_event_age_s: int = 21600


class EventSourceMapping(msgspec.Struct, frozen=True, kw_only=True, tag="AWS::Lambda::EventSourceMapping"):
    """A stream or queue whose records a function gets."""

    uuid: str
    arn: str
    function_arn: str
    event_source_arn: str
    enabled: bool = True
    batch_size: int | None = None
    starting_position: str | None = None
    maximum_batching_window_s: int = 0
    filter_patterns: tuple[str, ...] = ()
    function_response_types: tuple[str, ...] = ()
    maximum_retry_attempts: int = -1
    bisect_batch_on_function_error: bool = False
