"""The shop with Inseam's client: it tells of logins, baskets and orders. Everything it takes is on this page."""

import json

from settings import *  # noqa: F403
from settings import DATA_DIR, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "inseam_client.django"]
MIDDLEWARE = [
    "inseam_client.django.InseamMiddleware",
    *MIDDLEWARE[:-1],
    "inseam_client.oscar.InseamBasketMiddleware",  # in the place of Oscar's own, which it extends
]
INSEAM = json.loads((DATA_DIR / "commerce.inseam.json").read_text())  # inseam keys export commerce --format json
