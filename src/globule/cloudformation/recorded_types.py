"""The types that are accepted, recorded and not running: what Ref and Fn::GetAtt give for each.

A form is text with `{...}` in it: any property of the resource by name, and
`{name}` the resource's own name, `{ref}` its Ref, `{account}`, `{region}`, `{uuid}`, `{hex17}` (EC2's ids),
`{UPPER17}`, `{lower9}` (so many letters and digits): random, but the same as long as it is not replaced.
An attribute that is missing here is refused by name when a template asks for it, never made up.
Sources: "Return values" of each type's page in
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html and the ARN
formats of https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Form(msgspec.Struct, frozen=True):
    """How one type's return values are written."""

    ref: str = "{name}"
    attributes: Mapping[str, str] = {}
    name: str | None = None
    """The property that names the resource, where the schema's identifier does not say so."""


_IAM = "arn:aws:iam::{account}:"
_ID = Form("{name}", {"Id": "{ref}"})


def _ec2(prefix: str, attribute: str, **others: str) -> Form:
    return Form(f"{prefix}-{{hex17}}", {attribute: "{ref}", **others})


def _arn(service: str, resource: str, attribute: str = "Arn", **others: str) -> Form:
    """Ref is the name, and an attribute the ARN."""
    return Form("{name}", {attribute: f"arn:aws:{service}:{{region}}:{{account}}:{resource}", **others})


def _waf(kind: str) -> Form:
    arn = f"arn:aws:wafv2:{{region}}:{{account}}:{{waf_scope}}/{kind}/{{name}}/{{uuid}}"
    return Form("{name}|{uuid}|{Scope}", {"Arn": arn, "Id": "{uuid}"}, name="Name")


