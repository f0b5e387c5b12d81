"""Where the trial departs from Argo 4.1.2 on purpose, and why. The replay reads these tables."""

from __future__ import annotations

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
