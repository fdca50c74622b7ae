"""A template for one stack in one region, to typed resources; and what a change of it replaces, retains, refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.plan import plan
from globule.cloudformation.resolve import Resolution
from globule.cloudformation.schemas import Schemas
from globule.cloudformation.standing import resources_of
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType

Resolve = Callable[..., Resolution]
Refuse = Callable[..., list[str]]

SHOP = """
Parameters:
  Stage: {Type: String, Default: test, AllowedValues: [test, prod]}
  Key: {Type: String, NoEcho: true, Default: secret}
Mappings:
  Sizes: {eu-west-1: {memory: 256}}
Conditions:
  Production: !Equals [!Ref Stage, prod]
Resources:
  Function:
    Type: AWS::Lambda::Function
    DependsOn: Log
    Properties:
      Code: {ZipFile: x}
      Handler: index.handler
      Runtime: python3.12
      Role: !GetAtt Role.Arn
      MemorySize: !FindInMap [Sizes, !Ref AWS::Region, memory]
      Environment: {Variables: {TABLE: !Ref Table, BACKUP: !If [Production, !Ref Backup, none]}}
      Description: !If [Production, live, !Ref AWS::NoValue]
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {KeySchema: [{AttributeName: id, KeyType: HASH}]}
  Backup:
    Type: AWS::S3::Bucket
    Condition: Production
  Log:
    Type: AWS::Logs::LogGroup
Outputs:
  Table: {Value: !Ref Table, Export: {Name: !Sub "${AWS::StackName}-table"}}
  Backup: {Value: !Ref Backup, Condition: Production}
  Id: {Value: !Ref AWS::StackId}
