"""A template, for one stack in one region, to typed resources: pure, in graph order.

Building a resource is pure (`world.resource_type`), so a whole stack is resolved at once, before anything exists:
Ref and Fn::GetAtt of one resource feed the next. What a resource was before decides whether it keeps its token, hence
its generated names and ids: it does, unless a property changed whose change means a replacement.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from globule.cloudformation import identity, parameters
from globule.cloudformation.catalogue import Catalogue
from globule.cloudformation.graph import Circle, in_order, references
from globule.cloudformation.intrinsics.evaluation import Evaluation
from globule.cloudformation.intrinsics.scope import NO_VALUE, Facts, IntrinsicProblem, Known
from globule.cloudformation.problems import Location, Problem, TemplateProblems
from globule.cloudformation.schemas import near
from globule.cloudformation.standing import deployed, retained_of
from globule.cloudformation.state import RETAINED_LIMIT, ResourceState, StackState
from globule.cloudformation.template import ResourceDeclaration, Template, deletion_policy
from globule.cloudformation.validation import conform
from globule.world.resource_type import Built, Declaration, PropertyProblem, ResourceType
from globule.world.snapshot import Deployed

PARTITION = "aws"
URL_SUFFIX = "amazonaws.com"

DrawToken = Callable[[], str]
"""26 random characters of `A-Z2-7`."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """Which stack is resolved, and from what."""

    stack: str
    region: str
    account: str
    folder: Path
    parameters: Mapping[str, str] = {}
    exports: Mapping[str, str] = {}
    """Of the region's other stacks."""
    previous: StackState | None = None
    unfinished: StackState | None = None
    """What an interrupted change was to lead to. What it made may exist already, so it keeps its identity."""


