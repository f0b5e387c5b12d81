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

# The answer is compared, the objects afterwards are not.
AFTERWARDS = {
    "031-get-left-full": "the namespace was removed before its state was read back; a get removes nothing",
}

# Causes that come from a map: their order was different each time on the real server, too.
UNORDERED = {
    "143-invalid-quota-several": "spec.hard is a map",
}

SCRIPTS: dict[str, str] = {}
