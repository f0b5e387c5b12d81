"""Runs (one Argo workflow each), their steps and the steps' logs, as the worker last saw them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from provisioning.models.request import Request


class RunState(models.TextChoices):
    QUEUED = "queued", "Queued"  # approved; no workflow is known to exist
    SUBMITTED = "submitted", "Submitted"  # Argo has it
    FINISHED = "finished", "Finished"  # its end, or its absence, is recorded


class Run(models.Model):
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="runs")
    attempt = models.PositiveIntegerField()
    workflow_name = models.CharField(max_length=63, unique=True)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.QUEUED)

    # Set before the POST leaves: from then on a workflow may exist though no answer came.
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(max_length=100, blank=True)
    next_try_at = models.DateTimeField(default=timezone.now, help_text="the worker leaves it alone until then")
    failures = models.PositiveIntegerField(default=0, help_text="tries in a row that did not work")
    trouble = models.TextField(blank=True, help_text="what keeps the worker from going on, in words; '' when nothing")
    stop_asked_at = models.DateTimeField(null=True, blank=True, help_text="when Argo last accepted a stop of it")

    workflow_uid = models.CharField(max_length=64, blank=True)
    workflow_phase = models.CharField(max_length=20, blank=True, help_text="Argo's own, unchanged; '' before the first")
    workflow_message = models.TextField(blank=True)
    resource_version = models.CharField(max_length=64, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True, help_text="when the rows were last compared with Argo")
    watched_until = models.DateTimeField(default=timezone.now, help_text="somebody looks at its logs until then")
    logs_complete = models.BooleanField(default=False, help_text="every log of every attempt is stored whole")

    class Meta:
        ordering = ("request", "attempt")
        constraints = (
            models.UniqueConstraint(fields=["request", "attempt"], name="one_run_per_attempt"),
            models.CheckConstraint(condition=Q(state__in=sorted(RunState.values)), name="run_state"),
        )
        indexes = (
            models.Index(fields=["state", "next_try_at"], name="run_state_due"),
            models.Index(fields=["logs_complete", "state"], name="run_logs_incomplete"),
        )

    def __str__(self) -> str:
        return self.workflow_name


class StepPhase(models.TextChoices):
    """Argo's phases of a node, and `` for a step that has no node yet."""

    NONE = "", "Waiting"
    PENDING = "Pending", "Starting"
    RUNNING = "Running", "Running"
    SUCCEEDED = "Succeeded", "Done"
    FAILED = "Failed", "Failed"
    ERROR = "Error", "Error"
    SKIPPED = "Skipped", "Skipped"
    OMITTED = "Omitted", "Not run"


STEP_ENDED = frozenset({StepPhase.SUCCEEDED, StepPhase.FAILED, StepPhase.ERROR, StepPhase.SKIPPED, StepPhase.OMITTED})


class Step(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField(help_text="order in the plan; those of the exit handler come last")
    name = models.CharField(max_length=128)
    planned = models.BooleanField(default=True, help_text="False: of the exit handler, drawn only when it ran")
    phase = models.CharField(max_length=10, choices=StepPhase.choices, default=StepPhase.NONE, blank=True)
    message = models.TextField(blank=True, help_text="of the node, unchanged")
    sentence = models.TextField(blank=True, help_text="why it failed, for people")
    remedy = models.TextField(blank=True)
    for_admins = models.BooleanField(default=False, help_text="the remedy is a platform admin's to carry out")
    exit_code = models.IntegerField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outputs = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("run", "position")
        constraints = (
            models.UniqueConstraint(fields=["run", "name"], name="one_row_per_step"),
            models.CheckConstraint(condition=Q(phase__in=sorted(StepPhase.values)), name="step_phase"),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.run}"

    @property
    def has_ended(self) -> bool:
        return self.phase in STEP_ENDED


class StepLog(models.Model):
    """The log of one attempt of one step (one pod's container `main`)."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="logs")
    attempt = models.PositiveIntegerField(default=0, help_text="from 0, as in Argo's node names")
    pod_name = models.CharField(max_length=253, blank=True)
    phase = models.CharField(max_length=10, choices=StepPhase.choices, default=StepPhase.NONE, blank=True)
    message = models.TextField(blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    lines = models.PositiveIntegerField(default=0, help_text="the step's own lines, numbered from 1")
    stored_bytes = models.PositiveBigIntegerField(default=0)
    omitted_lines = models.PositiveBigIntegerField(default=0, help_text="left out in the middle, over the cap")
    omitted_bytes = models.PositiveBigIntegerField(default=0)
    source_lines = models.PositiveBigIntegerField(default=0, help_text="lines read from Argo so far, of both kinds")
    complete = models.BooleanField(default=False, help_text="whole: the pod has ended and all of it is stored")
    lost = models.BooleanField(default=False, help_text="the pod was gone before its log could be read")
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("step", "attempt")
        constraints = (models.UniqueConstraint(fields=["step", "attempt"], name="one_log_per_attempt"),)

    def __str__(self) -> str:
        return f"log {self.attempt} of {self.step}"


class LogChunk(models.Model):
    """Consecutive lines of a log, "\\n" between them. The executor's own lines are kept in chunks of their own."""

    log = models.ForeignKey(StepLog, on_delete=models.CASCADE, related_name="chunks")
    executor = models.BooleanField(default=False, help_text="written by Argo's executor, not by the step")
    first_line = models.PositiveBigIntegerField(help_text="number of its first line, from 1, within its kind")
    line_count = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ("log", "executor", "first_line")
        constraints = (
            models.UniqueConstraint(fields=["log", "executor", "first_line"], name="one_chunk_per_first_line"),
        )

    def __str__(self) -> str:
        return f"lines {self.first_line}… of {self.log}"
