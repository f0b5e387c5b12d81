from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = get_wsgi_application()

# After the apps are loaded, before the first request: whoever starts the server, and however.
from provisioning.safety import refuse_unsafe  # noqa: E402

refuse_unsafe()
