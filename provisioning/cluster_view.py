"""Where the cluster and the portal disagree, for pages: from what the last looks at the cluster found, as of then.

What a look found is held against the rows as they are now, so that what was put right since is no longer told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery

from provisioning.models import (
    LIVE,
    MOVING,
    Check,
    ClusterListing,
    Kind,
    Namespace,
    NamespaceStatus,
    Phase,
    Request,
)

# What the workflows write on a namespace that was not finished yet.
HALF_MADE = "provisioning"
# Going away is what these are about.
_LEAVING = (NamespaceStatus.DELETING, NamespaceStatus.DELETED)


@dataclass(frozen=True, slots=True)
class Ghost:
    """A namespace that is ready here and was not in the cluster at `seen_at`. `request`: the open one about it."""

    namespace: Namespace
    seen_at: datetime
    request: Request | None


@dataclass(frozen=True, slots=True)
class Orphan:
    """A namespace that is managed in the cluster and that the portal does not have.

    `owner` is the request whose id it bears, when it is of this portal; `request` the open one about its name. A
    namespace that is `half_made` was left by a creation that was terminated: such a request can be retried when it is
    Failed (`may_retry`); else it is taken over and, if nobody wants it, given back.
    """

    name: str
    request_id: str
    status: str
    seen_at: datetime
    owner: Request | None
    request: Request | None

    @property
    def half_made(self) -> bool:
        return self.status == HALF_MADE

    @property
    def may_retry(self) -> bool:
        return self.owner is not None and self.owner.kind == Kind.CREATE and self.owner.phase == Phase.FAILED

    @property
    def may_adopt(self) -> bool:
        """One live request per name: while there is one, it says what becomes of the namespace."""
        return self.request is None


@dataclass(frozen=True, slots=True)
class ClusterView:
    """`as_of` is when the cluster was listed last, None before the first time; `count` how many it manages then.
    `listing` is the newest look at all of it, which may still be under way, or have failed (`error` says why)."""

    as_of: datetime | None
    count: int
    ghosts: list[Ghost]
    orphans: list[Orphan]
    listing: Check | None

    @property
    def leftovers(self) -> list[Orphan]:
        """What terminated creations left."""
        return [orphan for orphan in self.orphans if orphan.half_made]

    @property
    def is_looking(self) -> bool:
        return self.listing is not None and not self.listing.is_over

    @property
    def is_clean(self) -> bool:
        return self.as_of is not None and not self.ghosts and not self.orphans


def cluster_view() -> ClusterView:
    """All that `/status/` shows; eight queries at most."""
    listing = ClusterListing.latest()
    newest = Check.objects.filter(name="").select_related("asked_by").first()
    return ClusterView(
        as_of=listing.at if listing else None,
        count=len(listing.entries) if listing else 0,
        ghosts=ghosts(listing),
        orphans=orphans(listing),
        listing=newest,
    )


def ghosts(listing: ClusterListing | None = None) -> list[Ghost]:
    """By name; four queries. A listing tells of many, a look at one namespace of that one; the later one counts."""
    listing = listing or ClusterListing.latest()
    listed = {str(entry["name"]) for entry in listing.ghosts} if listing else set()
    looks = Check.objects.done().filter(namespace=OuterRef("pk")).order_by("-finished_at")
    rows = (
        Namespace.objects.exclude(status__in=_LEAVING)
        .annotate(looked=Subquery(looks.values("exists")[:1]), looked_at=Subquery(looks.values("finished_at")[:1]))
        .filter(Q(looked=False) | Q(name__in=listed))
    )
    gone: dict[int, datetime] = {}
    for pk, name, ready_at, looked, looked_at in rows.values_list("pk", "name", "ready_at", "looked", "looked_at"):
        at, is_gone = looked_at, looked is False
        if listing is not None and (at is None or at < listing.at):
            at, is_gone = listing.at, name in listed
        if is_gone and at > ready_at:
            gone[pk] = at
    found = list(Namespace.objects.filter(pk__in=gone).select_related("team").order_by("name"))
    about = _live(row.name for row in found)
    return [Ghost(row, gone[row.pk], about.get(row.name)) for row in found]


def orphans(listing: ClusterListing | None = None) -> list[Orphan]:
    """By name: what the last listing found and the portal does not have, now that it is asked; four queries."""
    listing = listing or ClusterListing.latest()
    known = _known(listing) if listing else set()
    unknown = (
        [entry for entry in listing.entries if (entry["name"], entry["request_id"]) not in known] if listing else []
    )
    if listing is None or not unknown:
        return []
    owners = {str(row.pk): row for row in Request.objects.filter(pk__in=_ids(unknown)).select_related("team")}
    about = _live(entry["name"] for entry in unknown)
    return [
        Orphan(**entry, seen_at=listing.at, owner=owners.get(entry["request_id"]), request=about.get(entry["name"]))
        for entry in sorted(unknown, key=lambda entry: str(entry["name"]))
        if not _was_moving(owners.get(entry["request_id"]), listing.at)
    ]


def _known(listing: ClusterListing) -> set[tuple[str, str]]:
    """Name and request id of what exists here, or did when the cluster was listed."""
    rows = Namespace.objects.filter(~Q(status=NamespaceStatus.DELETED) | Q(deleted_at__gt=listing.at))
    return {(name, str(owner)) for name, owner in rows.values_list("name", "owner_request_id")}


def _was_moving(owner: Request | None, at: datetime) -> bool:
    """Its creation goes on, or ended after the cluster was listed: nobody knows what it has left."""
    if owner is None or owner.kind != Kind.CREATE:
        return False
    return owner.phase in MOVING or (owner.finished_at is not None and owner.finished_at > at)


def _ids(entries: Iterable[Mapping[str, str]]) -> list[UUID]:
    """Of the labels those that are ids of requests: a label may be any text."""
    found = []
    for entry in entries:
        try:
            found.append(UUID(str(entry["request_id"])))
        except ValueError:
            continue
    return found


def _live(names: Iterable[str]) -> dict[str, Request]:
    """The open request about each name."""
    rows = Request.objects.filter(name__in=list(names), phase__in=LIVE).select_related("team", "requester")
    return {row.name: row for row in rows}