class NotRunning(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a template asks for, and that is accepted and recorded but does nothing here."""

    stack: str
    region: str
    logical_id: str
    type: str
    properties: tuple[str, ...] = ()
    """Which properties; empty where it is the whole resource."""


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """A stack as its template wants it."""

    state: StackState
    resources: tuple[Deployed, ...]
    not_running: tuple[NotRunning, ...]


def resolve(template: Template, instance: Instance, catalogue: Catalogue, draw: DrawToken) -> Resolution:
    """Raises TemplateProblems with everything that is wrong."""
    values = parameters.bind(template.parameters, instance.parameters, template.source)
    before = instance.previous or instance.unfinished
    token = before.token if before else draw()
    known: dict[str, Known] = {}
    facts = Facts(
        region=instance.region,
        pseudo_parameters=pseudo_parameters(instance, token),
        parameters=values,
        mappings=template.mappings,
        exports=instance.exports,
    )
    evaluation = Evaluation(facts, conditions=template.conditions, resources=known)
    resolver = _Resolver(template, instance, catalogue, draw, evaluation, known)
    resolver.check_conditions()
    resolver.check_rules()
    resources = resolver.resources()
    outputs, exports = resolver.outputs()
    resolver.raise_problems()
    state = StackState(
        name=instance.stack,
        region=instance.region,
        account=instance.account,
        token=token,
        folder=str(instance.folder),
        template_hash=hashlib.sha256(msgspec.json.encode(template.source.document.value)).hexdigest(),
        parameters=parameters.shown(template.parameters, values),
        resources=tuple(resource for resource, _ in resources),
        outputs=outputs,
        exports=exports,
        imports=tuple(sorted(evaluation.imported)),
    )
    retained = identity.retained(instance.previous, state)
    if len(retained) > RETAINED_LIMIT:
        why = f"more than {RETAINED_LIMIT} resources of this stack would have been retained"
        raise TemplateProblems([template.source.problem(("Resources",), why)])
    state = msgspec.structs.replace(state, retained=retained)
    models = {resource.logical_id: built.resource for resource, built in resources}
    return Resolution(
        state=state,
        resources=tuple(deployed(state, resource, models[resource.logical_id]) for resource in state.resources)
        + retained_of(state, catalogue),
        not_running=tuple(resolver.not_running),
    )


def pseudo_parameters(instance: Instance, token: str) -> dict[str, Any]:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html"""
    identity = uuid.UUID(bytes=hashlib.sha256(token.encode()).digest()[:16], version=4)
    return {
        "AWS::AccountId": instance.account,
        "AWS::NotificationARNs": [],
        "AWS::Partition": PARTITION,
        "AWS::Region": instance.region,
        "AWS::StackId": f"arn:{PARTITION}:cloudformation:{instance.region}:{instance.account}:stack/{instance.stack}"
        f"/{identity}",
        "AWS::StackName": instance.stack,
        "AWS::URLSuffix": URL_SUFFIX,
    }


class _Resolver:
    """One pass over one template; gathers problems."""

    def __init__(
        self,
        template: Template,
        instance: Instance,
        catalogue: Catalogue,
        draw: DrawToken,
        evaluation: Evaluation,
        known: dict[str, Known],
    ) -> None:
        self._template = template
        self._instance = instance
        self._catalogue = catalogue
        self._schemas = catalogue.schemas
        self._previous = instance.previous
        self._unfinished = instance.unfinished
        self._draw = draw
        self._evaluation = evaluation
        self._known = known
        self._problems: list[Problem] = []
        self._failed: set[str] = set()
        self._needed: dict[str, set[str]] = {}
        self.not_running: list[NotRunning] = []

    def raise_problems(self) -> None:
        if self._problems:
            raise TemplateProblems(self._problems)

    def _refuse(self, path: Location, why: str) -> None:
        self._problems.append(self._template.source.problem(path, why))

    def check_conditions(self) -> None:
        """Those that nothing asks for too."""
        for name in self._template.conditions:
            try:
                self._evaluation.named_condition(name, ("Conditions", name))
            except IntrinsicProblem as problem:
                self._refuse(problem.path, problem.why)
        self.raise_problems()

    def check_rules(self) -> None:
        """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html"""
        for name, rule in self._template.rules.items():
            path: Location = ("Rules", name)
            try:
                if "RuleCondition" in rule and not self._evaluation.condition(
                    rule["RuleCondition"], (*path, "RuleCondition")
                ):
                    continue
                for index, assertion in enumerate(rule["Assertions"]):
                    inner: Location = (*path, "Assertions", index)
                    if not self._evaluation.condition(assertion["Assert"], (*inner, "Assert")):
                        self._refuse(inner, assertion.get("AssertDescription", "the assertion does not hold"))
            except IntrinsicProblem as problem:
                self._refuse(problem.path, problem.why)
            except (KeyError, TypeError, AttributeError):
                self._refuse(path, "a rule is {RuleCondition: condition, Assertions: [{Assert: condition}, ...]}")

    def resources(self) -> list[tuple[ResourceState, Built]]:
        found: list[tuple[ResourceState, Built]] = []
        for logical_id in self._order():
            declaration = self._template.resources[logical_id]
            resolved = self._resource(declaration)
            if resolved is None:
                self._failed.add(logical_id)
                continue
            resource, _ = resolved
            self._known[logical_id] = Known(type=resource.type, ref=resource.ref, attributes=resource.attributes)
            found.append(resolved)
        return found

    def _order(self) -> list[str]:
        """Resources whose condition holds, in graph order."""
        active = [name for name in self._template.resources if self._exists(name)]
        self._needed = {name: self._needs(name) & set(active) for name in active}
        self.raise_problems()
        try:
            return in_order(self._needed)
        except Circle as circle:
            path = ("Resources", circle.members[0])
            self._refuse(path, f"circular dependency between resources: {circle}")
            self.raise_problems()
            raise

    def _exists(self, logical_id: str) -> bool:
        condition = self._template.resources[logical_id].condition
        try:
            path: Location = ("Resources", logical_id, "Condition")
            return condition is None or self._evaluation.named_condition(condition, path)
        except IntrinsicProblem as problem:
            self._refuse(problem.path, problem.why)
            return False

    def _needs(self, logical_id: str) -> set[str]:
        declaration = self._template.resources[logical_id]
        path: Location = ("Resources", logical_id)
        for name in declaration.depends_on:
            if name not in self._template.resources:
                self._refuse((*path, "DependsOn"), f"there is no resource {name}")
        try:
            found = set(references(declaration.properties, self._evaluation, (*path, "Properties")))
        except IntrinsicProblem as problem:
            self._refuse(problem.path, problem.why)
            return set()
        if logical_id in found:
            self._refuse(path, f"circular dependency between resources: {logical_id} -> {logical_id}")
        return (found | set(declaration.depends_on)) - {logical_id}

    def _resource(self, declared: ResourceDeclaration) -> tuple[ResourceState, Built] | None:
        """None where something is wrong with it, or with what it needs; that has been reported."""
        path: Location = ("Resources", declared.logical_id)
        kind = self._catalogue.find(declared.type)
        if kind is None:
            self._refuse((*path, "Type"), self._catalogue.why_not(declared.type))
            return None
        if self._needed[declared.logical_id] & self._failed:
            return None
        before = len(self._problems)
        properties = self._properties(declared, kind)
        policies = [
            self._policy(value, (*path, name))
            for name, value in (
                ("DeletionPolicy", declared.deletion_policy),
                ("UpdateReplacePolicy", declared.update_replace_policy),
            )
        ]
        if len(self._problems) > before or properties is None:
            return None
        try:
            token = (
                identity.token(self._previous, declared, properties, kind, self._schemas)
                or identity.unfinished_token(self._unfinished, declared, properties, kind, self._schemas)
                or self._draw()
            )
        except PropertyProblem as problem:
            self._refuse((*path, *problem.path), problem.why)
            return None
        built = self._built(declared, kind, properties, token)
        if built is None:
            return None
        resource = ResourceState(
            logical_id=declared.logical_id,
            type=declared.type,
            token=token,
            physical_id=built.physical_id,
            ref=built.ref or built.physical_id,
            attributes=dict(built.attributes),
            properties=properties,
            deletion_policy=policies[0],
            update_replace_policy=policies[1],
        )
        self._note_not_running(declared, kind, properties)
        taken = identity.name_taken(self._previous, resource, self._schemas)
        if taken is not None:
            self._refuse((*path, "Properties", *taken.path), taken.why)
            return None
        return resource, built

    def _properties(self, declared: ResourceDeclaration, kind: ResourceType) -> dict[str, Any] | None:
        """Evaluated and checked; None where they are not even a mapping. Problems have been reported."""
        path: Location = ("Resources", declared.logical_id, "Properties")
        try:
            value = self._evaluation.value(declared.properties, path)
        except IntrinsicProblem as problem:
            self._refuse(problem.path, problem.why)
            return None
        if value is NO_VALUE:
            value = {}
        if not isinstance(value, dict):
            self._refuse(path, "must be a mapping")
            return None
        properties: dict[str, Any] = value
        code = {name: properties[name] for name in ("Code", "Content") if _is_local(properties.get(name))}
        schema = self._schemas.find(declared.type)
        problems: list[PropertyProblem] = []
        if schema is not None:
            # Where local code stands, AWS's schema has a bucket and a key.
            stand_ins = {name: {"S3Bucket": "local", "S3Key": "local"} for name in code}
            properties, problems = conform(schema, {**properties, **stand_ins})
            properties.update(code)
        for property_problem in problems:
            self._refuse((*path, *property_problem.path), property_problem.why)
        unknown = {problem.path[0] for problem in problems if problem.path}
        for name in sorted(set(properties) - kind.properties - kind.recorded - unknown):
            close = near(name, kind.properties)
            listed = " or ".join(close) if close else ", ".join(sorted(kind.properties))
            self._refuse((*path, name), f"{declared.type} is supported here without {name}; supported: {listed}")
        return properties

    def _policy(self, value: Any, path: Location) -> Any:
        try:
            policy = deletion_policy(self._evaluation.value(value, path))
        except IntrinsicProblem as problem:
            self._refuse(problem.path, problem.why)
            return None
        if policy is None:
            self._refuse(path, "must be Delete, Retain, RetainExceptOnCreate or Snapshot")
        if policy == "Snapshot":
            self._refuse(path, "snapshots are not supported here")
        return policy

    def _built(
        self, declared: ResourceDeclaration, kind: ResourceType, properties: Mapping[str, Any], token: str
    ) -> Built | None:
        declaration = Declaration(
            stack=self._instance.stack,
            region=self._instance.region,
            account=self._instance.account,
            logical_id=declared.logical_id,
            properties=properties,
            folder=self._instance.folder,
            token=token,
        )
        try:
            return kind.build(declaration)
        except PropertyProblem as problem:
            self._refuse(("Resources", declared.logical_id, "Properties", *problem.path), problem.why)
            return None

    def _note_not_running(
        self, declared: ResourceDeclaration, kind: ResourceType, properties: Mapping[str, Any]
    ) -> None:
        whole = kind.model is None
        names = () if whole else (*sorted(kind.recorded & set(properties)), *declared.not_running)
        if whole or names:
            self.not_running.append(
                NotRunning(
                    stack=self._instance.stack,
                    region=self._instance.region,
                    logical_id=declared.logical_id,
                    type=declared.type,
                    properties=names,
                )
            )

    def outputs(self) -> tuple[dict[str, str], dict[str, str]]:
        """Outputs, and exports by name."""
        outputs: dict[str, str] = {}
        exports: dict[str, str] = {}
        for name, declared in self._template.outputs.items():
            path: Location = ("Outputs", name)
            try:
                if declared.condition and not self._evaluation.named_condition(
                    declared.condition, (*path, "Condition")
                ):
                    continue
                if self._failed & set(references(declared.value, self._evaluation, path)):
                    continue
                value = self._evaluation.value(declared.value, (*path, "Value"))
                if value is NO_VALUE:
                    continue
                outputs[name] = self._evaluation.text(value, (*path, "Value"))
                if declared.export is not None:
                    exports[self._export(declared.export, exports, path)] = outputs[name]
            except IntrinsicProblem as problem:
                self._refuse(problem.path, problem.why)
        return outputs, exports

    def _export(self, declared: Any, exports: Mapping[str, str], path: Location) -> str:
        inner: Location = (*path, "Export", "Name")
        name = self._evaluation.text(declared, inner)
        if name in exports or name in self._instance.exports:
            raise IntrinsicProblem(inner, f"Export with name {name} is already exported in {self._instance.region}")
        return name


def _is_local(value: Any) -> bool:
    """Put there by `local_code`."""
    return isinstance(value, dict) and set(value) == {"LocalPath", "ContentHash"}
