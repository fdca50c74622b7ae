"""GET /hello/NAME: says hello, and how often it has."""

import json
import os

import boto3

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handler(event, context):
    name = event["pathParameters"]["name"]
    counted = TABLE.update_item(
        Key={"id": name},
        UpdateExpression="ADD visits :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(
            {"hello": name, "visits": int(counted["Attributes"]["visits"]), "region": os.environ["AWS_REGION"]}
        ),
    }
