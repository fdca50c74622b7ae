"""Functions that make text and lists: Join, Select, Split, Base64, Cidr, Length, ToJsonString."""

from __future__ import annotations

import base64 as encodings
import ipaddress
import json
from typing import Any

from globule.cloudformation.intrinsics.scope import NO_VALUE, IntrinsicProblem, Scope, arguments
from globule.cloudformation.problems import Location

# "Count: the number of CIDRs to generate. Valid range is between 1 and 256."
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
CIDR_COUNT_LIMIT = 256


def join(scope: Scope, node: Any, path: Location) -> str:
    delimiter, values = arguments(node, path, "Fn::Join", "[delimiter, [value, ...]]", 2)
    separator = scope.text(delimiter, (*path, 0))
    parts = scope.items(values, (*path, 1))
    return separator.join(scope.text(part, (*path, 1, index)) for index, part in enumerate(parts))


def select(scope: Scope, node: Any, path: Location) -> Any:
    index_node, values = arguments(node, path, "Fn::Select", "[index, [value, ...]]", 2)
    written = scope.text(index_node, (*path, 0))
    items = scope.items(values, (*path, 1))
    if not written.isdecimal() or int(written) >= len(items):
        raise IntrinsicProblem(path, f"Fn::Select cannot select nonexistent value at index {written}: {items}")
    return items[int(written)]


def split(scope: Scope, node: Any, path: Location) -> list[str]:
    delimiter, source = arguments(node, path, "Fn::Split", "[delimiter, text]", 2)
    separator = scope.text(delimiter, (*path, 0))
    if not separator:
        raise IntrinsicProblem((*path, 0), "Fn::Split needs a delimiter that is not empty")
    return scope.text(source, (*path, 1)).split(separator)


def base64(scope: Scope, node: Any, path: Location) -> str:
    return encodings.b64encode(scope.text(node, path).encode()).decode()


def cidr(scope: Scope, node: Any, path: Location) -> list[str]:
    given = arguments(node, path, "Fn::Cidr", "[ipBlock, count, cidrBits]", 2, 3)
    block, count, *rest = [scope.text(argument, (*path, index)) for index, argument in enumerate(given)]
    try:
        network = ipaddress.ip_network(block)
        # cidrBits is the inverse of a mask; without it, CloudFormation takes 8 (a /24 of IPv4).
        prefix = network.max_prefixlen - int(rest[0] if rest else "8")
        wanted = int(count)
        if not 1 <= wanted <= CIDR_COUNT_LIMIT:
            raise IntrinsicProblem((*path, 1), f"Fn::Cidr's count must be from 1 to {CIDR_COUNT_LIMIT}, not {count}")
        blocks = [str(part) for part, _ in zip(network.subnets(new_prefix=prefix), range(wanted), strict=False)]
    except ValueError as error:
        raise IntrinsicProblem(path, f"Fn::Cidr: {error}") from None
    if len(blocks) < wanted:
        raise IntrinsicProblem(path, f"Fn::Cidr: {block} has room for {len(blocks)} blocks of /{prefix}, not {count}")
    return blocks


def length(scope: Scope, node: Any, path: Location) -> int:
    return len(scope.items(node, path))


def to_json_string(scope: Scope, node: Any, path: Location) -> str:
    if not isinstance(node, dict | list):
        raise IntrinsicProblem(path, "Fn::ToJsonString takes a mapping or a list")
    value = scope.value(node, path)
    return json.dumps(None if value is NO_VALUE else value, separators=(",", ":"))
