"""Every way in which the scripts of the templates end, as the portal tells it: run by the trial on its cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provisioning import lifecycle
from provisioning.inventory import Inventory
from provisioning.lifecycle.options import rfc3339
from provisioning.models import Namespace, NamespaceStatus, Phase, Request, Run
from provisioning.trial.server.machine import Machine, Settings
from tests.conftest import make_spec
from tests.reconcile.lives import Life, failed_step, live_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="session")
def impatient(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped templates, which try again at once, and wait for a namespace to go for one look only."""
    folder = tmp_path_factory.mktemp("impatient")
    for path in templates.iterdir():
        template = yaml.safe_load(path.read_text())
        for one in template["spec"]["templates"]:
            if "container" in one:
                one["retryStrategy"]["backoff"]["duration"] = "0s"
                script = one["container"]["args"][0]
                one["container"]["args"] = [re.sub(r'\[ "\$tries" -lt \d+ \]', '[ "$tries" -lt 1 ]', script)]
        (folder / path.name).write_text(yaml.safe_dump(template))
    return folder


@pytest.fixture
def life(tmp_path: Path, impatient: Path, connect, clock, alice, dana) -> Iterator[Life]:
    settings = Settings(state=tmp_path / "trial", port=0, templates=impatient, pod_seconds=0, calls_per_second=0)
    with Machine(settings) as machine:
        machine.cluster._deletion_seconds = 0
        yield live_of(machine, connect, clock, alice, dana)


def asked(life: Life, **spec) -> Request:
    return lifecycle.open_request(make_spec(**spec), by=life.alice)


def approved(life: Life, request: Request) -> Request:
    return lifecycle.approve(request, by=life.dana, digest=request.digest)


def deletion(life: Life, namespace: Namespace, *, force: bool = False) -> Request:
    empty = Inventory((), (), rfc3339(life.worker.clock()))
    given = {"by": life.alice, "typed_name": namespace.name, "force": force}
    return lifecycle.open_delete(namespace, inventory=empty, **given)


def attempts_of(request: Request, step: str) -> int:
    run = Run.objects.get(request=request, attempt=request.attempt)
    return run.steps.get(name=step).attempts


# ── 64: not what was approved ────────────────────────────────────────────────────────────────────────────────


def test_bytes_that_nobody_approved_are_not_applied(life: Life):
    request = approved(life, asked(life))
    Request.objects.filter(pk=request.pk).update(digest="0" * 64)
    life.over(request)
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 64)
    assert "What was submitted is not what was approved. Nothing was created." in request.message
    assert life.trial.cluster_object("Namespace", request.name) is None
    assert attempts_of(request, "validate-request") == 1


# ── 65: in the way ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_namespace_that_belongs_to_another_request_is_left_alone(life: Life):
    namespace = life.namespace(name="payments-taken")
    before = life.there("Namespace", namespace.name)
    # the portal forgets that it has it
    Namespace.objects.filter(pk=namespace.pk).update(status=NamespaceStatus.DELETED)
    request = life.done(asked(life, name="payments-taken"))
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 65)
    assert life.there("Namespace", namespace.name) == before


def test_a_namespace_that_is_gone_is_not_changed_and_its_deletion_has_nothing_to_do(life: Life):
    namespace = life.namespace(name="payments-gone")
    life.control.remove_namespace(namespace.name)
    life.cluster.reconcile()
    change = life.done(lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=life.alice))
    assert (change.phase, *failed_step(change)) == (Phase.FAILED, "validate-request", 65)
    assert change.message.startswith("Validate request: The namespace does not exist.")
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.UPDATE_FAILED

    lifecycle.give_up(change, by=life.alice)
    namespace.refresh_from_db()
    assert (namespace.status, namespace.revision) == (NamespaceStatus.READY, 1)
    gone = life.done(deletion(life, namespace))
    namespace.refresh_from_db()
    assert (gone.phase, namespace.status) == (Phase.SUCCEEDED, NamespaceStatus.DELETED)
    assert namespace.deleted_at is not None


