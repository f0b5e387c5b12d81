"""Requests for property tests: valid ones, and ones as somebody hostile would send them."""

from __future__ import annotations

import unicodedata

from hypothesis import settings
from hypothesis import strategies as st

from provisioning.spec import NamespaceSpec, Subject
from tests.manifests.golden import SHIPPED

PROPERTY = settings(max_examples=150, deadline=None, database=None)
NASTY = [
    "{{=1+1}}", "{{workflow.name}}", "{{ foo }}", "{{{x}}}", "{{{{x}}}}", "{{", "}}", "{", "$(HOME)", "$$", "$", "`id`",
    "'; rm -rf / #", '"', "\\", "\\u0000", "\\n", "%s %d", "${IFS}", "EOF\n---\nkind: Evil\r\n\t", '{{=sprig.env("PATH")}}',
    "😀", "\u200b", "\u2028", "<b>&amp;</b> ]]>", '{"a":{"b":{}}}', "<cluster.namespace>", "<options.gpu_count>",
]  # fmt: skip


def _kubernetes_takes(text: str) -> bool:
    return not any(
        (unicodedata.category(c) == "Cc" and c not in "\t\n\r")
        or unicodedata.category(c) == "Cs"
        or c in "\ufffe\uffff"
        for c in text
    )


texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=20)), max_size=6).map("".join)
annotation_texts = texts.filter(_kubernetes_takes).map(lambda text: text[:500])
names = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda n: not SHIPPED.reserved(n))
labels = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?", fullmatch=True)


def _person(kind: str, text: str) -> Subject:
    name = " ".join(text.replace("\t", " ").split()) or "nobody"
    return Subject(
        "Group" if kind == "Group" else "User", name if not name.lower().startswith("system:") else "x" + name
    )


subjects = st.lists(
    st.builds(_person, st.sampled_from(["User", "Group"]), annotation_texts.map(lambda t: t[:250])), max_size=5
).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> NamespaceSpec:
    """Valid ones: every text that the rules let through."""
    features = draw(st.sets(st.sampled_from(sorted(SHIPPED.features))))
    options = {}
    if "gpu" in features:
        options["gpu_count"] = str(draw(st.integers(1, 16)))
    if "cost-tracking" in features:
        options["cost_center"] = draw(labels)
    return NamespaceSpec(
        name=draw(names),
        team=draw(labels),
        tier=draw(st.sampled_from(sorted(SHIPPED.tiers))),
        features=tuple(features),
        admins=draw(subjects),
        editors=draw(subjects),
        viewers=draw(subjects),
        purpose=draw(annotation_texts),
        lease_days=draw(st.integers(1, 365)),
        options=options,
    )


hostile_subjects = st.lists(
    st.builds(Subject, st.sampled_from(["User", "Group", "ServiceAccount", ""]), texts), max_size=60
).map(tuple)
hostile_specs = st.builds(
    NamespaceSpec,
    name=texts,
    team=texts,
    tier=texts,
    features=st.lists(texts, max_size=4).map(tuple),
    admins=hostile_subjects,
    viewers=hostile_subjects,
    purpose=st.text(max_size=600) | texts,
    lease_days=st.integers(),
    options=st.dictionaries(texts, texts, max_size=4),
)
