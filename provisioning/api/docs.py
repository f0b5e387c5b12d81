"""The page that shows the API, with what ninja brings; strict enough for the portal's content security policy."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from ninja import NinjaAPI
from ninja.openapi.docs import Swagger


class Docs(Swagger):
    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Without the frame of the portal's pages: it is open to everybody, and needs no database."""
        shown = {
            **self.settings,
            "url": self.get_openapi_url(api, kwargs),
            "docExpansion": "list",
            "defaultModelsExpandDepth": 0,
            "tryItOutEnabled": True,
        }
        # In JSON, what would end the script element can be written otherwise.
        text = json.dumps(shown).replace("<", "\\u003c")
        return HttpResponse(
            render_to_string("provisioning/api_docs.html", {"settings": text, "secret": get_token(request)})
        )
