"""The CMS with Inseam's client: `request.inseam` in views and templates. Everything it takes is on this page."""

import json

from settings import *  # noqa: F403
from settings import DATA_DIR, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "inseam_client.django"]
MIDDLEWARE = ["inseam_client.django.InseamMiddleware", *MIDDLEWARE]
INSEAM = json.loads((DATA_DIR / "cms.inseam.json").read_text())  # inseam keys export cms --format json
