"""Is a template in the cluster the one that the portal ships? Argo writes it back with its own touches."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from provisioning.catalog.quantities import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_EMPTY: tuple[Any, ...] = (None, "", [], {}, 0, False)


def same_template(live: Mapping[str, Any], shipped: Mapping[str, Any]) -> list[str]:
    """Differences in words, [] when there are none.

    What we ship has to be there, and nothing that means something besides: Argo adds empty values only. Numbers and
    quantities are compared by what they are worth, as the API server stores 1000m as 1.
    """
    found = list(_differences(live.get("spec") or {}, shipped["spec"], "spec"))
    labels = (live.get("metadata") or {}).get("labels") or {}
    for key, want in shipped["metadata"].get("labels", {}).items():
        found += _differences(labels.get(key), want, f"metadata.labels[{key}]")
    return found


def _differences(live: Any, want: Any, path: str) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(live, dict):
        for key in [*want, *(key for key in live if key not in want)]:
            yield from _differences(live.get(key), want.get(key), f"{path}.{key}")
    elif isinstance(want, list) and isinstance(live, list) and len(want) == len(live):
        for number, (have, wanted) in enumerate(zip(live, want, strict=True)):
            label = wanted.get("name", number) if isinstance(wanted, dict) else number
            yield from _differences(have, wanted, f"{path}[{label}]")
    elif isinstance(want, str) and isinstance(live, str) and "\n" in want:
        yield from _line_difference(live, want, path)
    elif not _equal(live, want):
        yield f"{path}: {_shown(live)} in the cluster, {_shown(want)} in the portal"


def _line_difference(live: str, want: str, path: str) -> Iterator[str]:
    """Of a script, the first line that differs."""
    pairs = zip_longest(live.rstrip().splitlines(), want.rstrip().splitlines())
    for number, (have, wanted) in enumerate(pairs, 1):
        if have != wanted:
            yield f"{path}, line {number}: {_shown(have)} in the cluster, {_shown(wanted)} in the portal"
            return


def _equal(live: Any, want: Any) -> bool:
    if live in _EMPTY and want in _EMPTY:
        return True
    if isinstance(live, (dict, list)) or isinstance(want, (dict, list)):
        return _hollow(live) and _hollow(want)
    return str(live) == str(want) or _worth(live) == _worth(want)


def _hollow(value: Any) -> bool:
    """Nothing, or a mapping with nothing in it: Argo writes `metadata: {}`, `inputs: {}`."""
    if isinstance(value, dict):
        return all(_hollow(item) for item in value.values())
    return value in _EMPTY


def _worth(value: Any) -> Any:
    try:
        return parse_quantity(str(value))
    except ValueError:
        return value


def _shown(value: Any) -> str:
    if value in _EMPTY:
        return "nothing"
    text = str(value).strip().replace("\n", " ⏎ ")
    return text if len(text) <= 80 else f"{text[:80]}…"  # noqa: PLR2004 - a line of a page
