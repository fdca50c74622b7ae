"""Buckets and their settings."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from globule.s3.model import CorsRule
from globule.s3.rules.bucket_names import why_not_a_bucket_name
from globule.s3.rules.errors import s3_error
from globule.s3.rules.given import BUCKET_TAGS_LIMIT, tags_of_document
from globule.s3.rules.records import BucketRecord
from globule.s3.rules.xml import Element, Node, parsed
from globule.s3.serving.answers import empty_answer, iso, owner, xml_answer
from globule.s3.serving.core import DOCUMENT_LIMIT_BYTES, Call, Core, Handler
from globule.s3.serving.incoming import Incoming
from globule.wire.http import Response

# An account's default: https://docs.aws.amazon.com/general/latest/gr/s3.html#limits_s3
BUCKETS_LIMIT = 10_000
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html
CORS_RULES_LIMIT = 100
CORS_METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
# The region that a bucket without a location is in.
FIRST_REGION = "us-east-1"


class Buckets:
    def __init__(self, core: Core) -> None:
        self._core = core
        self.operations: Mapping[str, Handler] = {
            "ListBuckets": self.all,
            "CreateBucket": self.create,
            "HeadBucket": self.head,
            "DeleteBucket": self.delete,
            "GetBucketLocation": self.location,
            "GetBucketVersioning": self.versioning,
            "PutBucketVersioning": self.put_versioning,
            "GetBucketCors": self.cors,
            "PutBucketCors": self.put_cors,
            "DeleteBucketCors": self.delete_cors,
            "GetBucketTagging": self.tagging,
            "PutBucketTagging": self.put_tagging,
            "DeleteBucketTagging": self.delete_tagging,
            "GetBucketEncryption": self.encryption,
        }

    async def all(self, call: Call) -> Response:
        prefix = call.query.get("prefix", "")
        buckets: list[Element] = [
            (
                "Bucket",
                (
                    ("Name", record.name),
                    ("CreationDate", iso(record.created_us)),
                    ("BucketRegion", self._core.region),
                ),
            )
            for record in self._core.index.buckets()
            if record.name.startswith(prefix)
        ]
        return xml_answer(
            "ListAllMyBucketsResult",
            ("Owner", owner(self._core.account)),
            ("Buckets", buckets),
            ("Prefix", prefix or None),
        )

    async def create(self, call: Call) -> Response:
        name = call.bucket
        if why_not_a_bucket_name(name) is not None:
            raise s3_error("InvalidBucketName", BucketName=name)
        if (call.request.headers.get("x-amz-bucket-object-lock-enabled") or "").lower() == "true":
            raise s3_error("NotImplemented", "Object Lock is not implemented here.")
        tags = self._check_configuration(await _document(call))
        if name in self._core.elsewhere:
            raise s3_error("BucketAlreadyOwnedByYou", BucketName=name)
        if len(self._core.index.buckets()) >= BUCKETS_LIMIT:
            raise s3_error("TooManyBuckets")
        record = BucketRecord(name=name, created_us=self._core.now_us(), tags=tags)
        created = await self._core.index.create_bucket(record)
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html: the first region forgives repetition.
        if not created and self._core.region != FIRST_REGION:
            raise s3_error("BucketAlreadyOwnedByYou", BucketName=name)
        return empty_answer(fields=[("location", f"/{name}")])

    async def head(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        return empty_answer(fields=[("x-amz-bucket-region", self._core.region), ("content-type", "application/xml")])

    async def delete(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        self._core.blobs.discard(await self._core.index.delete_bucket(call.bucket))
        return empty_answer(204)

    async def location(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        # Its only element is its root, whose text is empty for the first region.
        region = self._core.region
        answer = xml_answer("LocationConstraint")
        assert isinstance(answer.body, bytes)
        text = b"" if region == FIRST_REGION else region.encode()
        answer.body = answer.body.replace(b"></LocationConstraint>", b">" + text + b"</LocationConstraint>")
        return answer

    async def versioning(self, call: Call) -> Response:
        return xml_answer("VersioningConfiguration", ("Status", self._core.bucket(call.bucket).versioning or None))

    async def put_versioning(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        configuration = parsed(await _document(call), "VersioningConfiguration")
        status = configuration.value("Status")
        if status not in ("Enabled", "Suspended"):
            raise s3_error("IllegalVersioningConfigurationException")
        if configuration.value("MfaDelete") == "Enabled":
            raise s3_error("NotImplemented", "MFA delete is not implemented here.")
        await self._change(call, versioning=status)
        return empty_answer()

    async def cors(self, call: Call) -> Response:
        rules = self._core.bucket(call.bucket).cors
        if not rules:
            raise s3_error("NoSuchCORSConfiguration", BucketName=call.bucket)
        return xml_answer("CORSConfiguration", *(("CORSRule", _cors_elements(rule)) for rule in rules))

    async def put_cors(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        rules = [_cors_rule(node) for node in parsed(await _document(call), "CORSConfiguration").all("CORSRule")]
        if not 1 <= len(rules) <= CORS_RULES_LIMIT:
            raise s3_error("MalformedXML")
        await self._change(call, cors=tuple(rules))
        return empty_answer()

    async def delete_cors(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        await self._change(call, cors=())
        return empty_answer(204)

    async def tagging(self, call: Call) -> Response:
        tags = self._core.bucket(call.bucket).tags
        if not tags:
            raise s3_error("NoSuchTagSet", BucketName=call.bucket)
        return xml_answer("Tagging", ("TagSet", tag_elements(tags)))

    async def put_tagging(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        tags = tags_of_document(parsed(await _document(call), "Tagging"), BUCKET_TAGS_LIMIT)
        await self._change(call, tags=tags)
        return empty_answer(204)

    async def delete_tagging(self, call: Call) -> Response:
        self._core.bucket(call.bucket)
        await self._change(call, tags={})
        return empty_answer(204)

    async def encryption(self, call: Call) -> Response:
        """What every bucket has since January 2023; here it is said, not done."""
        self._core.bucket(call.bucket)
        rule: Element = (
            "Rule",
            (
                ("ApplyServerSideEncryptionByDefault", (("SSEAlgorithm", "AES256"),)),
                ("BucketKeyEnabled", False),
            ),
        )
        return xml_answer("ServerSideEncryptionConfiguration", rule)

    async def _change(self, call: Call, **settings: object) -> None:
        await self._core.index.change_bucket(call.bucket, lambda record: msgspec.structs.replace(record, **settings))

    def _check_configuration(self, body: bytes) -> dict[str, str]:
        """The tags of a CreateBucketConfiguration. Raises AwsError where its location is not here."""
        region = self._core.region
        configuration = parsed(body, "CreateBucketConfiguration") if body else Node("CreateBucketConfiguration")
        wanted = configuration.value("LocationConstraint")
        if wanted == "EU":
            wanted = "eu-west-1"
        if (wanted or FIRST_REGION) != region:
            raise s3_error(
                "IllegalLocationConstraintException",
                f"The {wanted or 'unspecified'} location constraint is incompatible for the region specific endpoint "
                "this request was sent to.",
            )
        tags = configuration.find("Tags")
        return (
            tags_of_document(Node("Tagging", children=[Node("TagSet", children=tags.children)]), BUCKET_TAGS_LIMIT)
            if tags
            else {}
        )


def tag_elements(tags: Mapping[str, str]) -> list[Element]:
    return [("Tag", (("Key", key), ("Value", value))) for key, value in tags.items()]


async def _document(call: Call) -> bytes:
    if call.request.body.length in (0, None) and "transfer-encoding" not in call.request.headers:
        return b""
    return await Incoming(call.request).read(DOCUMENT_LIMIT_BYTES)


def _cors_rule(node: Node) -> CorsRule:
    age = node.value("MaxAgeSeconds")
    methods = tuple(child.text for child in node.all("AllowedMethod"))
    origins = tuple(child.text for child in node.all("AllowedOrigin"))
    if not methods or not origins or (age is not None and not age.isdecimal()):
        raise s3_error("MalformedXML")
    for method in methods:
        if method not in CORS_METHODS:
            raise s3_error(
                "InvalidRequest", f"Found unsupported HTTP method in CORS config. Unsupported method is {method}"
            )
    for origin in origins:
        if origin.count("*") > 1:
            raise s3_error("InvalidRequest", f'AllowedOrigin "{origin}" can not have more than one wildcard.')
    return CorsRule(
        origins=origins,
        methods=methods,
        headers=tuple(child.text for child in node.all("AllowedHeader")),
        exposed=tuple(child.text for child in node.all("ExposeHeader")),
        max_age_seconds=None if age is None else int(age),
    )


def _cors_elements(rule: CorsRule) -> list[Element]:
    return [
        *(("AllowedHeader", header) for header in rule.headers),
        *(("AllowedMethod", method) for method in rule.methods),
        *(("AllowedOrigin", origin) for origin in rule.origins),
        *(("ExposeHeader", header) for header in rule.exposed),
        ("MaxAgeSeconds", rule.max_age_seconds),
    ]
