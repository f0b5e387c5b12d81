"""What the portal wants to know of a workflow, in Argo's `fields` syntax: comma-separated paths to include.

A whole workflow of ours has some 80 KB, most of it the templates and what they were made from; this leaves a
quarter. Nodes cannot be thinned out from outside (argo-workflows #6284).
"""

from __future__ import annotations

_ALWAYS = (
    "metadata.name",
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.creationTimestamp",
    "metadata.labels",
    "spec.shutdown",
    "spec.workflowTemplateRef",
    "status.phase",
    "status.message",
    "status.progress",
    "status.startedAt",
    "status.finishedAt",
)
_STEPS = ("metadata.annotations", "status.nodes", "status.synchronization")

# One workflow, as `nodes.observe` and `nodes.ours` need it.
GET = ",".join((*_ALWAYS, *_STEPS, "spec.arguments"))
# A page of them without nodes, which a list does not unpack anyway: a GET fetches those of a changed version.
LIST = ",".join(("metadata", *(f"items.{path}" for path in _ALWAYS)))
# Without `error` in it, the server would filter its errors away.
WATCH = ",".join(("error", "result.type", *(f"result.object.{path}" for path in (*_ALWAYS, *_STEPS))))

# Argo 4 tells a `continue` for live workflows only when asked to count what remains.
REMAINING = "ext.showRemainingItemCount=true"
