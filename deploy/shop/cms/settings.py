"""The CMS: Wagtail as its own project template sets it up, without a line about an edge.

Cookies have Django's names (`sessionid`, `csrftoken`, `messages`), which are the shop's names as well.
"""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ["SHOP_DATA"])

SECRET_KEY = os.environ["CMS_SECRET_KEY"]
ALLOWED_HOSTS = ["*"]  # the edge asks with whatever Host the shopper's browser sent
ROOT_URLCONF = "urls"
WSGI_APPLICATION = "wsgi.application"
INSTALLED_APPS = [
    "magazine",
    "wagtail.contrib.redirects", "wagtail.embeds", "wagtail.sites", "wagtail.users", "wagtail.snippets",
    "wagtail.documents", "wagtail.images", "wagtail.search", "wagtail.admin", "wagtail",
    "modelcluster", "taggit", "django_filters",
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
    "django.contrib.staticfiles",
]  # fmt: skip
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "cms.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE, TIME_ZONE, USE_TZ = "en", "UTC", True

STATIC_URL, MEDIA_URL = "/static/cms/", "/media/cms/"
STATICFILES_DIRS = [BASE_DIR.parents[1] / "demo" / "static" / "cms"]  # the magazine's stylesheet, as in `inseam demo`
MEDIA_ROOT = DATA_DIR / "cms-media"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
WAGTAIL_SITE_NAME = "Salt & Linden"
WAGTAILADMIN_BASE_URL = os.environ.get("PUBLIC_URL", "http://127.0.0.1:8080")
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAILIMAGES_EXTENSIONS = ["svg", "jpg", "png", "webp"]
WAGTAIL_ENABLE_UPDATE_CHECK, WAGTAIL_GRAVATAR_PROVIDER_URL = False, None  # a demo calls nobody
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000


class _TablesFromModels(dict):
    """Instead of some 200 migrations, `migrate --run-syncdb` makes the tables from the models: 2 seconds, not 40."""

    def __contains__(self, _app):
        return True

    def __getitem__(self, _app):
        return None


MIGRATION_MODULES = _TablesFromModels()
