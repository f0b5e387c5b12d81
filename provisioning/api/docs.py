"""The page that shows the API, with what ninja brings; strict enough for the portal's content security policy."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger


class Docs(Swagger):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        shown = {
            **self.settings,
            "url": self.get_openapi_url(api, kwargs),
            "docExpansion": "list",
            "defaultModelsExpandDepth": 0,
            "tryItOutEnabled": True,
        }
        # In JSON, what would end the script element can be written otherwise.
        text = json.dumps(shown).replace("<", "\\u003c")
        return render(request, "provisioning/api_docs.html", {"settings": text, "api": api})
