"""Objects as parameters of a workflow: texts that nothing on their way to kubectl rewrites, and their digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# In the order in which the digest reads them, here and in the workflow's first step.
PARAMETERS = (
    "namespaceManifest",
    "rbacManifest",
    "quotaManifest",
    "networkPolicyManifest",
    "monitoringManifest",
)
# The kernel takes 128 KiB for one environment string; a real value has 1 to 4 KiB.
MAX_PARAMETER_BYTES = 100 * 1024


def encode(value: Any) -> str:
    """JSON in printable ASCII without `$` and without `{{`.

    Argo substitutes `{{…}}` in values again and again, the kubelet expands `$(NAME)` and halves `$$`, Go's quoting
    differs from JSON's beyond ASCII. In JSON these characters occur inside strings only, where an escape always fits.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("{{", "{\\u007b").replace("$", "\\u0024")


def to_parameter(value: Any) -> str:
    """One object, or a list of objects as a `List`, encoded."""
    if isinstance(value, list):
        value = {"apiVersion": "v1", "kind": "List", "items": value}
    return encode(value)


def digest(parameters: Iterable[str]) -> str:
    """sha256 over the texts one after another, as 64 hex digits; equals what the first step's sha256sum prints."""
    return hashlib.sha256("".join(parameters).encode()).hexdigest()


def digest_of(parameters: Mapping[str, str]) -> str:
    """The digest of named parameters, in the order that counts. Raises KeyError when one is missing."""
    return digest(parameters[name] for name in PARAMETERS)


def objects_of(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """The objects that the parameters hold, in their order: what a stored request will create."""
    found: list[dict[str, Any]] = []
    for name in PARAMETERS:
        if name in parameters:
            value = json.loads(parameters[name])
            found += value["items"] if value.get("kind") == "List" else [value]
    return found
