"""The shop: django-oscar as its documentation sets it up, without a line about an edge.

Cookies have Django's names (`sessionid`, `csrftoken`, `messages`), which are the CMS's names as well.
"""

import os
from pathlib import Path

from oscar import INSTALLED_APPS as OSCAR_APPS
from oscar.defaults import *  # noqa: F403  as Oscar's documentation has it

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ["SHOP_DATA"])

SECRET_KEY = os.environ["COMMERCE_SECRET_KEY"]
ALLOWED_HOSTS = ["*"]  # the edge asks with whatever Host the shopper's browser sent
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
SITE_ID = 1
INSTALLED_APPS = ["house", *OSCAR_APPS, "django.contrib.humanize"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.core.context_processors.metadata",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "commerce.sqlite3",
        "ATOMIC_REQUESTS": True,
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE, TIME_ZONE, USE_TZ = "en-gb", "UTC", True
LANGUAGES = [("en-gb", "English")]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Oscar lists through Haystack, whose SimpleEngine finds nothing there; Whoosh is pure Python.
HAYSTACK_CONNECTIONS = {
    "default": {"ENGINE": "haystack.backends.whoosh_backend.WhooshEngine", "PATH": str(DATA_DIR / "commerce-index")}
}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

STATIC_URL, MEDIA_URL = "/static/shop/", "/media/shop/"
MEDIA_ROOT = DATA_DIR / "commerce-media"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
LOGIN_REDIRECT_URL = "/"  # the magazine's cover
OSCAR_SHOP_NAME, OSCAR_SHOP_TAGLINE = "salt+linden", ""
OSCAR_HOMEPAGE = "/catalogue/"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_SEND_REGISTRATION_EMAIL = False
OSCAR_HIDDEN_FEATURES = ["reviews", "wishlists"]
OSCAR_SEARCH_FACETS = {"fields": {}, "queries": {}}
OSCAR_THUMBNAILER = "house.thumbnails.Drawings"
OSCAR_MISSING_IMAGE_URL = "missing.svg"
OSCAR_INITIAL_ORDER_STATUS = OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ORDER_STATUS_PIPELINE = {"Pending": ("Being processed", "Cancelled"), "Being processed": (), "Cancelled": ()}


class _TablesFromModels(dict):
    """Instead of some 200 migrations, `migrate --run-syncdb` makes the tables from the models: 2 seconds, not 40."""

    def __contains__(self, _app):
        return True

    def __getitem__(self, _app):
        return None


MIGRATION_MODULES = _TablesFromModels()
