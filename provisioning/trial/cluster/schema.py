"""The structure of the kinds that can be applied: what a field is, who may own it how, what kubectl calls it.

`Node` follows Kubernetes' OpenAPI as far as server-side apply looks at it: maps and structs are owned key by key
unless they are atomic; lists are atomic, sets of values, or keyed by some fields of their items.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

Type = Literal["struct", "map", "list", "string", "integer", "boolean", "quantity", "int-or-string", "time", "any"]
JSON_TYPES = {"struct": "map", "map": "map", "list": "array", "time": "string", "quantity": "string"}


@dataclass(frozen=True, slots=True)
class Node:
    type: Type
    model: str = ""  # name in the OpenAPI definitions, for kubectl's own check
    fields: dict[str, Node] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    item: Node | None = None  # of a list or a map
    atomic: bool = False
    keys: tuple[str, ...] = ()  # merge keys of a list; ("",) is a set of plain values
    keep_empty: bool = False  # an empty struct here is a pointer that was set, and is stored

    @property
    def granular(self) -> bool:
        """Whether its children have owners of their own."""
        if self.type == "list":
            return bool(self.keys)
        return self.type in ("struct", "map") and not self.atomic

    def child(self, name: str) -> Node | None:
        if self.type == "map":
            return self.item
        return self.fields.get(name)


TEXT = Node("string")
NUMBER = Node("integer")
FLAG = Node("boolean")
TIME = Node("time")
ANY = Node("any", atomic=True)
QUANTITY = Node("quantity")
PORT = Node("int-or-string")


def struct(model: str, required: tuple[str, ...] = (), **fields: Node) -> Node:
    """A name that is a word of Python has a `_` behind it."""
    return Node("struct", model, {name.rstrip("_"): node for name, node in fields.items()}, required)


def whole(node: Node) -> Node:
    """Owned and replaced as one value."""
    return replace(node, atomic=True)


def mapping(item: Node) -> Node:
    return Node("map", item=item)


def listing(item: Node, *keys: str) -> Node:
    return Node("list", item=item, keys=keys, atomic=not keys)


def kept(node: Node) -> Node:
    return replace(node, keep_empty=True)


META = "io.k8s.apimachinery.pkg.apis.meta.v1"
OBJECT_META = struct(
    f"{META}.ObjectMeta",
    name=TEXT,
    generateName=TEXT,
    namespace=TEXT,
    selfLink=TEXT,
    uid=TEXT,
    resourceVersion=TEXT,
    generation=NUMBER,
    creationTimestamp=TIME,
    deletionTimestamp=TIME,
    deletionGracePeriodSeconds=NUMBER,
    labels=mapping(TEXT),
    annotations=mapping(TEXT),
    finalizers=listing(TEXT, ""),
    ownerReferences=listing(
        struct(
            f"{META}.OwnerReference",
            ("apiVersion", "kind", "name", "uid"),
            apiVersion=TEXT,
            kind=TEXT,
            name=TEXT,
            uid=TEXT,
            controller=FLAG,
            blockOwnerDeletion=FLAG,
        ),
        "uid",
    ),
    managedFields=listing(ANY),
)


def resource(model: str, required: tuple[str, ...] = (), **fields: Node) -> Node:
    """A top-level kind: every one has apiVersion, kind and metadata."""
    return struct(model, required, apiVersion=TEXT, kind=TEXT, metadata=OBJECT_META, **fields)
