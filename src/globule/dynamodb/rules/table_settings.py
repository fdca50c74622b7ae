"""Members of a table's definition that are kept and shown, and AWS's objections to them.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from globule.dynamodb.rules.errors import invalid_parameters, validation
from globule.dynamodb.rules.requests import control

TABLE_CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
TAG_LIMIT = 50
TAG_KEY_LIMIT, TAG_VALUE_LIMIT = 128, 256
POLICY_LIMIT_BYTES = 20480

# What a new on-demand table can take at once.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
WARM_READS, WARM_WRITES = 12_000, 4_000

KEPT = ("TableClass", "SSESpecification", "OnDemandThroughput", "WarmThroughput", "Tags")


def created_settings(request: control.CreateTableInput) -> dict[str, Any]:
    """What CreateTable sets. Raises ValidationException."""
    billing = request.BillingMode or "PROVISIONED"
    check_table_class(request.TableClass)
    check_encryption(request.SSESpecification)
    check_on_demand(request.OnDemandThroughput, billing, "table")
    for index in request.GlobalSecondaryIndexes or ():
        check_on_demand(index.OnDemandThroughput, billing, f"index : {index.IndexName}")
    tags = checked_tags(request.Tags or ())
    settings = {name: msgspec.to_builtins(getattr(request, name)) for name in KEPT if getattr(request, name)}
    if "OnDemandThroughput" in settings:
        settings["OnDemandThroughput"] = merged_on_demand({}, settings["OnDemandThroughput"])
    if tags:
        settings["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    if request.ResourcePolicy is not None:
        check_policy(request.ResourcePolicy)
        settings["ResourcePolicy"] = {"Policy": request.ResourcePolicy}
    return settings


def check_table_class(given: str | None) -> None:
    if given is not None and given not in TABLE_CLASSES:
        raise validation(
            "Invalid table-class parameter provided. "
            f"Please try again with a valid table-class value: [{', '.join(TABLE_CLASSES)}]."
        )


def check_encryption(given: control.SSESpecification | None) -> None:
    if given is None:
        return
    if not given.Enabled:
        if given.SSEType is not None:
            raise invalid_parameters("SSEType can not be specified if Enabled is false")
        if given.KMSMasterKeyId is not None:
            raise invalid_parameters("KMSMasterKeyId can not be specified if Enabled is false")
    if given.SSEType == "AES256":
        raise invalid_parameters("SSEType AES256 is not supported")
    if given.KMSMasterKeyId is not None and given.SSEType is None:
        raise invalid_parameters("SSEType KMS is required if KMSMasterKeyId is specified")


def check_on_demand(given: control.OnDemandThroughput | None, billing: str, what: str) -> None:
    """`what` is `table`, or `index : NAME`."""
    if given is None:
        return
    for name in ("MaxReadRequestUnits", "MaxWriteRequestUnits"):
        units = getattr(given, name)
        if units is None:
            continue
        if billing == "PROVISIONED":
            for_index = "" if what == "table" else f" for {what}"
            raise invalid_parameters(
                f"{name} for OnDemandThroughput{for_index} "
                "cannot be specified when the table BillingMode is PROVISIONED"
            )
        if units < 1 and units != -1:
            raise invalid_parameters(f"Requested {name} for OnDemandThroughput for {what} is outside of valid range")


def merged_on_demand(current: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Member by member; -1 takes a maximum away."""
    merged = {**current, **{name: units for name, units in given.items() if units is not None}}
    return {name: units for name, units in merged.items() if units != -1}


def checked_tags(given: Sequence[control.Tag]) -> dict[str, str]:
    """Raises ValidationException."""
    tags: dict[str, str] = {}
    for tag in given:
        if not tag.Key or len(tag.Key) > TAG_KEY_LIMIT:
            raise validation(f"The Tag Key provided is invalid, Key: {tag.Key}")
        if tag.Key.startswith("aws:"):
            raise validation(f"Tag Key cannot be prefixed with aws:, Key: {tag.Key}")
        if tag.Value is None or len(tag.Value) > TAG_VALUE_LIMIT:
            value = "null" if tag.Value is None else tag.Value
            raise validation(f"The Tag Value provided is invalid, Value: {value}")
        if tag.Key in tags:
            raise validation(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {tag.Key}")
        tags[tag.Key] = tag.Value
    check_tag_count(tags)
    return tags


def check_tag_count(tags: dict[str, str]) -> None:
    if len(tags) > TAG_LIMIT:
        raise validation("Number of Tags exceed the current limit for the provided ResourceArn")


def check_policy(policy: str) -> None:
    """A resource policy is recorded as it is, if it is JSON."""
    if len(policy.encode()) > POLICY_LIMIT_BYTES:
        raise invalid_parameters(f"Maximum policy size of {POLICY_LIMIT_BYTES} bytes exceeded")
    try:
        msgspec.json.decode(policy, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise invalid_parameters("Invalid policy document: This policy contains invalid Json") from None