"""


def test_references_feed_one_another_in_graph_order(resolved: Resolve) -> None:
    state = resolved(SHOP).state
    order = [resource.logical_id for resource in state.resources]
    assert set(order) == {"Function", "Role", "Table", "Log"}
    assert all(order.index(needed) < order.index("Function") for needed in ("Role", "Table", "Log"))
    function = state.resource("Function")
    assert function is not None
    table = next(resource for resource in state.resources if resource.logical_id == "Table")
    assert function.properties["Environment"] == {"Variables": {"TABLE": table.physical_id, "BACKUP": "none"}}
    assert function.properties["Role"].startswith("arn:aws:iam::000000000000:role/shop-Role-")
    assert function.properties["MemorySize"] == 256
    assert "Description" not in function.properties
    assert state.outputs["Table"] == table.physical_id
    assert state.exports == {"shop-table": table.physical_id}
    assert re.fullmatch(r"arn:aws:cloudformation:eu-west-1:000000000000:stack/shop/[0-9a-f-]{36}", state.outputs["Id"])
    assert state.parameters == {"Stage": "test", "Key": "****"}


def test_a_condition_that_holds_brings_its_resources_and_outputs(resolved: Resolve) -> None:
    state = resolved(SHOP, Stage="prod").state
    backup, function = state.resource("Backup"), state.resource("Function")
    assert backup is not None and function is not None
    assert function.properties["Environment"]["Variables"]["BACKUP"] == backup.physical_id == state.outputs["Backup"]
    assert function.properties["Description"] == "live"


def test_the_world_gets_models_and_the_summary_what_does_not_run(resolved: Resolve) -> None:
    resolution = resolved(SHOP)
    models = {deployed.logical_id: deployed.resource for deployed in resolution.resources}
    assert models["Role"] is None
    assert models["Table"].properties == {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    assert {entry.logical_id for entry in resolution.not_running} == {"Role", "Log"}


def test_a_remembered_stack_builds_the_same_resources_again(resolved: Resolve, catalogue: Catalogue) -> None:
    resolution = resolved(SHOP)
    assert resources_of(resolution.state, catalogue) == resolution.resources


def test_planning_after_applying_gives_an_empty_plan(resolved: Resolve) -> None:
    state = resolved(SHOP).state
    again = resolved(SHOP, previous=state).state
    assert plan(state, again).empty
    assert again == state


@pytest.mark.parametrize(
    ("replaced", "by", "said"),
    [
        (
            "Type: AWS::S3::Bucket",
            "Type: AWS::S3::Bukcet",
            "shop.yaml:28: Resources.Backup.Type: CloudFormation",
        ),
        ("Handler: index", "Handlr: index", "shop.yaml:15: Resources.Function.Properties.Handlr: there is no property"),
        (
            "!Ref Table, B",
            "!Ref Tabel, B",
            "shop.yaml:19: Resources.Function.Properties.Environment.Variables.TABLE",
        ),
        ("DependsOn: Log", "DependsOn: Lgo", "shop.yaml:12: Resources.Function.DependsOn: there is no resource Lgo"),
        (
            "Condition: Production\n  Log",
            "Condition: Prod\n  Log",
            "shop.yaml:29: Resources.Backup.Condition: there",
        ),
        ("Role.Arn", "Role.Ran", "AWS::IAM::Role has no attribute Ran here; it has: Arn, RoleId"),
        ("!Ref Backup, none", "!Ref Nowhere, none", "there is no parameter or resource Nowhere here"),
        (
            "AssumeRolePolicyDocument: {}",
            "Path: /",
            "shop.yaml:23: Resources.Role.Properties: required prop",
        ),
        ("Export: {Name: ", "Export: {Name: !Ref Nope, N: ", "shop.yaml:33: Outputs.Table.Export: an export is {Name:"),
        (
            "Description: !If",
            "Tags: refuse\n      Description: !If",
            "shop.yaml:20: Resources.Function.Properties.Tags",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_path(refused: Refuse, replaced: str, by: str, said: str) -> None:
    assert replaced in SHOP
    problems = refused(SHOP.replace(replaced, by, 1), Stage="prod")
    assert any(said in problem for problem in problems), problems


def test_problems_of_independent_resources_are_told_together_and_not_those_that_follow(refused: Refuse) -> None:
    problems = refused(
        SHOP.replace("KeySchema", "KeySchem").replace("Type: AWS::Logs::LogGroup", "Type: AWS::Logs::Nope")
    )
    assert [problem.split(": ")[1] for problem in problems] == [
        "Resources.Table.Properties.KeySchem",
        "Resources.Table.Properties",
        "Resources.Log.Type",
    ]


def test_a_circle_of_resources_is_named(refused: Refuse) -> None:
    circle = """
    Resources:
      A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref B}}
      B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "x-${C.Arn}"}}
      C: {Type: AWS::S3::Bucket, DependsOn: A}
    """
    (problem,) = refused(circle)
    found = re.search(r"shop.yaml:[345]: Resources.[ABC]: circular dependency between resources: (.*)", problem)
    assert found is not None
    names = found[1].split(" -> ")
    assert names[0] == names[-1] and set(names) == {"A", "B", "C"}
    assert "".join(names[:3]) in "ABCABC"


def test_a_resource_that_refers_to_itself_is_a_circle(refused: Refuse) -> None:
    (problem,) = refused("Resources:\n  A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}")
    assert problem == "shop.yaml:2: Resources.A: circular dependency between resources: A -> A"


def test_only_the_branch_of_an_if_that_is_taken_makes_a_dependency(resolved: Resolve) -> None:
    text = """
    Conditions: {Never: !Equals [a, b]}
    Resources:
      A: {Type: AWS::S3::Bucket, Properties: {BucketName: !If [Never, !Ref B, fixed]}}
      B: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub "after-${A}"}}
    """
    assert [resource.physical_id for resource in resolved(text).state.resources] == ["fixed", "after-fixed"]


def test_conditions_that_nothing_asks_for_are_checked_too(refused: Refuse) -> None:
    text = (
        "Conditions:\n  A: !Not [{Condition: B}]\n  B: !Equals [!Ref Nope, x]\nResources: {R: {Type: AWS::S3::Bucket}}"
    )
    (problem,) = refused(text)
    assert problem.startswith("shop.yaml:3: Conditions.B.Fn::Equals.0.Ref: unresolved reference")


RULES = """
Parameters: {Zone: {Type: String, Default: a}}
Rules:
  OnlyVirginia:
    Assertions:
      - Assert: !Contains [[us-east-1], !Ref AWS::Region]
        AssertDescription: The edge stack belongs in us-east-1.
  Unasked:
    RuleCondition: !Equals [!Ref Zone, b]
    Assertions: [{Assert: !Equals [a, b]}]
