"""API Gateway's CloudFormation types: those of v2 and of v1."""

from __future__ import annotations

from globule.apigateway.resources_http import HTTP_RESOURCE_TYPES
from globule.apigateway.resources_rest import REST_RESOURCE_TYPES

RESOURCE_TYPES = (*HTTP_RESOURCE_TYPES, *REST_RESOURCE_TYPES)