def test_a_namespace_that_bears_another_id_is_not_deleted(life: Life):
    namespace = life.namespace(name="payments-swapped")
    there = life.there("Namespace", namespace.name)
    there["metadata"]["labels"]["platform.io/request-id"] = "11111111-1111-4111-8111-111111111111"
    life.cluster.put(there)
    request = life.done(deletion(life, namespace, force=True))
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 65)
    assert "Nothing was changed" in request.message
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.DELETE_FAILED
    assert life.annotations(namespace.name)["platform.io/status"] == "ready"
    # nothing was done to it, so nothing stays behind
    lifecycle.give_up(request, by=life.alice)
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.READY


# ── 66: refused ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_that_the_cluster_refuses_fails_in_the_dry_run_and_touches_nothing(life: Life):
    namespace = life.namespace(name="payments-refused")
    life.control.refuse("ResourceQuota", "*", "not that much")
    request = life.done(lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=life.alice))
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 66)
    assert "not that much" in request.message
    assert life.there("ResourceQuota", "compute-resources", namespace.name)["spec"]["hard"]["pods"] == "50"
    assert life.annotations(namespace.name)["platform.io/status"] == "ready"

    life.control.reset()
    lifecycle.retry(request, by=life.alice)
    assert life.over(request).phase == Phase.SUCCEEDED
    namespace.refresh_from_db()
    assert (namespace.revision, namespace.tier) == (2, "medium")
    assert life.there("ResourceQuota", "compute-resources", namespace.name)["spec"]["hard"]["pods"] == "20"


# ── 67: held ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deletion_that_something_holds_says_what_and_goes_on_when_it_lets_go(life: Life):
    namespace = life.namespace(name="payments-held")
    life.control.hold(namespace.name)
    request = life.done(deletion(life, namespace))
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "verify-deletion", 67)
    assert "trial.platform.io/hold" in request.message
    assert request.message.endswith("The namespace is terminating.")
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.DELETE_FAILED

    life.control.release(namespace.name)
    lifecycle.retry(request, by=life.alice)
    assert life.over(request).phase == Phase.SUCCEEDED
    namespace.refresh_from_db()
    assert namespace.status == NamespaceStatus.DELETED


# ── 75: not now ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_that_is_still_going_is_tried_again_and_told(life: Life):
    namespace = life.namespace(name="payments-going")
    life.control.hold(namespace.name)
    life.done(deletion(life, namespace))
    Namespace.objects.filter(pk=namespace.pk).update(status=NamespaceStatus.DELETED)
    lifecycle.give_up(Request.objects.get(kind="delete"), by=life.alice)
    request = life.done(asked(life, name="payments-going"))
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 75)
    assert "The name is not free yet" in request.message
    assert attempts_of(request, "validate-request") == 4

    life.control.release(namespace.name)
    lifecycle.retry(request, by=life.alice)
    assert life.over(request).phase == Phase.SUCCEEDED


# ── 1: anything else ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["create", "change", "delete"])
def test_a_cluster_that_does_not_answer_is_tried_again_then_told(life: Life, kind: str):
    name = f"payments-{kind}"
    namespace = life.namespace(name=name) if kind != "create" else None
    if namespace is None:
        request = asked(life, name=name)
    elif kind == "change":
        request = lifecycle.open_change(namespace, namespace.spec.replace(tier="medium"), by=life.alice)
    else:
        request = deletion(life, namespace)
    life.control.stop_kubernetes(600)
    life.done(request)
    assert (request.phase, *failed_step(request)) == (Phase.FAILED, "validate-request", 1)
    assert "The step failed after 4 attempts" in request.message

    life.control.reset()
    lifecycle.retry(request, by=life.alice)
    assert life.over(request).phase == Phase.SUCCEEDED