Resources: {A: {Type: AWS::S3::Bucket}}
"""


def test_rules_are_asserted_where_their_condition_holds(resolved: Resolve, refused: Refuse) -> None:
    assert resolved(RULES, region="us-east-1").state.resources
    assert refused(RULES) == ["shop.yaml:6: Rules.OnlyVirginia.Assertions.0: The edge stack belongs in us-east-1."]
    assert refused(RULES, region="us-east-1", Zone="b") == [
        "shop.yaml:10: Rules.Unasked.Assertions.0: the assertion does not hold"
    ]
    assert "a rule is {" in refused(RULES.replace("Assertions: [{A", "Assert: [{A"), region="us-east-1", Zone="b")[0]


def test_properties_that_are_recorded_are_listed_and_those_not_honoured_refused(
    refused: Refuse, resolved: Resolve, schemas: Schemas
) -> None:
    bucket = ResourceType(
        name="AWS::S3::Bucket",
        properties=frozenset({"BucketName"}),
        recorded=frozenset({"Tags"}),
        build=lambda declaration: Built(physical_id="b", resource=declaration.properties),
        model=dict,
    )
    catalogue = Catalogue([bucket], schemas)
    text = "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    UpdatePolicy: {}\n    Properties: {Tags: []}"
    (entry,) = resolved(text, types=catalogue).not_running
    assert entry.properties == ("Tags", "UpdatePolicy")
    (problem,) = refused(text.replace("Tags: []", "VersioningConfiguration: {Status: Enabled}"), types=catalogue)
    assert problem == (
        "shop.yaml:5: Resources.A.Properties.VersioningConfiguration: AWS::S3::Bucket is supported here without "
        "VersioningConfiguration; supported: BucketName"
    )


def test_what_a_type_refuses_is_told_with_the_line_of_its_property(refused: Refuse, schemas: Schemas) -> None:
    def build(_: Declaration) -> Built:
        raise PropertyProblem(("HostedZoneConfig", "Comment"), "no comment")

    zone = ResourceType(name="AWS::Route53::HostedZone", properties=frozenset({"HostedZoneConfig"}), build=build)
    text = """
    Resources:
      Z:
        Type: AWS::Route53::HostedZone
        Properties:
          HostedZoneConfig:
            Comment: x
    """
    (problem,) = refused(text, types=Catalogue([zone], schemas))
    assert problem == "shop.yaml:7: Resources.Z.Properties.HostedZoneConfig.Comment: no comment"


def table(name: str = "", **members: str) -> str:
    properties = {"KeySchema": "[{AttributeName: id, KeyType: HASH}]", "BillingMode": "PAY_PER_REQUEST", **members}
    if name:
        properties["TableName"] = name
    lines = "".join(f"\n      {key}: {value}" for key, value in properties.items())
    return f"Resources:\n  T:\n    Type: AWS::DynamoDB::Table\n    Properties:{lines}\n"


def test_a_changed_property_updates_and_keeps_the_name(resolved: Resolve) -> None:
    before = resolved(table()).state
    after = resolved(table(BillingMode="PROVISIONED"), previous=before).state
    (action,) = plan(before, after).actions
    assert (action.kind, action.properties) == ("update", ("BillingMode",))
    assert before.resources[0].physical_id == after.resources[0].physical_id


def test_a_create_only_property_replaces_and_gives_a_new_name(resolved: Resolve) -> None:
    before = resolved(table()).state
    after = resolved(table(KeySchema="[{AttributeName: other, KeyType: HASH}]"), previous=before).state
    assert [action.kind for action in plan(before, after).actions] == ["replace", "delete"]
    assert before.resources[0].physical_id != after.resources[0].physical_id


def test_what_refers_to_a_replaced_resource_is_updated(resolved: Resolve) -> None:
    user = "  F:\n    Type: AWS::S3::Bucket\n    Properties: {Tags: [{Key: table, Value: !Ref T}]}\n"
    before = resolved(table() + user).state
    after = resolved(table(KeySchema="[{AttributeName: other, KeyType: HASH}]") + user, previous=before).state
    assert [str(action) for action in plan(before, after).actions] == [
        "replace T [AWS::DynamoDB::Table] (KeySchema)",
        "update F [AWS::S3::Bucket] (Tags)",
        "delete T [AWS::DynamoDB::Table]",
    ]


def test_a_resource_that_the_template_names_cannot_be_replaced(resolved: Resolve, refused: Refuse) -> None:
    before = resolved(table("orders")).state
    (problem,) = refused(table("orders", KeySchema="[{AttributeName: other, KeyType: HASH}]"), previous=before)
    assert "shop.yaml:7: Resources.T.Properties.TableName: CloudFormation cannot update a stack when a cu" in problem
    assert "Rename orders and update the stack again." in problem


def test_a_resource_keeps_its_type(resolved: Resolve, refused: Refuse) -> None:
    before = resolved(table()).state
    (problem,) = refused("Resources:\n  T: {Type: AWS::S3::Bucket}", previous=before)
    assert problem.startswith("shop.yaml:2: Resources.T.Type: Update of resource type is not permitted.")


def test_a_new_logical_id_cannot_take_a_name_that_is_still_there(resolved: Resolve, refused: Refuse) -> None:
    before = resolved(table("orders")).state
    (problem,) = refused(table("orders").replace("  T:", "  U:"), previous=before)
    assert "TableName: orders already exists: T is there until this one exists" in problem


def test_what_is_to_be_retained_exists_on(resolved: Resolve, refused: Refuse, catalogue: Catalogue) -> None:
    text = table("orders").replace("    Properties", "    DeletionPolicy: Retain\n    Properties")
    other = "Resources:\n  Other: {Type: AWS::S3::Bucket}"
    before = resolved(text).state
    resolution = resolved(other, previous=before)
    assert [str(action) for action in plan(before, resolution.state).actions] == [
        "create Other [AWS::S3::Bucket]",
        "retain T [AWS::DynamoDB::Table]",
    ]
    assert {deployed.physical_id for deployed in resolution.resources} >= {"orders"}
    assert resolved(other, previous=resolution.state).state == resolution.state
    (problem,) = refused(text, previous=resolution.state)
    assert "orders already exists: T was retained when it went" in problem


def test_a_replaced_resource_is_retained_where_its_policy_says_so(resolved: Resolve) -> None:
    text = table().replace("    Properties", "    UpdateReplacePolicy: Retain\n    Properties")
    before = resolved(text).state
    after = resolved(text.replace("AttributeName: id", "AttributeName: other"), previous=before).state
    assert [action.kind for action in plan(before, after).actions] == ["replace", "retain"]
    assert [kept.physical_id for kept in after.retained] == [before.resources[0].physical_id]


@pytest.mark.parametrize(
    ("policy", "said"), [("Keep", "must be Delete, Retain,"), ("Snapshot", "snapshots are not supported here")]
)
def test_other_policies_are_refused(refused: Refuse, policy: str, said: str) -> None:
    (problem,) = refused(f"Resources:\n  A:\n    Type: AWS::S3::Bucket\n    DeletionPolicy: {policy}")
    assert problem.startswith(f"shop.yaml:4: Resources.A.DeletionPolicy: {said}")


def test_exports_are_unique_and_imports_remembered(resolved: Resolve, refused: Refuse) -> None:
    (problem,) = refused(SHOP, exports={"shop-table": "x"})
    assert "shop.yaml:33: Outputs.Table.Export.Name: Export with name shop-table is already exported" in problem
    text = "Resources:\n  A: {Type: AWS::S3::Bucket, Properties: {BucketName: !ImportValue name}}"
    assert resolved(text, exports={"name": "site"}).state.imports == ("name",)


def test_properties_may_be_chosen_as_a_whole(resolved: Resolve, refused: Refuse) -> None:
    text = "Resources: {A: {Type: AWS::S3::Bucket, Properties: !Ref AWS::NoValue}}"
    assert resolved(text).state.resources[0].properties == {}
    (problem,) = refused(text.replace("AWS::NoValue", "AWS::Region"))
    assert problem == "shop.yaml:1: Resources.A.Properties: must be a mapping"


def test_local_code_passes_the_schema_and_reaches_the_type(resolved: Resolve) -> None:
    code: dict[str, Any] = {"LocalPath": "src", "ContentHash": "0" * 64}
    text = f"Resources:\n  F:\n    Type: AWS::Lambda::Function\n    Properties: {{Role: r, Code: {code}}}"
    (function,) = resolved(text).state.resources
    assert function.properties["Code"] == code
