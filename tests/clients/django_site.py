"""A small Django site behind the edge: the process's only one, so it is set up when this is first imported."""

from __future__ import annotations

import django
from django.conf import settings
from other_languages import VECTORS

INSEAM = {
    "system": "commerce",
    "jwks": VECTORS["jwks"],
    "update_key": VECTORS["update_keys"][0],
    "authority": ["login"],
}

settings.configure(
    SECRET_KEY="only for tests, and long enough for the checks of Django itself",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="django_site",
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:inseam_clients?mode=memory&cache=shared"}
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "inseam_client.django",
    ],
    MIDDLEWARE=[
        "inseam_client.django.InseamMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "inseam_client.django.CustomerMiddleware",
    ],
    AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "sessions": None},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSEAM=INSEAM,
)
django.setup()

from django.contrib import auth  # noqa: E402  after the set-up
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.cache import cache_page  # noqa: E402

call_command("migrate", run_syncdb=True, verbosity=0)

BADGE = "{{ request.inseam.name }} {{ request.inseam.basket.count }}"


def plain(request):
    return HttpResponse("for everybody", headers={"Cache-Control": "public, max-age=60"})


def badge(request):
    return HttpResponse(engines["django"].from_string(BADGE).render({"request": request}))


def who(request):
    return HttpResponse(str(request.user.pk))


async def who_async(request):
    return HttpResponse(str((await request.auser()).pk))


def log_in(request, pk):
    auth.login(request, get_user_model().objects.get(pk=pk))
    return HttpResponse("in")


def log_out(request):
    auth.logout(request)
    return HttpResponse("out")


urlpatterns = [
    path("plain/", plain),
    path("badge/", badge),
    path("cached-badge/", cache_page(60)(badge)),
    path("cached-plain/", cache_page(60)(plain)),
    path("who/", who),
    path("who-async/", who_async),
    path("login/<int:pk>/", log_in),
    path("logout/", log_out),
]
