"""DAG templates: tasks that begin when those they depend on have ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import depends
from .errors import Invalid
from .expressions import should_execute
from .nodes import COMPLETED, FAILED, Node, fulfilled
from .references import outputs_of_template, replace_references
from .run import Call, Run

Execute = Callable[[Run, Call], Node | None]
Task = Mapping[str, Any]


def execute(run: Run, call: Call, template: Mapping[str, Any], node: Node | None, execute_template: Execute) -> Node:
    if node is None:
        node = run.nodes.create(
            call.name, "DAG", "Running", display=call.display, template=call.template, boundary=call.boundary,
            flag=call.flag, inputs=template.get("inputs") or None,
        )  # fmt: skip
    walk = _Walk(run, call, template, node, execute_template)
    for target in walk.targets:
        walk.visit(target)
    phase = walk.phase()
    if phase == "Running":
        return node
    node["outboundNodes"] = [
        end for target in walk.targets if (task := walk.node(target)) for end in run.nodes.outbound(task)
    ]
    if phase == "Succeeded":
        outputs_of_template(template, node, walk.scope(list(walk.tasks)))
    return run.nodes.mark(node, phase)


class _Walk:
    """One pass over the tasks of one DAG, from its targets up to what can begin."""

    def __init__(
        self, run: Run, call: Call, template: Mapping[str, Any], node: Node, execute_template: Execute
    ) -> None:
        self.run, self.call, self.dag, self.execute_template = run, call, node, execute_template
        self.tasks: dict[str, Task] = {task["name"]: task for task in template["dag"]["tasks"]}
        needed = {name for task in self.tasks.values() for name in depends.tasks_of(task)}
        targets = str(template["dag"].get("target") or "").split()
        self.targets = targets or [name for name in self.tasks if name not in needed]
        self.visited: set[str] = set()

    def name(self, task: str) -> str:
        return f"{self.call.name}.{task}"

    def node(self, task: str) -> Node | None:
        return self.run.nodes.get(self.name(task))

    def visit(self, name: str) -> None:
        """Execute a task's dependencies, then, when they let it, the task."""
        if name in self.visited:
            return
        self.visited.add(name)
        if fulfilled(self.node(name)):
            return
        task = self.tasks[name]
        needed = depends.tasks_of(task)
        for dependency in needed:
            self.visit(dependency)
        if not all(fulfilled(self.node(dependency)) for dependency in needed):
            return
        try:
            self.begin(name, task, needed)
        except Invalid as error:
            self.end(name, task, "Error", error.message)

    def begin(self, name: str, task: Task, needed: list[str]) -> None:
        if self.node(name) is None and not depends.met(task, self.tasks, self.phase_of):
            self.end(name, task, "Omitted", "omitted: depends condition not met")
            return
        task = replace_references(task, lambda: self.scope(self.ancestors(needed)))
        if self.node(name) is None and not should_execute(task.get("when", "")):
            self.end(name, task, "Skipped", f"when '{task['when']}' evaluated false")
            return
        call = Call(
            name=self.name(name), display=name, template=task["template"], arguments=task.get("arguments") or {},
            values={"tasks.name": name}, boundary=self.dag["id"], on_exit=self.call.on_exit,
        )  # fmt: skip
        if self.execute_template(self.run, call) is not None:
            self.connect(name, needed)

    def end(self, name: str, task: Task, phase: str, message: str) -> None:
        """A task that never ran."""
        self.run.nodes.create(
            self.name(name), "Skipped", phase, display=name, template=task["template"], boundary=self.dag["id"],
            flag={}, message=message,
        )  # fmt: skip
        self.connect(name, depends.tasks_of(task))

    def connect(self, name: str, needed: list[str]) -> None:
        """The first tasks are children of the DAG, the others of the ends of what they depend on."""
        nodes = self.run.nodes
        child = nodes.id(self.name(name))
        if not needed:
            nodes.add_child(self.dag, child)
        for dependency in needed:
            parent = self.node(dependency)
            for end in nodes.outbound(parent) if parent else []:
                nodes.add_child(nodes.table[end], child)

    def ancestors(self, needed: list[str]) -> list[str]:
        found: dict[str, None] = {}
        waiting = list(needed)
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = None
                waiting += depends.tasks_of(self.tasks[name])
        return list(found)

    def scope(self, names: list[str]) -> dict[str, Node]:
        return {f"tasks.{name}": node for name in names if (node := self.node(name))}

    def phase_of(self, name: str) -> str:
        node = self.node(name)
        return node["phase"] if node else ""

    def phase(self) -> str:
        """The DAG's: Running while anything can still happen, else what its targets make of it.

        failFast changes nothing here: what can still start is started before the DAG gives up.
        """
        if any(not fulfilled(self.node(name)) for name in self.tasks if self.reached(name)):
            return "Running"
        ends = [self.end_phase(target) for target in self.targets]
        return next((phase for phase in ends if phase in FAILED), "Succeeded")

    def reached(self, name: str) -> bool:
        return name in self.visited

    def end_phase(self, name: str) -> str:
        """A task that did not run ends as the branch before it did."""
        phase = self.phase_of(name)
        if phase in COMPLETED:
            return phase
        before = [self.end_phase(dependency) for dependency in depends.tasks_of(self.tasks[name])]
        return next((phase for phase in before if phase in FAILED), "Succeeded")
