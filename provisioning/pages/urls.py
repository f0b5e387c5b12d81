from __future__ import annotations

from provisioning.pages import ask, decide, history, home, life, namespaces, requests, status, tokens, trail

# `ask` before `requests`: /requests/new/ is no id.
urlpatterns = [
    *home.urlpatterns,
    *ask.urlpatterns,
    *requests.urlpatterns,
    *decide.urlpatterns,
    *history.urlpatterns,
    *life.urlpatterns,
    *namespaces.urlpatterns,
    *trail.urlpatterns,
    *status.urlpatterns,
    *tokens.urlpatterns,
]
