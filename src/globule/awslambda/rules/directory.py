"""Which function, version and code a name means, in one world.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html and configuration-aliases.html. An alias with
weights sends its share of invocations to each of its versions; the caller brings the randomness.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from globule.awslambda.model import Alias, EventInvokeConfig, Function, LayerVersion, Url, Version
from globule.awslambda.rules.names import LATEST, MalformedName, function_arn, parse_name
from globule.wire.aws.errors import AwsError
from globule.world.snapshot import World


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What an invocation runs."""

    function: Function
    version: str
    """`$LATEST` or a number."""
    invoked_arn: str
    """As the function sees it in its context: qualified where the caller qualified it."""


class Directory:
    """The functions of one region, with everything that names them."""

    def __init__(self, world: World, region: str) -> None:
        self.region = region
        self.account = world.account
        self.functions = {function.arn: function for function in world.of(Function, region=region)}
        self.versions = {version.arn: version for version in world.of(Version, region=region)}
        self.aliases = {alias.arn: alias for alias in world.of(Alias, region=region)}
        self.urls = {url.host: url for url in world.of(Url, region=region)}
        self.layers = {layer.arn: layer for layer in world.of(LayerVersion, region=region)}
        self._retries = {
            (config.function_arn, config.qualifier): config for config in world.of(EventInvokeConfig, region=region)
        }

    def find(self, name: str) -> Function:
        """The function of a name, an ARN or a partial one, whatever its qualifier.

        Raises AwsError: ResourceNotFoundException, ValidationException.
        """
        try:
            parsed = parse_name(name)
        except MalformedName:
            raise _malformed(name) from None
        arn = function_arn(parsed.region or self.region, parsed.account or self.account, parsed.name)
        if arn not in self.functions:
            raise not_found(f"Function not found: {arn}" + (f":{parsed.qualifier}" if parsed.qualifier else ""))
        return self.functions[arn]

    def resolve(self, name: str, qualifier: str | None, *, chance: float) -> Target:
        """What an invocation of this name runs. `chance` is from 0 to 1, for aliases with weights.

        Raises AwsError: ResourceNotFoundException, ValidationException.
        """
        function = self.find(name)
        named = parse_name(name).qualifier
        if named is not None and qualifier is not None and named != qualifier:
            raise AwsError(
                "InvalidParameterValueException",
                "The derived qualifier from the function name does not match the specified qualifier.",
            )
        asked = qualifier or named
        if asked is None:
            return Target(function=function, version=LATEST, invoked_arn=function.arn)
        invoked_arn = f"{function.arn}:{asked}"
        if asked == LATEST:
            version = LATEST
        elif invoked_arn in self.versions:
            version = self.versions[invoked_arn].number
        elif invoked_arn in self.aliases:
            version = pick_version(self.aliases[invoked_arn], chance)
        else:
            raise not_found(f"Function not found: {invoked_arn}")
        return Target(function=function, version=version, invoked_arn=invoked_arn)

    def event_config(self, function_arn: str, qualifier: str | None) -> EventInvokeConfig:
        """How asynchronous invocations are tried again."""
        found = self._retries.get((function_arn, qualifier or LATEST))
        return found or EventInvokeConfig(function_arn=function_arn, qualifier=qualifier or LATEST)

    def layers_of(self, function: Function) -> tuple[LayerVersion, ...]:
        """Those of its layers that are in this world."""
        return tuple(self.layers[arn] for arn in function.layers if arn in self.layers)

    def problems(self) -> Iterable[str]:
        for function in self.functions.values():
            for arn in function.layers:
                if arn not in self.layers:
                    yield f"function {function.name} runs without its layer {arn}, which no stack here has"


def pick_version(alias: Alias, chance: float) -> str:
    """One of an alias's versions, each with its weight; the first version takes the rest."""
    for version, weight in sorted(alias.weights.items()):
        if chance < weight:
            return version
        chance -= weight
    return alias.version


def not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, status=404, details={"Type": "User"})


def _malformed(name: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{name[:300]}' at 'functionName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?"
        "(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
    )
