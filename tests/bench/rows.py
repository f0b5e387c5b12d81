"""Many runs in flight, in the database and in Argo alike."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.utils import timezone

from provisioning import lifecycle
from provisioning.models import Phase, Request, Run, RunState, Step, Team, User
from provisioning.workflows import workflow
from tests.bench.generator import Generator
from tests.support.asking import open_many

BATCH = 500


def in_flight(count: int, argo: Generator, team: Team, alice: User, dana: User) -> list[str]:
    """Names of `count` workflows that the portal follows; the first one came about by the lifecycle, the others are its
    copies, as asking ten thousand times would take longer than all measurements."""
    [first] = open_many(1, team, alice)
    lifecycle.approve(first, by=dana, digest=first.digest)
    now = timezone.now()
    requests, runs, steps = [], [], []
    for number in range(1, count + 1):
        pk = uuid.uuid4()
        request = Request(**{**_columns(first), "id": pk, "name": f"payments-b{number}-prod"})
        request.phase, request.attempt = Phase.PROVISIONING, 1
        name = workflow.name("create", str(pk), 1)
        run = Run(request=request, attempt=1, workflow_name=name, digest=request.digest, state=RunState.SUBMITTED)
        run.workflow_uid, run.workflow_phase, run.resource_version = argo.begin(name), "Running", argo.version(name)
        run.started_at, run.next_try_at = now, now + timedelta(hours=1)
        requests.append(request)
        runs.append(run)
        steps += [Step(run=run, position=at, name=step.name) for at, step in enumerate(workflow.PLAN["create"])]
    Request.objects.bulk_create(requests, BATCH)
    Run.objects.bulk_create(runs, BATCH)
    Step.objects.bulk_create(steps, BATCH)
    lifecycle.cancel(first, by=alice)
    return [run.workflow_name for run in runs]


def _columns(request: Request) -> dict[str, object]:
    return {column.attname: getattr(request, column.attname) for column in Request._meta.concrete_fields}
