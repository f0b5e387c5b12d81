"""The section `tiers`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.catalog.model import Tier
from provisioning.catalog.quantities import format_number, parse_quantity
from provisioning.catalog.text import is_label_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.catalog.source import Source

HARD = (
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
    "pods",
    "persistentvolumeclaims",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.ephemeral-storage",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "secrets",
    "configmaps",
)
CONTAINER = ("cpu", "memory", "ephemeral-storage")


def read_tiers(source: Source) -> dict[str, Tier]:
    entries = source.entries()
    if not entries:
        raise source.wrong("is empty", "Add one tier at least.")
    return {key: _read_tier(key, child, rank) for rank, (key, child) in enumerate(entries.items())}


def amount(source: Source) -> str:
    """A quantity that is zero or more, as text."""
    text = source.quantity()
    try:
        value = parse_quantity(text)
    except ValueError as error:
        raise source.wrong(str(error), 'Write it as Kubernetes does, e.g. "2", 500m or 4Gi.') from error
    if value < 0:
        raise source.wrong("is less than zero", "Use 0 to allow none.")
    return text


def _amounts(source: Source, required: tuple[str, ...], *, more: bool = False) -> dict[str, str]:
    entries = source.entries()
    extra = tuple(key for key in entries if more and key not in required and _is_resource(key))
    fields = source.fields(required=required, optional=extra)
    return {key: amount(fields[key]) for key in fields}


def _is_resource(key: str) -> bool:
    """Extended resources, storage classes and object counts: `requests.nvidia.com/gpu`, `count/jobs.batch`."""
    return "/" in key


def _read_tier(key: str, source: Source, rank: int) -> Tier:
    fields = source.fields(required=("title", "text", "hard", "container", "volume_max"))
    if not is_label_value(key):
        raise source.wrong("is no good key", "Use letters, digits and dashes, 63 characters at most.")
    hard = _amounts(fields["hard"], HARD, more=True)
    container = fields["container"].fields(required=("default", "request"))
    default = _amounts(container["default"], CONTAINER)
    request = _amounts(container["request"], CONTAINER)
    _refuse_more(container["request"], request, default)
    _refuse_too_few_pods(container["default"], hard, default)
    _refuse_more(fields["hard"], {"requests." + k: hard["requests." + k] for k in CONTAINER}, _limits(hard))
    return Tier(
        key=key,
        title=fields.text("title"),
        text=fields.text("text"),
        hard=hard,
        container_default=default,
        container_default_request=request,
        pvc_max=amount(fields["volume_max"]),
        rank=rank,
    )


def _limits(hard: Mapping[str, str]) -> dict[str, str]:
    return {"requests." + key: hard["limits." + key] for key in CONTAINER}


def _refuse_more(source: Source, smaller: Mapping[str, str], larger: Mapping[str, str]) -> None:
    """A request above its limit is refused by the API server, for a container and for a quota that can't be used."""
    for key, value in smaller.items():
        if parse_quantity(value) > parse_quantity(larger[key]):
            raise source.wrong(f"{key} is {value}, above its limit {larger[key]}", "Lower it, or raise the limit.")


def _refuse_too_few_pods(source: Source, hard: Mapping[str, str], default: Mapping[str, str]) -> None:
    """With a default of quota ÷ pods every pod that the tier promises can start; a larger one breaks the promise."""
    pods = parse_quantity(hard["pods"])
    for key in CONTAINER:
        needed, limit = pods * parse_quantity(default[key]), parse_quantity(hard["limits." + key])
        if needed > limit:
            fitting = format_number(limit // parse_quantity(default[key]))
            raise source.wrong(
                f"{hard['pods']} pods with {key} {default[key]} don't fit into limits.{key} {hard['limits.' + key]}",
                f"Only {fitting} would start: lower this default, or the number of pods, or raise the limit.",
            )
