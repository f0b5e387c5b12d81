"""Where the cluster and the portal disagree: a part of the page of the platform's status."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from provisioning import access, lifecycle
from provisioning.cluster_view import ClusterView, cluster_view
from provisioning.models import Check
from provisioning.pages.life.looks import why_not_look
from provisioning.pages.web import person, see_other


def disagreement() -> dict[str, Any]:
    """What the template `adopt_status.html` takes."""
    view = cluster_view()
    return {"cluster": view, "cluster_version": _version(view)}


def _version(view: ClusterView) -> str:
    listing = view.listing
    return f"{listing.pk}-{listing.state}-{listing.failures}" if listing else "none"


@never_cache
@require_safe
def status_cluster(request: HttpRequest) -> HttpResponse:
    """204 while the newest listing is as the page has it (`v`)."""
    if not person(request).sees_everything:
        raise Http404
    context = disagreement()
    if request.GET.get("v") == context["cluster_version"]:
        return HttpResponse(status=204)
    return render(request, "provisioning/adopt_status.html", context)


@require_POST
def cluster_list(request: HttpRequest) -> HttpResponse:
    """Ask for a list of all managed namespaces, now."""
    user = person(request)
    if not access.may_look_around(user):
        raise Http404
    if why_not := why_not_look(Check.objects.filter(name="").first()):
        messages.info(request, why_not)
    else:
        lifecycle.ask_listing(by=user)
    return see_other("/status/#cluster")
