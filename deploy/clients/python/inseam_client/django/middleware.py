"""`request.inseam` on every request; what it costs is paid only by answers that used it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ..settings import client_of
from ..token import Client, Visitor
from ..visit import SESSION, Visit


def options() -> Mapping[str, Any]:
    """Return the site's INSEAM, or the environment."""
    found: Mapping[str, Any] = getattr(settings, "INSEAM", None) or os.environ
    return found


@cache
def client() -> Client:
    """Return this site's client. Raises BadKeys."""
    return client_of(options())


def _forget(setting: str, **_: Any) -> None:
    if setting == "INSEAM":
        client.cache_clear()


setting_changed.connect(_forget)


class DjangoVisit(Visit):
    """A visit that keeps Django's own cache away, too: views under @cache_page are kept before we can say private."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(client(), request.headers.get(SESSION, ""))
        self._request = request

    @property
    def visitor(self) -> Visitor:
        self._request._cache_update_cache = False
        return super().visitor


class InseamMiddleware(MiddlewareMixin):
    """Gives each request its visit. The visitor is read when first asked for; `request.user` is left alone.

    Raises BadKeys when the site starts, rather than with each request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        client()

    def process_request(self, request: HttpRequest) -> None:
        request.inseam = DjangoVisit(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        ours = request.inseam.headers(response.get("Vary", ""), response.get("Cache-Control", ""))
        for name, value in ours.items():
            response[name] = value
        return response
