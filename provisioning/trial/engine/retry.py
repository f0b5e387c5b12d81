"""retryStrategy: a Retry node whose children are the attempts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import Invalid
from .expressions import evaluate_bool
from .nodes import Node, failed, fulfilled
from .run import Call, Run, to_seconds, to_timestamp
from .substitute import replace_in

Execute = Callable[[Run, Call], Node | None]

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smh])")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DEFAULT_POLICY = "OnFailure"


def seconds(text: str | int) -> float:
    """Argo's ParseStringToDuration: bare seconds or a Go duration such as 1m30s. Raises Invalid."""
    text = str(text)
    if text.isdigit():
        return float(text)
    parts = DURATION.findall(text)
    if not parts or "".join(amount + unit for amount, unit in parts) != text:
        raise Invalid(f"unable to parse {text} as a duration")
    return sum(float(amount) * UNITS[unit] for amount, unit in parts)


def humanize(duration: float) -> str:
    """As Argo writes a back-off: `5 seconds`, `1 minute 20 seconds`."""
    minutes, rest = divmod(int(duration), 60)
    parts = [(minutes, "minute"), (rest, "second")]
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n or unit == "second")


def execute(
    run: Run, call: Call, template: Mapping[str, Any], strategy: Mapping[str, Any], execute_template: Execute
) -> Node:
    """Go on with the last attempt, wait, begin another one, or give up."""
    node = run.nodes.get(call.name)
    if node is None:
        node = run.nodes.create(
            call.name, "Retry", "Running", display=call.display, template=call.template, boundary=call.boundary,
            flag=call.flag, inputs=template.get("inputs") or None,
        )  # fmt: skip
    while not fulfilled(node):
        attempts = run.nodes.attempts(node)
        index = len(attempts)
        if attempts and not fulfilled(attempts[-1]):
            index -= 1
        elif attempts and not _another(run, node, attempts, strategy):
            break
        if not fulfilled(execute_template(run, _attempt(run, call, node, index, attempts[:index]))):
            break
    return node


def _attempt(run: Run, call: Call, node: Node, index: int, before: list[Node]) -> Call:
    name = f"{call.name}({index})"
    run.nodes.add_child(node, run.nodes.id(name))
    values = {**call.values, "retries": str(index), **_last_retry(before)}
    return Call(
        name=name, display=f"{call.display}({index})", template=call.template, arguments=call.arguments,
        values=values, boundary=call.boundary, flag={"retried": True}, on_exit=call.on_exit, attempt=True,
    )  # fmt: skip


def _last_retry(attempts: list[Node]) -> dict[str, str]:
    if not attempts:
        return {}
    return {f"lastRetry.{key}": value for key, value in _scope(attempts[-1]).items()}


def _scope(last: Node) -> dict[str, str]:
    ended = to_seconds(last["finishedAt"]) - to_seconds(last["startedAt"])
    return {
        "exitCode": str(last.get("outputs", {}).get("exitCode", "-1")),
        "status": last["phase"],
        "duration": str(int(ended)),
        "message": last.get("message", ""),
    }


def _another(run: Run, node: Node, attempts: list[Node], strategy: Mapping[str, Any]) -> bool:
    """Whether a new attempt may begin now; else the Retry node has ended or waits."""
    last = attempts[-1]
    if not failed(last):
        _end(run, node, last, "Succeeded", None)
        return False
    strategy = replace_in(dict(strategy), run.values)
    reason = _interrupted(run) or _backed_off(run, node, attempts, strategy)
    if reason is None:
        return False  # it waits
    reason = reason or _refused(last, len(attempts), strategy)
    if reason:
        _end(run, node, last, last["phase"], reason)
        return False
    return True


def _end(run: Run, node: Node, last: Node, phase: str, message: str | None) -> None:
    if "outputs" in last:
        node["outputs"] = last["outputs"]
    run.nodes.mark(node, phase, message)


def _interrupted(run: Run) -> str:
    if run.shutdown:
        return f"Stopped with strategy '{run.shutdown}'"
    if run.overdue and run.deadline is not None:
        return f"retry exceeded workflow deadline {_go_time(run.deadline)}"
    return ""


def _go_time(moment: float) -> str:
    return to_timestamp(moment).replace("T", " ").removesuffix("Z") + " +0000 UTC"


def _backed_off(run: Run, node: Node, attempts: list[Node], strategy: Mapping[str, Any]) -> str | None:
    """ "" when there is nothing to wait for any more, None while it waits, else why it ends."""
    backoff = strategy.get("backoff")
    if not backoff:
        return ""
    if not backoff.get("duration"):
        raise Invalid("no base duration specified for retryStrategy")
    limit = to_seconds(attempts[0]["startedAt"]) + seconds(backoff.get("maxDuration") or "876000h")
    if run.now > limit:
        return "Max duration limit exceeded"
    wait = seconds(backoff["duration"]) * max(int(backoff.get("factor") or 1), 1) ** (len(attempts) - 1)
    wait = min(wait, seconds(backoff.get("cap") or "876000h"))
    until = to_seconds(attempts[-1]["finishedAt"]) + wait
    if until > limit:
        return "Backoff would exceed max duration limit"
    if run.now < until and ("limit" not in strategy or len(attempts) <= int(strategy["limit"])):
        run.requeue.append(until)
        run.nodes.mark(node, node["phase"], f"Backoff for {humanize(wait)}")
        return None
    run.nodes.mark(node, node["phase"], "")
    return ""


def _refused(last: Node, made: int, strategy: Mapping[str, Any]) -> str:
    """Why there is no further attempt; "" when there is one."""
    policy = strategy.get("retryPolicy") or ("Always" if strategy.get("expression") else DEFAULT_POLICY)
    wanted = {"Always": {"Failed", "Error"}, "OnError": {"Error"}, "OnFailure": {"Failed"}}.get(policy, set())
    if last["phase"] not in wanted:
        return str(last.get("message") or last["phase"])
    if "limit" in strategy and made > int(strategy["limit"]):
        return "No more retries left"
    expression = strategy.get("expression")
    if expression and not evaluate_bool(expression, {"lastRetry": _scope(last)}):
        return "retryStrategy.expression evaluated to false"
    return ""
