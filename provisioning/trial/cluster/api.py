"""The API server: what a get, list, apply, patch or delete does, and in which order it refuses.

Order of refusals, as recorded: right to patch, schema and amounts, right to create, field conflict, namespace
missing or terminating, right to bind, validation, admission policy, quota.
"""

from __future__ import annotations

import copy
import uuid
from dataclasses import dataclass, field
from typing import Any

from provisioning.trial.cluster import (
    admission,
    binding,
    controllers,
    ownership,
    podsecurity,
    quota,
    stored,
    typed,
    validation,
)
from provisioning.trial.cluster.clock import timestamp
from provisioning.trial.cluster.conditions import Conditions
from provisioning.trial.cluster.errors import ApiError, Cause, Conflict, Forbidden, Invalid, NotFound
from provisioning.trial.cluster.kinds import NAMESPACE, POD, RESOURCE_QUOTA, Kind
from provisioning.trial.cluster.objects import Objects
from provisioning.trial.cluster.ownership import Writer
from provisioning.trial.cluster.rbac import User, authorize
from provisioning.trial.cluster.schemas import RESET, SCHEMAS

Object = dict[str, Any]
COUNTED = {"NetworkPolicy"}  # kinds whose metadata.generation counts changes of their spec
SYSTEM = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


@dataclass(frozen=True, slots=True)
class Target:
    """One object of a request."""

    kind: Kind
    namespace: str  # empty for cluster-scoped kinds
    name: str

    @property
    def scope(self) -> str:
        """A Namespace is authorized and refused `in the namespace` of its own name."""
        return self.name if self.kind is NAMESPACE else self.namespace