RECORDED: Mapping[str, Form] = {
    "AWS::ApiGateway::Account": _ID,
    "AWS::AppConfig::Application": Form("{lower7}", {"ApplicationId": "{ref}"}),
    "AWS::AppConfig::ConfigurationProfile": Form("{lower7}", {"ConfigurationProfileId": "{ref}"}),
    "AWS::AppConfig::Environment": Form("{lower7}", {"EnvironmentId": "{ref}"}),
    "AWS::ApplicationAutoScaling::ScalableTarget": Form("{ResourceId}|{ScalableDimension}|{ServiceNamespace}"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Form(
        "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{uuid}:policyName/{PolicyName}", {"Arn": "{ref}"}
    ),
    "AWS::ApplicationInsights::Application": Form(
        "arn:aws:applicationinsights:{region}:{account}:application/resource-group/{ResourceGroupName}",
        {"ApplicationARN": "{ref}"},
    ),
    "AWS::Budgets::Budget": Form(),
    "AWS::CDK::Metadata": Form(),
    "AWS::CertificateManager::Certificate": Form(
        "arn:aws:acm:{region}:{account}:certificate/{uuid}", {"CertificateArn": "{ref}"}
    ),
    "AWS::CloudWatch::Alarm": _arn("cloudwatch", "alarm:{name}"),
    "AWS::CloudWatch::CompositeAlarm": _arn("cloudwatch", "alarm:{name}"),
    "AWS::CloudWatch::Dashboard": Form(),
    "AWS::CodeBuild::Project": Form("{name}", {"Arn": "arn:aws:codebuild:{region}:{account}:project/{name}"}, "Name"),
    "AWS::CodeDeploy::Application": Form(),
    "AWS::CodeDeploy::DeploymentConfig": Form(),
    "AWS::CodeDeploy::DeploymentGroup": Form("{name}", name="DeploymentGroupName"),
    "AWS::CodePipeline::Pipeline": Form("{name}", {"Version": "1"}),
    "AWS::CodeStarConnections::Connection": Form(
        "arn:aws:codestar-connections:{region}:{account}:connection/{uuid}",
        {"ConnectionArn": "{ref}", "ConnectionStatus": "PENDING", "OwnerAccountId": "{account}"},
    ),
    "AWS::Cognito::IdentityPool": Form("{region}:{uuid}", {"Id": "{ref}"}),
    "AWS::Cognito::IdentityPoolRoleAttachment": _ID,
    "AWS::Cognito::UserPool": Form(
        "{region}_{lower9}",
        {
            "Arn": "arn:aws:cognito-idp:{region}:{account}:userpool/{ref}",
            "ProviderName": "cognito-idp.{region}.amazonaws.com/{ref}",
            "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{ref}",
            "UserPoolId": "{ref}",
        },
    ),
    "AWS::Cognito::UserPoolClient": Form("{lower26}", {"ClientId": "{ref}"}),
    "AWS::Cognito::UserPoolDomain": Form("{Domain}"),
    "AWS::Cognito::UserPoolGroup": Form("{name}", name="GroupName"),
    "AWS::EC2::EIP": Form("192.0.2.1", {"AllocationId": "eipalloc-{hex17}", "PublicIp": "{ref}"}),
    "AWS::EC2::FlowLog": _ec2("fl", "Id"),
    "AWS::EC2::InternetGateway": _ec2("igw", "InternetGatewayId"),
    "AWS::EC2::NatGateway": _ec2("nat", "NatGatewayId"),
    "AWS::EC2::Route": Form(),
    "AWS::EC2::RouteTable": _ec2("rtb", "RouteTableId"),
    "AWS::EC2::SecurityGroup": _ec2("sg", "GroupId", Id="{ref}", VpcId="{VpcId}"),
    "AWS::EC2::SecurityGroupEgress": _ID,
    "AWS::EC2::SecurityGroupIngress": _ID,
    "AWS::EC2::Subnet": _ec2(
        "subnet", "SubnetId", AvailabilityZone="{AvailabilityZone}", CidrBlock="{CidrBlock}", VpcId="{VpcId}"
    ),
    "AWS::EC2::SubnetRouteTableAssociation": _ec2("rtbassoc", "Id"),
    "AWS::EC2::VPC": _ec2(
        "vpc",
        "VpcId",
        CidrBlock="{CidrBlock}",
        DefaultNetworkAcl="acl-{hex17}",
        DefaultSecurityGroup="sg-{hex17}",
    ),
    "AWS::EC2::VPCEndpoint": _ec2("vpce", "Id"),
    "AWS::EC2::VPCGatewayAttachment": Form(),
    "AWS::ECR::Repository": Form(
        "{name}",
        {
            "Arn": "arn:aws:ecr:{region}:{account}:repository/{name}",
            "RepositoryUri": "{account}.dkr.ecr.{region}.amazonaws.com/{name}",
        },
    ),
    "AWS::IAM::Group": Form("{name}", {"Arn": _IAM + "group{Path}{name}"}),
    "AWS::IAM::InstanceProfile": Form("{name}", {"Arn": _IAM + "instance-profile{Path}{name}"}),
    "AWS::IAM::ManagedPolicy": Form(
        _IAM + "policy{Path}{name}",
        {
            "DefaultVersionId": "v1",
            "PolicyArn": "{ref}",
            "PolicyId": "ANPA{UPPER17}",
        },
        name="ManagedPolicyName",
    ),
    "AWS::IAM::OIDCProvider": Form(_IAM + "oidc-provider/{Url}", {"Arn": "{ref}"}),
    "AWS::IAM::Policy": Form(),
    "AWS::IAM::Role": Form("{name}", {"Arn": _IAM + "role{Path}{name}", "RoleId": "AROA{UPPER17}"}),
    "AWS::IAM::RolePolicy": Form("{name}", name="PolicyName"),
    "AWS::IAM::ServiceLinkedRole": Form(),
    "AWS::IAM::User": Form("{name}", {"Arn": _IAM + "user{Path}{name}"}),
    "AWS::KMS::Alias": Form(),
    "AWS::KMS::Key": Form("{uuid}", {"Arn": "arn:aws:kms:{region}:{account}:key/{uuid}", "KeyId": "{uuid}"}),
    "AWS::Lambda::Permission": _ID,
    "AWS::Logs::LogGroup": _arn("logs", "log-group:{name}:*"),
    "AWS::Logs::LogStream": Form("{name}", name="LogStreamName"),
    "AWS::Logs::MetricFilter": Form("{name}", name="FilterName"),
    "AWS::Logs::ResourcePolicy": Form(),
    "AWS::Logs::SubscriptionFilter": Form("{name}", name="FilterName"),
    "AWS::RUM::AppMonitor": Form("{name}", {"Id": "{uuid}"}),
    "AWS::ResourceGroups::Group": _arn("resource-groups", "group/{name}"),
    "AWS::S3::BucketPolicy": Form("{Bucket}"),
    "AWS::SES::EmailIdentity": Form(),
    "AWS::SNS::Subscription": Form("{TopicArn}:{uuid}", {"Arn": "{ref}"}),
    "AWS::SNS::Topic": Form(
        "arn:aws:sns:{region}:{account}:{name}", {"TopicArn": "{ref}", "TopicName": "{name}"}, "TopicName"
    ),
    "AWS::SNS::TopicPolicy": _ID,
    "AWS::SQS::Queue": Form(
        "https://sqs.{region}.amazonaws.com/{account}/{name}",
        {"Arn": "arn:aws:sqs:{region}:{account}:{name}", "QueueName": "{name}", "QueueUrl": "{ref}"},
        "QueueName",
    ),
    "AWS::SQS::QueuePolicy": _ID,
    "AWS::SSM::Parameter": Form("{name}", {"Type": "{Type}", "Value": "{Value}"}),
    "AWS::SecretsManager::Secret": Form(
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{lower6}", {"Id": "{ref}"}, "Name"
    ),
    "AWS::Synthetics::Canary": Form("{name}", {"Id": "{uuid}", "State": "READY"}),
    "AWS::WAFv2::IPSet": _waf("ipset"),
    "AWS::WAFv2::LoggingConfiguration": Form("{ResourceArn}"),
    "AWS::WAFv2::RegexPatternSet": _waf("regexpatternset"),
    "AWS::WAFv2::RuleGroup": _waf("rulegroup"),
    "AWS::WAFv2::WebACL": _waf("webacl"),
    "AWS::WAFv2::WebACLAssociation": Form("{WebACLArn}|{ResourceArn}"),
    "AWS::XRay::Group": Form("arn:aws:xray:{region}:{account}:group/{GroupName}/{UPPER26}", {"GroupARN": "{ref}"}),
}
"""By type. An entry gives way where a service comes to run the type itself."""
