"""Answers of a list: its page, its results alone for htmx, or what is wrong with its filters."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import push_url

from provisioning.pages.lists.filtering import ListFilters, address

RESULTS = "results"
# What an address says besides filters: the page of the list, and which of its rows is looked at.
PLACES = ("after", "before", "event")
UNPROCESSABLE = 422


def wants_results(request: HttpRequest) -> bool:
    return bool(request.htmx) and request.htmx.target == RESULTS  # type: ignore[attr-defined]


def answer(request: HttpRequest, template: str, context: dict[str, Any], filters: ListFilters) -> HttpResponse:
    """422 while a filter is wrong. The address that htmx shows leaves out filters that are not set."""
    status = 200 if filters.is_valid() else UNPROCESSABLE
    partial = wants_results(request)
    response = render(request, f"{template}#results" if partial else template, context, status=status)
    if partial:
        keys = {name: request.GET[name] for name in PLACES if name in request.GET}
        push_url(response, address(request.path, filters.chosen, **keys))
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def refused(filters: ListFilters) -> HttpResponse:
    """For a file: which filter is wrong, as text."""
    lines = [f"{filters.form.fields[name].label}: {' '.join(texts)}" for name, texts in filters.errors.items()]
    return HttpResponse("\n".join(lines), status=UNPROCESSABLE, content_type="text/plain; charset=utf-8")
