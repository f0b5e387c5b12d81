"""Recordings that the trial cluster does not answer as the real one did, each with its reason."""

from __future__ import annotations

_PODS = "no script applies pods: the trial's come from seeding, so it has no scheduler and no defaults for them"
_NETWORK = "the trial's kubectl finds its cluster by a socket: there is no kubeconfig, no DNS name, no certificate"

CALLS = {
    "141-apply-pod-quota": f"apply without --server-side, of a pod: {_PODS}",
    "198-defaults-pod-from-limitrange": _PODS,
    "272-request-timeout": "no script passes --request-timeout, and a flag that is not implemented is refused",
    "273-unknown-authority": _NETWORK,
    "274-no-such-host": _NETWORK,
    "275-no-configuration": _NETWORK,
}

# Their objects were removed before they were read back: what was there before is expected afterwards, too.
UNCHANGED = {
    "031-get-left-full": "a get changes nothing",
    "deletion-validate-force": "validation changes nothing",
    "deletion-validate-not-empty-65": "validation changes nothing",
}

# What the scripts do since the recordings were made: after this line in the script, and into these files.
LATER = {
    "namespace-audit": "# the inventory:",
}
LATER_FILES = frozenset({"inventory"})

# Their objects were not read beforehand either; the steps that made them are those of another recording.
BORROWED = {
    "deletion-validate-force": "031-get-left-full",
    "deletion-validate-not-empty-65": "031-get-left-full",
}

# Causes that come from a map: their order was different each time on the real server, too.
UNORDERED = {
    "143-invalid-quota-several": "spec.hard is a map",
}
