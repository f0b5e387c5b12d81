"""Objects as YAML for people: keys in the order in which Kubernetes documents them, long texts as blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable


class _Dumper(yaml.SafeDumper):
    """No anchors, and lists indented below their key."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        super().increase_indent(flow, False)  # noqa: FBT003 - PyYAML takes it by position


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    """Scripts as literal blocks, where YAML can hold them so; other texts as PyYAML decides."""
    style = "|" if "\n" in value and not any(line.endswith((" ", "\t")) for line in value.split("\n")) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def object_text(item: Any) -> str:
    """One object, or any plain value, as YAML. What is read back equals what was given."""
    return yaml.dump(item, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096)


def yaml_text(items: Iterable[Any]) -> str:
    """Several objects, a document each."""
    return "---\n".join(object_text(item) for item in items)
