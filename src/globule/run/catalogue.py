"""Every service that Globule runs, in one list: the CloudFormation types they understand, and their models."""

from __future__ import annotations

from globule.apigateway.resources import RESOURCE_TYPES as API_GATEWAY
from globule.awslambda.resources import RESOURCE_TYPES as LAMBDA
from globule.cloudfront.resources import RESOURCE_TYPES as CLOUDFRONT
from globule.dynamodb.resources import RESOURCE_TYPES as DYNAMODB
from globule.route53.resources import RESOURCE_TYPES as ROUTE53
from globule.s3.resources import RESOURCE_TYPES as S3
from globule.world.resource_type import ResourceType

RESOURCE_TYPES: tuple[ResourceType, ...] = (*API_GATEWAY, *CLOUDFRONT, *DYNAMODB, *LAMBDA, *ROUTE53, *S3)

MODELS: tuple[type, ...] = tuple(dict.fromkeys(kind.model for kind in RESOURCE_TYPES if kind.model is not None))