@dataclass(frozen=True, slots=True)
class Change:
    """How a request wants to write."""

    manager: str
    force: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Api:
    """One request's view of the cluster; the caller holds the transaction."""

    objects: Objects
    conditions: Conditions
    now: float
    controller_seconds: float
    deletion_seconds: float
    user: User
    warnings: list[str] = field(default_factory=list)

    # ----- reading

    def get(self, target: Target) -> Object:
        authorize(self.user, "get", target.kind, target.scope, target.name)
        found = self.objects.get(target.kind, target.namespace, target.name)
        if found is None:
            self._require_namespace(target)
            raise NotFound(target.kind.resource, target.name)
        return found

    def every(self, kind: Kind, namespace: str) -> list[Object]:
        """The objects of a kind in a namespace; of a missing namespace simply none."""
        authorize(self.user, "list", kind, namespace if kind.namespaced else "")
        return self.objects.every(kind, namespace if kind.namespaced else None)

    def _require_namespace(self, target: Target) -> None:
        if target.namespace and self.objects.get(NAMESPACE, "", target.namespace) is None:
            raise NotFound("namespaces", target.namespace)

    # ----- server-side apply

    def apply(self, target: Target, config: Object, change: Change) -> Object:
        kind = target.kind
        authorize(self.user, "patch", kind, target.scope, target.name)
        if not change.manager:
            cause = Cause("fieldManager", "Required value: is required for apply patch")
            raise Invalid("PatchOptions", "PatchOptions.meta.k8s.io", "", [cause])
        if config["metadata"].get("managedFields") is not None:
            raise ApiError("BadRequest", "metadata.managedFields must be nil")
        schema = SCHEMAS[kind.kind]
        typed.check(kind, target.namespace, config, schema)
        old = self.objects.get(kind, target.namespace, target.name)
        if old is None:
            authorize(self.user, "create", kind, target.scope, target.name)
            self._refuse_uid(target, config)
        writer = Writer(change.manager, "Apply", kind.api_version, time=timestamp(self.now))
        live = old or {"metadata": {}}
        merged = ownership.apply(schema, live, config, writer, force=change.force, reset=RESET.get(kind.kind, ()))
        new = self._finished(target, merged, old)
        self._write(target, old, new, change)
        if old is not None and "deletionTimestamp" in old["metadata"]:
            self.warnings.append(f"Detected changes to resource {target.name} which is currently being deleted.")
        return new

    def _refuse_uid(self, target: Target, config: Object) -> None:
        if uid := config["metadata"].get("uid"):
            raise Conflict(
                f'Operation cannot be fulfilled on {target.kind.resource} "{target.name}": uid mismatch: the provided'
                f" object specified uid {uid}, and no existing object was found"
            )

    def _finished(self, target: Target, merged: Object, old: Object | None) -> Object:
        """The object in the server's form: system fields, canonical amounts, defaults."""
        new: Object = stored.normalise(SCHEMAS[target.kind.kind], merged)
        new |= {"apiVersion": target.kind.api_version, "kind": target.kind.kind}
        new["metadata"]["name"] = target.name
        if target.namespace:
            new["metadata"]["namespace"] = target.namespace
        if old is None:
            new["metadata"] |= {"creationTimestamp": timestamp(self.now), "uid": str(uuid.uuid4())}
        else:
            new["metadata"] |= {part: old["metadata"][part] for part in SYSTEM if part in old["metadata"]}
        stored.fill_defaults(target.kind, new)
        if target.kind.kind in COUNTED:
            _count_generation(new, old)
        return new

    # ----- patch of metadata (kubectl annotate)

    def annotate(self, target: Target, annotations: dict[str, str | None], manager: str) -> Object:
        """Sets annotations, or removes those whose value is None."""
        authorize(self.user, "patch", target.kind, target.scope, target.name)
        old = self.objects.get(target.kind, target.namespace, target.name)
        if old is None:
            raise NotFound(target.kind.resource, target.name)
        new = copy.deepcopy(old)
        merged = {**new["metadata"].get("annotations", {}), **annotations}
        left = {key: value for key, value in merged.items() if value is not None}
        new["metadata"].pop("annotations", None)
        if left:
            new["metadata"]["annotations"] = left
        writer = Writer(manager, "Update", target.kind.api_version, time=timestamp(self.now))
        new = ownership.update(SCHEMAS[target.kind.kind], old, new, writer)
        self._write(target, old, new, Change(manager))
        return new

    # ----- writing

    def _write(self, target: Target, old: Object | None, new: Object, change: Change) -> None:
        kind = target.kind
        namespace = self._admit_namespace(target, old)
        self._check_version(target, old, new)
        if kind.kind == "RoleBinding":
            binding.check(self.user, target.name, old, new)
        validation.check(kind, new, old)
        operation = "CREATE" if old is None else "UPDATE"
        self._admit(operation, target, old, new, namespace)
        touched = [] if old is not None else self._charge(target, new)
        self.warnings += quota.warnings(kind, new)
        if kind is NAMESPACE and old is not None:
            self.warnings += podsecurity.warnings(new, old, self.objects.every(POD, target.name))
        if change.dry_run or (old is not None and _same(old, new)):
            return
        for charged in touched:
            self.objects.put(RESOURCE_QUOTA, charged)
        self.objects.put(kind, new)
        self._follow_up(target, old)

    def _admit_namespace(self, target: Target, old: Object | None) -> Object | None:
        if not target.namespace:
            return None
        namespace = self.objects.get(NAMESPACE, "", target.namespace)
        if namespace is None:
            raise NotFound("namespaces", target.namespace)
        if old is None and namespace["status"]["phase"] == "Terminating":
            why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
            raise Forbidden(target.kind.resource, target.name, why)
        return namespace

    def _check_version(self, target: Target, old: Object | None, new: Object) -> None:
        if old is None or new["metadata"].get("resourceVersion") == old["metadata"]["resourceVersion"]:
            return
        raise Conflict(
            f'Operation cannot be fulfilled on {target.kind.resource} "{target.name}": the object has been modified;'
            " please apply your changes to the latest version and try again"
        )

    def _admit(
        self, operation: str, target: Target, old: Object | None, new: Object | None, namespace: Object | None
    ) -> None:
        review = admission.Review(self.user, operation, target.kind, target.name, target.namespace, old, new, namespace)
        admission.check(review)
        if operation != "DELETE":
            self.conditions.check(target.kind, target.name)

    def _charge(self, target: Target, new: Object) -> list[Object]:
        if not target.namespace:
            return []
        before = self.objects.every(RESOURCE_QUOTA, target.namespace)
        charged = quota.admit(target.kind, new, copy.deepcopy(before))
        by_name = {found["metadata"]["name"]: found for found in before}
        writer = quota.status_writer(quota.API_SERVER, timestamp(self.now))
        return [
            ownership.update(SCHEMAS["ResourceQuota"], by_name[found["metadata"]["name"]], found, writer)
            for found in charged
        ]

    def _follow_up(self, target: Target, old: Object | None) -> None:
        due = self.now + self.controller_seconds
        if target.kind is NAMESPACE and old is None:
            self.objects.schedule(controllers.FILL, target.name, due)
        if target.kind is RESOURCE_QUOTA:
            self.objects.schedule(controllers.COUNT, target.namespace, due)

    # ----- deleting

    def delete(self, target: Target, uid: str | None = None) -> Object:
        """Deletes an object, if its uid is `uid` where one is given; answers the object as it is then."""
        authorize(self.user, "delete", target.kind, target.scope, target.name)
        found = self.objects.get(target.kind, target.namespace, target.name)
        if found is None:
            raise NotFound(target.kind.resource, target.name)
        self._check_uid(target, found, uid)
        namespace = self.objects.get(NAMESPACE, "", target.namespace) if target.namespace else None
        self._admit("DELETE", target, found, None, namespace)
        if target.kind is NAMESPACE:
            return self._terminate(found)
        due = self.now + self.controller_seconds
        if found["metadata"].get("finalizers"):
            controllers.mark_deleted(self.objects, target.kind, found, self.now)
        else:
            self.objects.remove(target.kind, target.namespace, target.name)
            self.objects.schedule(controllers.FILL, target.namespace, due)
            self.objects.schedule(controllers.COUNT, target.namespace, due)
        return found

    def _check_uid(self, target: Target, found: Object, uid: str | None) -> None:
        actual = found["metadata"]["uid"]
        if uid is not None and uid != actual:
            raise ApiError(
                "Conflict",
                f'Operation cannot be fulfilled on {target.kind.resource} "{target.name}": Precondition failed: UID in'
                f" precondition: {uid}, UID in object meta: {actual}",
            )

    def _terminate(self, namespace: Object) -> Object:
        if "deletionTimestamp" in namespace["metadata"]:
            return namespace
        namespace["metadata"]["deletionTimestamp"] = timestamp(self.now)
        namespace["status"]["phase"] = "Terminating"
        name = namespace["metadata"]["name"]
        self.objects.schedule(controllers.TERMINATE, name, self.now + self.deletion_seconds)
        return self.objects.put(NAMESPACE, namespace)


def _same(old: Object, new: Object) -> bool:
    """Whether a write would change nothing but the times in managedFields."""
    return _without_times(old) == _without_times(new)


def _without_times(obj: Object) -> Object:
    metadata = dict(obj["metadata"])
    metadata["managedFields"] = [
        {name: value for name, value in entry.items() if name != "time"} for entry in metadata.get("managedFields", [])
    ]
    return obj | {"metadata": metadata}


def _count_generation(new: Object, old: Object | None) -> None:
    before = old["metadata"].get("generation", 1) if old else 0
    changed = old is None or old.get("spec") != new.get("spec")
    new["metadata"]["generation"] = before + (1 if changed else 0)
