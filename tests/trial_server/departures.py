"""Where the trial departs from Argo 4.1.2 on purpose, and why. The replay reads these tables."""

from __future__ import annotations

import re

# Headers that Argo sends and the trial doesn't.
HEADERS_LEFT_OUT = {
    "Grpc-Metadata-Trailer": "names trailers that never come; no client reads it",
}
# Headers whose values can't be alike.
HEADER_VALUES = {
    "Date": "the clock",
    "X-Ratelimit-Limit": "the tests serve without a limit",
    "X-Ratelimit-Remaining": "calls of this second",
    "X-Ratelimit-Reset": "the clock",
    "Retry-After": "the clock",
    "Last-Modified": "the clock",
    "Grpc-Metadata-Argo-Version": "ends in +trial",
}
# Go sends a length up to 2 KB and chunks beyond it. So does the trial, but its bodies are shorter (no managedFields).
HEADER_FRAMING = {"Content-Length", "Transfer-Encoding"}
# Keys that Argo's objects have and the trial's don't.
KEYS_LEFT_OUT = {
    "managedFields": "who wrote which field: nothing reads it through Argo",
}
# Recorded submissions that the trial's engine refuses.
REFUSED_BY_THE_ENGINE = {
    "210-steps-submit": "withItems: the portal's templates have no loops",
    "217-timeout-template-submit": "timeout: they have activeDeadlineSeconds",
    "222-runtime-unresolved-submit": "sprig functions in expressions: they use none",
}
# By how much `X-Ratelimit-Remaining` lies below the recorded one in the n-th of nine calls: Argo writes the header
# before gRPC takes its share of the bucket, the trial afterwards.
COUNTED_LATER = {1: 1, 2: 1, 3: 0, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0}
# Recordings that are not replayed: a pattern of names, and the reason.
NOT_REPLAYED = {
    r"10\d\d-.*": "the archive is off in the trial; how a server without it answers is recorded in 660 to 667",
    r"034-tls-facts": "no TLS: the trial is on loopback only",
    r"\d{3}-.*-states": "what a run goes through in time is the engine's, and it does not wait ten seconds between looks",
    r"5\d\d-.*-(objects|clusterrolebinding)": "kubectl's answers, not the server's",
    r"087-auth-norights-events|72[24]-events-.*": "no stream of Kubernetes events: the trial's cluster has none",
    r"30[27]-.*": "no suspend templates: the portal's have none, so no such node can be resumed or set",
    r"34[06]-retry-.*": "the state before was not recorded; 324 and 327 are replayed",
    r"345-resubmit-memoized": "no memoized resubmission: the portal's retry is a new workflow",
    r"656-get-resourceversion-future": "Argo hangs; the trial gives up after the three seconds that Kubernetes waits",
    r"672-sync-get": "no API for semaphore limits",
    r"872-list-while-server-starts": "the trial's list is complete from the first moment on",
    r"90[12]-ratelimit-.*": "the same bucket as in the recordings 900",
    **{re.escape(name): reason for name, reason in REFUSED_BY_THE_ENGINE.items()},
}
