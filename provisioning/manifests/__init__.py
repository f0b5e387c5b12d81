"""What is granted, as Kubernetes objects: rendering, encoding, digest, difference. Pure."""

from __future__ import annotations

from provisioning.manifests.difference import FieldChange, ObjectChange, diff
from provisioning.manifests.encoding import PARAMETERS, digest, digest_of, encode, objects_of, to_parameter
from provisioning.manifests.meaning import meaning, meanings
from provisioning.manifests.rendering import Identity, Rendered, render
from provisioning.manifests.text import object_text, yaml_text

__all__ = [
    "PARAMETERS",
    "FieldChange",
    "Identity",
    "ObjectChange",
    "Rendered",
    "diff",
    "digest",
    "digest_of",
    "encode",
    "meaning",
    "meanings",
    "object_text",
    "objects_of",
    "render",
    "to_parameter",
    "yaml_text",
]
