"""Names that must be unique beyond one stack: exports in a region, and resources that templates name themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from globule.cloudformation.problems import Location, Problem
from globule.cloudformation.schemas import Schemas
from globule.cloudformation.state import StackKey, StackState
from globule.cloudformation.template import Source

# Types whose names are one space for all regions of an account; other names are each region's own.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
NAMED_GLOBALLY = frozenset(
    {
        "AWS::CloudFront::Function",
        "AWS::IAM::Group",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role",
        "AWS::IAM::User",
        "AWS::S3::Bucket",
    }
)


def export_problems(
    before: StackState | None, after: StackState, others: Iterable[StackState], source: Source
) -> Iterator[Problem]:
    """CloudFormation does not let go of an export, nor change it, while another stack imports it."""
    for name, value in (before.exports if before else {}).items():
        now = after.exports.get(name)
        users = [other.name for other in others if other.region == after.region and name in other.imports]
        if now != value and users:
            done = "deleted" if now is None else "updated"
            why = f"Export {name} cannot be {done} as it is in use by {', '.join(users)}"
            yield source.problem(("Outputs",), why)


def name_problems(
    states: Iterable[StackState], sources: Mapping[StackKey, Source], schemas: Schemas
) -> Iterator[Problem]:
    """Resources of the same type and name."""
    owners: dict[tuple[str, str, str], str] = {}
    for state in states:
        for resource in state.resources:
            schema = schemas.find(resource.type)
            name = schema.name_property if schema else None
            if name is None or name not in resource.properties:
                continue
            space = "" if resource.type in NAMED_GLOBALLY else state.region
            here = f"{resource.logical_id} of {state.name} in {state.region}"
            owner = owners.setdefault((resource.type, resource.physical_id, space), here)
            if owner != here and state.key in sources:
                path: Location = ("Resources", resource.logical_id, "Properties", name)
                reach = "; such names are the account's, in all regions" if not space else ""
                why = f"{resource.properties[name]} already exists: it is {owner}{reach}"
                yield sources[state.key].problem(path, why)
