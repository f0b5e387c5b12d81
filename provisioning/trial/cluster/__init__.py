"""A tiny Kubernetes cluster with the kubectl that the workflows' scripts call, answering as the real ones did."""

from __future__ import annotations

from provisioning.trial.cluster.cluster import Cluster
from provisioning.trial.cluster.conditions import Outage, Refusal
from provisioning.trial.cluster.installation import Installation
from provisioning.trial.cluster.outage import MODES
from provisioning.trial.cluster.outcome import KubectlResult

__all__ = ["MODES", "Cluster", "Installation", "KubectlResult", "Outage", "Refusal"]
