"""The hand-over sheet: what a team gets, in words, from what was granted. Nothing here asks the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from provisioning.catalog import Catalog, Tier
from provisioning.catalog.quantities import readable
from provisioning.spec import NamespaceSpec, Subject

# What the three ClusterRoles that `manage.py cluster_setup` prints allow and leave out.
LEVELS = (
    (
        "Admin",
        "admins",
        "run workloads, read and write config maps and Secrets, open a shell in pods, make service accounts",
        "change quota, network policies, access or the namespace itself",
    ),
    (
        "Editor",
        "editors",
        "run workloads, read and write config maps and Secrets, forward ports",
        "open a shell in pods, make service accounts, change quota, network policies or access",
    ),
    ("Viewer", "viewers", "read objects, events and logs", "read Secrets, change anything"),
)


@dataclass(frozen=True, slots=True)
class Level:
    title: str
    people: tuple[Subject, ...]
    may: str
    may_not: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """`limits`: (big, small) pairs; `ways_in`, `ways_out`: what the network allows; `blocked`: the rest."""

    spec: NamespaceSpec
    commands: str
    limits: tuple[tuple[str, str], ...]
    ways_in: str
    ways_out: str
    levels: tuple[Level, ...]
    notes: tuple[str, ...]


def sheet_of(spec: NamespaceSpec, catalog: Catalog) -> Sheet:
    """For a spec that was granted. A tier that the catalogue no longer has leaves `limits` empty."""
    tier = catalog.tiers.get(spec.tier)
    opens = [catalog.features[key].opens for key in spec.features if key in catalog.features]
    ways_in = ["pods of this namespace", *(text.removeprefix("in from ") for text in opens if text.startswith("in "))]
    ways_out = [
        "pods of this namespace",
        "cluster DNS",
        *(text.removeprefix("out to ") for text in opens if text.startswith("out ")),
    ]
    return Sheet(
        spec=spec,
        commands=_commands(spec.name),
        limits=_limits(tier) if tier else (),
        ways_in=", ".join(ways_in),
        ways_out=", ".join(ways_out),
        levels=tuple(Level(title, getattr(spec, level), may, may_not) for title, level, may, may_not in LEVELS),
        notes=tuple(_notes(spec)),
    )


def _commands(name: str) -> str:
    return (
        f"kubectl config set-context --current --namespace={name}\n"
        f"kubectl auth can-i create deployments --namespace={name}\n"
        f"kubectl describe resourcequota compute-resources --namespace={name}"
    )


def _limits(tier: Tier) -> tuple[tuple[str, str], ...]:
    hard, default = tier.hard, tier.container_default
    storage = f"{hard['persistentvolumeclaims']} volumes, {readable(hard['requests.storage'])} in all, "
    return (
        (f"{readable(hard['limits.cpu'])} CPU", f"a container without a limit gets {default['cpu']}"),
        (f"{readable(hard['limits.memory'])}", f"memory; a container without a limit gets {default['memory']}"),
        (f"{hard['pods']} pods", f"{storage}{readable(tier.pvc_max)} each; {hard['services']} services"),
    )


def _notes(spec: NamespaceSpec) -> list[str]:
    notes = []
    if "monitoring" in spec.features:
        notes.append('Put the label platform.io/scrape: "true" on a Service and its port “metrics” is scraped.')
    if "pod-security-restricted" in spec.features:
        notes.append("Images have to run as another user than root.")
    return notes
