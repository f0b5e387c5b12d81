"""Steps templates: groups one after another, the steps of a group at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import Invalid
from .expressions import should_execute
from .nodes import Node, failed, fulfilled
from .references import outputs_of_template, replace_references
from .run import Call, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Execute = Callable[[Run, Call], Node | None]
    Step = Mapping[str, Any]


def execute(run: Run, call: Call, template: Mapping[str, Any], node: Node | None, execute_template: Execute) -> Node:
    nodes = run.nodes
    if node is None:
        node = nodes.create(
            call.name, "Steps", "Running", display=call.display, template=call.template, boundary=call.boundary,
            flag=call.flag, inputs=template.get("inputs") or None,
        )  # fmt: skip
    before: list[str] = []
    scope: dict[str, Node] = {}
    for index, steps in enumerate(template["steps"]):
        group = _Group(run, call, node, index, before, scope, execute_template)
        group.go_on(steps)
        if not fulfilled(group.node):
            return node
        before = [end for child in nodes.children(group.node) for end in nodes.outbound(child)]
        node["outboundNodes"] = before
        if failed(group.node):
            return nodes.mark(node, "Failed", group.node.get("message"))
        scope |= {f"steps.{child['displayName']}": child for child in nodes.children(group.node)}
    outputs_of_template(template, node, scope)
    return nodes.mark(node, "Succeeded")


class _Group:
    """One group. `before` are the ends of the group before it, `scope` the steps that have ended."""

    def __init__(  # noqa: PLR0917 - made in one place
        self,
        run: Run,
        call: Call,
        parent: Node,
        index: int,
        before: list[str],
        scope: Mapping[str, Node],
        execute_template: Execute,
    ) -> None:
        self.run, self.call, self.parent, self.scope = run, call, parent, scope
        self.execute_template = execute_template
        self.node = run.nodes.get(f"{call.name}[{index}]") or self._create(index, before)

    def go_on(self, steps: list[Step]) -> None:
        if fulfilled(self.node):
            return
        for step in steps:
            if not fulfilled(self.child(step)):
                self._begin(step)
        for step in steps:
            child = self.child(step)
            if child is None or not fulfilled(child):
                return
        self._end(steps)

    def child(self, step: Step) -> Node | None:
        return self.run.nodes.get(self._name(step))

    def _name(self, step: Step) -> str:
        return f"{self.node['name']}.{step['name']}"

    def _create(self, index: int, before: list[str]) -> Node:
        """The first group is a child of the steps, the others of the ends of the one before."""
        nodes = self.run.nodes
        name = f"{self.call.name}[{index}]"
        node = nodes.create(name, "StepGroup", "Running", display=f"[{index}]", boundary=self.parent["id"], flag={})
        for parent in [nodes.table[end] for end in before] or [self.parent]:
            nodes.add_child(parent, node["id"])
        return node

    def _begin(self, step: Step) -> None:
        try:
            step = replace_references(step, lambda: self.scope)
            if self.child(step) is None and not should_execute(step.get("when", "")):
                self._never_ran(step, "Skipped", f"when '{step['when']}' evaluated false")
                return
        except Invalid as error:
            self._never_ran(step, "Error", error.message)
            return
        call = Call(
            name=self._name(step), display=step["name"], template=step["template"],
            arguments=step.get("arguments") or {}, values={"steps.name": step["name"]}, boundary=self.parent["id"],
            on_exit=self.call.on_exit,
        )  # fmt: skip
        if self.execute_template(self.run, call) is not None:
            self.run.nodes.add_child(self.node, self.run.nodes.id(call.name))

    def _never_ran(self, step: Step, phase: str, message: str) -> None:
        child = self.run.nodes.create(
            self._name(step), "Skipped", phase, display=step["name"], template=step["template"],
            boundary=self.parent["id"], flag={}, message=message,
        )  # fmt: skip
        self.run.nodes.add_child(self.node, child["id"])

    def _end(self, steps: list[Step]) -> None:
        for step in steps:
            child = self.child(step)
            if child is not None and failed(child) and not _tolerated(step, child):
                self.run.nodes.mark(self.node, "Failed", f"child '{child['id']}' failed")
                return
        self.run.nodes.mark(self.node, "Succeeded")


def _tolerated(step: Step, child: Node) -> bool:
    tolerated = step.get("continueOn") or {}
    return bool(tolerated.get("failed" if child["phase"] == "Failed" else "error"))
