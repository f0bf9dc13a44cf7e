"""What goes wrong when a Django site stands behind the edge, told at its start and not by a shopper.

`SILENCED_SYSTEM_CHECKS` takes the ids below for what a site means to be as it is.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from ..keys import BadKeys
from .middleware import client, options

INSEAM = "inseam_client.django.InseamMiddleware"
CUSTOMER = "inseam_client.django.CustomerMiddleware"
BASKET = "inseam_client.oscar.InseamBasketMiddleware"
OSCARS = "oscar.apps.basket.middleware.BasketMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
CACHE = "django.middleware.cache.UpdateCacheMiddleware"

COOKIES = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME", "OSCAR_BASKET_COOKIE_OPEN")


@register
def keys(**_: Any) -> list[CheckMessage]:
    """E001: system, keys and update key can be used; short ones cannot."""
    try:
        found = client()
    except BadKeys as error:
        return [Error(str(error), id="inseam.E001")]
    tells = BASKET in settings.MIDDLEWARE or options().get("authority")
    if tells and found.update_key is None:
        return [Error("nothing can be told to the edge without an `update_key`", id="inseam.E001")]
    return []


@register
def order(**_: Any) -> list[CheckMessage]:
    """E002: the middlewares stand where they can do their work."""
    there = list(settings.MIDDLEWARE)
    found: list[CheckMessage] = []

    def behind(later: str, earlier: str, why: str) -> None:
        if later in there and (earlier not in there or there.index(earlier) > there.index(later)):
            found.append(Error(f"{later} must stand behind {earlier}: {why}", id="inseam.E002"))

    if INSEAM not in there:
        found.append(Error("there is no request.inseam", hint=f"put {INSEAM} into MIDDLEWARE", id="inseam.E002"))
    for ours in (CUSTOMER, BASKET):
        behind(ours, INSEAM, "it asks request.inseam")
        behind(ours, AUTHENTICATION, "the site's own login counts more than the token's")
    if CACHE in there:
        behind(INSEAM, CACHE, "the cache would keep pages before they are marked as private")
    if OSCARS in there and BASKET in there:
        hint = "leave out Oscar's, ours is one"
        found.append(Error("two middlewares give a request its basket", hint=hint, id="inseam.E002"))
    return found


@register
def cookies(**_: Any) -> list[CheckMessage]:
    """W001: no cookie has the name of another system's, as INSEAM["other_cookies"] tells them: {"cms": [...]}."""
    ours = {getattr(settings, name, None): name for name in COOKIES}
    if settings.MESSAGE_STORAGE.rpartition(".")[2] in ("CookieStorage", "FallbackStorage"):
        ours["messages"] = "django.contrib.messages"
    return [
        Warning(
            f"{system} has a cookie {name!r}, too: seen without the edge, each system takes the other's",
            hint=f"choose another name: {ours[name]}",
            id="inseam.W001",
        )
        for system, names in dict(options().get("other_cookies") or {}).items()
        for name in names
        if name in ours
    ]


@register
def scheme(**_: Any) -> list[CheckMessage]:
    """W002: the site believes the edge that the shopper came by https."""
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None) == ("HTTP_X_FORWARDED_PROTO", "https"):
        return []
    hint = 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https"); the edge replaces what clients send'
    return [Warning("under https every form is refused (CSRF), and links say http", hint=hint, id="inseam.W002")]
