"""The section `policy`."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from provisioning.catalog.model import Conditions, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from provisioning.catalog.model import Environment, Feature, Tier
    from provisioning.catalog.source import Fields, Source

RESULTS = ("auto", "approve", "two", "refuse")
KINDS = ("create", "change", "delete", "adopt", "renew")
ROLES = ("lead", "member", "platform-admin")
WORDS = ("name", "team", "tier", "environment", "features", "lease_days", "shortfalls", "kind", "renewals")
CONDITIONS = (
    "kind", "team", "tier", "environment", "features", "without_features", "lease_over", "lease_at_most", "role",
    "renewals_over", "headroom",
)  # fmt: skip
_KEY = re.compile(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


def read_policy(
    source: Source,
    tiers: Mapping[str, Tier],
    features: Mapping[str, Feature],
    environments: Mapping[str, Environment],
) -> tuple[tuple[Rule, ...], Rule]:
    fields = source.fields(required=("rules", "otherwise"))
    known = {
        "kind": KINDS,
        "tier": tuple(tiers),
        "environment": (*environments, "none"),
        "features": (*features, "gated"),
        "without_features": (*features, "gated"),
        "role": ROLES,
    }
    rules: dict[str, Rule] = {}
    for item in fields["rules"].items():
        rule = _read_rule(item, known)
        if rule.key in rules:
            raise item.wrong(f"there is a rule {rule.key} before it", "Give it another key.")
        rules[rule.key] = rule
    last = fields["otherwise"].fields(required=("result", "reason"))
    result = last["result"].one_of(("approve", "two", "refuse"))
    return tuple(rules.values()), Rule("otherwise", result, _reason(last["reason"]), Conditions())


def _read_rule(source: Source, known: Mapping[str, tuple[str, ...]]) -> Rule:
    fields = source.fields(required=("key", "when", "result", "reason"))
    key = fields.text("key")
    if not _KEY.match(key) or key == "otherwise":
        raise fields["key"].wrong("is no good key", "Use small letters, digits and dashes; not “otherwise”.")
    when = fields["when"].fields(optional=CONDITIONS)
    if not list(when):
        raise fields["when"].wrong("has no condition", f"Give one of: {', '.join(CONDITIONS)}.")
    rule = Rule(key, fields["result"].one_of(RESULTS), _reason(fields["reason"]), _conditions(when, known))
    if rule.result == "auto" and rule.when.kinds == ("delete",):
        raise fields["result"].wrong("nothing is deleted by a rule", "Write approve or two, or take the rule away.")
    return rule


def _conditions(when: Fields, known: Mapping[str, tuple[str, ...]]) -> Conditions:
    def listed(key: str) -> tuple[str, ...]:
        if key not in when:
            return ()
        return tuple(when[key].known(value, known[key]) for value in when.texts(key))

    return Conditions(
        kinds=listed("kind"),
        teams=when.texts("team"),
        tiers=listed("tier"),
        environments=listed("environment"),
        features=listed("features"),
        without_features=listed("without_features"),
        lease_over=when["lease_over"].whole() if "lease_over" in when else None,
        lease_at_most=when["lease_at_most"].whole(1) if "lease_at_most" in when else None,
        roles=listed("role"),
        renewals_over=when["renewals_over"].whole() if "renewals_over" in when else None,
        headroom=when["headroom"].one_of(("inside", "outside")) if "headroom" in when else "",
    )


def _reason(source: Source) -> str:
    """A sentence's part; what stands in braces is one of WORDS, nothing more (no attributes, no formats)."""
    text = source.text()
    try:
        found: Iterable[str] = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        plain = text.format(**dict.fromkeys(WORDS, ""))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise source.wrong("has braces that cannot be filled", f"Use {{{'}, {'.join(WORDS)}}}.") from error
    for name in found:
        source.known(name, WORDS)
    if not plain.strip() and not found:
        raise source.wrong("is empty", "Say in a few words why: people read it.")
    return text
