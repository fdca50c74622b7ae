"""Lambda's CloudFormation types.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Lambda.html
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from globule.awslambda.model import (
    Alias,
    Code,
    EventInvokeConfig,
    EventSourceMapping,
    Function,
    InlineCode,
    LayerVersion,
    LocalCode,
    Url,
    Version,
)
from globule.awslambda.rules import environment, runtimes
from globule.awslambda.rules.names import MalformedName, function_arn, parse_name
from globule.wire.cors import Cors
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

Properties = Mapping[str, Any]


def _function(declaration: Declaration) -> Built:
    properties = declaration.properties
    name = properties.get("FunctionName") or declaration.generated_name(limit=64)
    arn = function_arn(declaration.region, declaration.account, name)
    if properties.get("PackageType", "Zip") != "Zip" or "ImageUri" in properties.get("Code", {}):
        raise PropertyProblem(("PackageType",), "container images do not run here; use a runtime and a code folder")
    runtime = _required(properties, "Runtime")
    if runtimes.kind_of(runtime) is None:
        raise PropertyProblem(("Runtime",), runtimes.refusal(runtime))
    provided = runtimes.kind_of(runtime) == "provided"
    handler = properties.get("Handler", "bootstrap") if provided else _required(properties, "Handler")
    variables = {key: str(value) for key, value in properties.get("Environment", {}).get("Variables", {}).items()}
    refusal = environment.refusal(variables)
    if refusal is not None:
        raise PropertyProblem(("Environment", "Variables"), refusal)
    layers = tuple(properties.get("Layers", ()))
    code = _code(declaration, runtime)
    if not layers and isinstance(code, LocalCode):
        _check_handler(Path(code.path), runtime, handler)
    logging = properties.get("LoggingConfig", {})
    function = Function(
        name=name,
        arn=arn,
        runtime=runtime,
        handler=handler,
        code=code,
        description=properties.get("Description", ""),
        environment=variables,
        timeout_s=_within(properties, "Timeout", 3, least=1, most=900),
        memory_mb=_within(properties, "MemorySize", 128, least=128, most=10240),
        layers=layers,
        reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        role=properties.get("Role", ""),
        architecture=next(iter(properties.get("Architectures", ())), "x86_64"),
        log_group=logging.get("LogGroup", f"/aws/lambda/{name}"),
        log_format=logging.get("LogFormat", "Text"),
        log_level=logging.get("ApplicationLogLevel", ""),
        tags={tag["Key"]: tag["Value"] for tag in properties.get("Tags", ())},
    )
    return Built(physical_id=name, attributes={"Arn": arn}, resource=function)


def _code(declaration: Declaration, runtime: str) -> Code:
    code = declaration.properties.get("Code", {})
    if "LocalPath" in code:
        return _local_code(declaration, "Code", code)
    if "ZipFile" in code:
        if runtimes.inline_file(runtime) is None:
            raise PropertyProblem(("Code", "ZipFile"), f"{runtime} has no inline code; Python and Node.js have")
        source = code["ZipFile"]
        return InlineCode(source=source, content_hash=hashlib.sha256(source.encode()).hexdigest())
    raise PropertyProblem(
        ("Code",), "only code in a folder or an archive on this machine, or inline code, runs here; code in S3 does not"
    )


def _local_code(declaration: Declaration, name: str, code: Properties) -> LocalCode:
    path = declaration.folder / code["LocalPath"]
    if not path.exists():
        raise PropertyProblem((name,), f"{path} does not exist")
    return LocalCode(path=str(path.resolve()), content_hash=code.get("ContentHash", ""))


def _check_handler(root: Path, runtime: str, handler: str) -> None:
    """A handler whose file is not there would only show at the first invocation."""
    candidates = runtimes.handler_files(runtime, handler)
    if root.is_dir():
        found = any((root / candidate).is_file() for candidate in candidates)
    elif zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            names = set(archive.namelist())
        found = any(str(candidate) in names for candidate in candidates)
    else:
        found = any(candidate.name == root.name for candidate in candidates)
    if not found:
        looked = " or ".join(str(root / candidate) for candidate in candidates[:2]) or str(root)
        raise PropertyProblem(("Handler",), f"no file for the handler {handler!r}: looked for {looked}")


def _version(declaration: Declaration) -> Built:
    properties = declaration.properties
    arn = _function_arn(declaration, _required(properties, "FunctionName"))
    # Code follows the working copy, so there is one published version, and its number does not grow.
    version = Version(arn=f"{arn}:1", function_arn=arn, number="1", description=properties.get("Description", ""))
    attributes = {"Version": version.number, "FunctionArn": version.arn}
    return Built(physical_id=version.arn, attributes=attributes, resource=version)


def _alias(declaration: Declaration) -> Built:
    properties = declaration.properties
    arn = _function_arn(declaration, _required(properties, "FunctionName"))
    name = _required(properties, "Name")
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", ())
    alias = Alias(
        arn=f"{arn}:{name}",
        function_arn=arn,
        name=name,
        version=str(_required(properties, "FunctionVersion")),
        weights={str(entry["FunctionVersion"]): float(entry["FunctionWeight"]) for entry in weights},
        description=properties.get("Description", ""),
    )
    return Built(physical_id=alias.arn, attributes={"AliasArn": alias.arn}, resource=alias)


def _permission(declaration: Declaration) -> Built:
    """Recorded: everything in a world may invoke its functions."""
    return Built(physical_id=declaration.generated_name(), attributes={"Id": declaration.generated_name()})


def _url(declaration: Declaration) -> Built:
    properties = declaration.properties
    arn = _function_arn(declaration, _required(properties, "TargetFunctionArn"))
    if properties.get("InvokeMode", "BUFFERED") != "BUFFERED":
        raise PropertyProblem(("InvokeMode",), "RESPONSE_STREAM is not supported here; BUFFERED is")
    host = f"{declaration.token.lower()}.lambda-url.{declaration.region}.on.aws"
    url = Url(
        function_arn=arn,
        qualifier=properties.get("Qualifier") or parse_name(properties["TargetFunctionArn"]).qualifier,
        host=host,
        auth_type=cast(Literal["NONE", "AWS_IAM"], properties.get("AuthType", "NONE")),
        cors=_cors(properties["Cors"]) if "Cors" in properties else None,
    )
    attributes = {"FunctionUrl": f"https://{host}/", "FunctionArn": arn}
    return Built(physical_id=arn, attributes=attributes, resource=url)


def _cors(cors: Properties) -> Cors:
    return Cors(
        allow_credentials=cors.get("AllowCredentials", False),
        allow_headers=tuple(cors.get("AllowHeaders", ())),
        allow_methods=tuple(cors.get("AllowMethods", ())),
        allow_origins=tuple(cors.get("AllowOrigins", ())),
        expose_headers=tuple(cors.get("ExposeHeaders", ())),
        max_age_s=cors.get("MaxAge"),
    )


def _layer(declaration: Declaration) -> Built:
    properties = declaration.properties
    content = properties.get("Content", {})
    if "LocalPath" not in content:
        raise PropertyProblem(("Content",), "only a folder or an archive on this machine can be a layer here")
    name = properties.get("LayerName") or declaration.generated_name(limit=64)
    arn = f"arn:aws:lambda:{declaration.region}:{declaration.account}:layer:{name}:1"
    layer = LayerVersion(arn=arn, name=name, content=_local_code(declaration, "Content", content))
    return Built(physical_id=arn, attributes={"LayerVersionArn": arn}, resource=layer)


def _event_invoke_config(declaration: Declaration) -> Built:
    properties = declaration.properties
    qualifier = _required(properties, "Qualifier")
    config = EventInvokeConfig(
        function_arn=_function_arn(declaration, _required(properties, "FunctionName")),
        qualifier=qualifier,
        maximum_retry_attempts=_within(properties, "MaximumRetryAttempts", 2, least=0, most=2),
        maximum_event_age_s=_within(properties, "MaximumEventAgeInSeconds", 21600, least=60, most=21600),
    )
    return Built(physical_id=f"{config.function_arn}|{qualifier}", resource=config)


def _event_source_mapping(declaration: Declaration) -> Built:
    properties = declaration.properties
    digits = hashlib.sha256(declaration.token.encode()).hexdigest()
    uuid = "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "8" + digits[17:20], digits[20:32]))
    mapping = EventSourceMapping(
        uuid=uuid,
        arn=f"arn:aws:lambda:{declaration.region}:{declaration.account}:event-source-mapping:{uuid}",
        function_arn=_function_arn(declaration, _required(properties, "FunctionName")),
        event_source_arn=_required(properties, "EventSourceArn"),
        enabled=properties.get("Enabled", True),
        batch_size=properties.get("BatchSize"),
        starting_position=properties.get("StartingPosition"),
        maximum_batching_window_s=properties.get("MaximumBatchingWindowInSeconds", 0),
        filter_patterns=tuple(
            entry["Pattern"] for entry in properties.get("FilterCriteria", {}).get("Filters", ()) if "Pattern" in entry
        ),
        function_response_types=tuple(properties.get("FunctionResponseTypes", ())),
        maximum_retry_attempts=properties.get("MaximumRetryAttempts", -1),
        bisect_batch_on_function_error=properties.get("BisectBatchOnFunctionError", False),
    )
    attributes = {"Id": uuid, "EventSourceMappingArn": mapping.arn}
    return Built(physical_id=uuid, attributes=attributes, resource=mapping)


def _required(properties: Properties, name: str) -> str:
    if not properties.get(name):
        raise PropertyProblem((), f"the property {name} is required")
    return str(properties[name])


def _within(properties: Properties, name: str, default: int, *, least: int, most: int) -> int:
    value = int(properties.get(name, default))
    if not least <= value <= most:
        raise PropertyProblem((name,), f"{value} is not between {least} and {most}")
    return value


def _function_arn(declaration: Declaration, name: str) -> str:
    """The unqualified ARN of whatever names a function."""
    try:
        parsed = parse_name(name)
    except MalformedName:
        raise PropertyProblem((), f"{name!r} does not name a function") from None
    return function_arn(parsed.region or declaration.region, parsed.account or declaration.account, parsed.name)


RESOURCE_TYPES: tuple[ResourceType, ...] = (
    ResourceType(
        name="AWS::Lambda::Function",
        properties=frozenset({
            "Code", "Description", "Environment", "FunctionName", "Handler", "Layers", "LoggingConfig", "MemorySize",
            "PackageType", "ReservedConcurrentExecutions", "Role", "Runtime", "Tags", "Timeout",
        }),
        recorded=frozenset({
            "Architectures", "CodeSigningConfigArn", "DeadLetterConfig", "EphemeralStorage", "KmsKeyArn",
            "RecursiveLoop", "RuntimeManagementConfig", "SnapStart", "TracingConfig", "VpcConfig",
        }),
        replaced_by=frozenset({"FunctionName", "PackageType"}),
        build=_function,
        model=Function,
    ),
    ResourceType(
        name="AWS::Lambda::Version",
        properties=frozenset({"Description", "FunctionName"}),
        recorded=frozenset({"CodeSha256", "FunctionScalingConfig", "ProvisionedConcurrencyConfig", "RuntimePolicy"}),
        replaced_by=frozenset({"CodeSha256", "Description", "FunctionName"}),
        build=_version,
        model=Version,
    ),
    ResourceType(
        name="AWS::Lambda::Alias",
        properties=frozenset({"Description", "FunctionName", "FunctionVersion", "Name", "RoutingConfig"}),
        recorded=frozenset({"ProvisionedConcurrencyConfig"}),
        replaced_by=frozenset({"FunctionName", "Name"}),
        build=_alias,
        model=Alias,
    ),
    ResourceType(
        name="AWS::Lambda::Permission",
        properties=frozenset(),
        recorded=frozenset({
            "Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "Principal",
            "PrincipalOrgID", "SourceAccount", "SourceArn",
        }),
        replaced_by=frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"}),
        build=_permission,
    ),
    ResourceType(
        name="AWS::Lambda::Url",
        properties=frozenset({"AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"}),
        replaced_by=frozenset({"Qualifier", "TargetFunctionArn"}),
        build=_url,
        model=Url,
    ),
    ResourceType(
        name="AWS::Lambda::LayerVersion",
        properties=frozenset({"Content", "Description", "LayerName", "LicenseInfo"}),
        recorded=frozenset({"CompatibleArchitectures", "CompatibleRuntimes"}),
        replaced_by=frozenset({"Content", "LayerName"}),
        build=_layer,
        model=LayerVersion,
    ),
    ResourceType(
        name="AWS::Lambda::LayerVersionPermission",
        properties=frozenset(),
        recorded=frozenset({"Action", "LayerVersionArn", "OrganizationId", "Principal"}),
        replaced_by=frozenset({"Action", "LayerVersionArn", "OrganizationId", "Principal"}),
        build=_permission,
    ),
    ResourceType(
        name="AWS::Lambda::EventInvokeConfig",
        properties=frozenset({"FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"}),
        recorded=frozenset({"DestinationConfig"}),
        replaced_by=frozenset({"FunctionName", "Qualifier"}),
        build=_event_invoke_config,
        model=EventInvokeConfig,
    ),
    ResourceType(
        name="AWS::Lambda::EventSourceMapping",
        properties=frozenset(),
        recorded=frozenset({
            "BatchSize", "BisectBatchOnFunctionError", "DestinationConfig", "Enabled", "EventSourceArn",
            "FilterCriteria", "FunctionName", "FunctionResponseTypes", "KmsKeyArn", "LoggingConfig",
            "MaximumBatchingWindowInSeconds", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts", "MetricsConfig",
            "ParallelizationFactor", "Queues", "ScalingConfig", "StartingPosition", "StartingPositionTimestamp",
            "Tags", "Topics", "TumblingWindowInSeconds",
        }),
        replaced_by=frozenset({"EventSourceArn", "StartingPosition", "StartingPositionTimestamp"}),
        build=_event_source_mapping,
        model=EventSourceMapping,
    ),
)  # fmt: skip
