"""Scripts in place of the real ones: quick, and what they write is known beforehand, line for line."""

from __future__ import annotations

import re

LINES = 12
# A namespace whose number ends so fails in that component, finally.
FAILS = re.compile(r"-r\d*7-prod\Z")
FAILING = "resource-quotas"
ROLLED_BACK = "Half-created namespace removed"

SCRIPT = """
n=1
while [ "$n" -le LINES ]; do
  echo "NAME${COMPONENT:+ $COMPONENT} of $NAMESPACE_NAME: line $n of LINES, Zeile ü, 行"
  n=$((n + 1))
done
case "${COMPONENT:-}:$NAMESPACE_NAME" in
  FAILING:*-r7-prod | FAILING:*-r*[0-9]7-prod) echo "no quota for $NAMESPACE_NAME"; exit 66 ;;
esac
"""


def script(name: str) -> str:
    text = SCRIPT.replace("LINES", str(LINES)).replace("NAME$", f"{name}$").replace("FAILING", FAILING)
    return text + (f'echo "{ROLLED_BACK}"\n' if name == "rollback" else "")


COMPONENTS = {
    "apply-rbac": "rbac",
    "set-resource-quotas": "resource-quotas",
    "apply-network-policies": "network-policies",
    "enable-monitoring": "monitoring",
}


def fails(namespace: str) -> bool:
    return bool(FAILS.search(namespace))


def written(step: str, namespace: str) -> list[str]:
    """What the step writes."""
    component = COMPONENTS.get(step, "")
    name = f"apply-manifest {component}" if component else step
    lines = [f"{name} of {namespace}: line {number} of {LINES}, Zeile ü, 行" for number in range(1, LINES + 1)]
    if component == FAILING and fails(namespace):
        lines.append(f"no quota for {namespace}")
    return [*lines, ROLLED_BACK] if step == "rollback" else lines
