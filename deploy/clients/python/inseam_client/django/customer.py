"""The customer of the token as `request.user`: for this request only, and only where the site wants it.

No session of the site is written for it, and nobody of the staff is ever let in this way. A login of the site's own
wins over the token, and the edge is told of it; unless the edge knew of that login and says that it is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from ..visit import Visit
from .middleware import options

TOLD = "inseam_told"
"""In the site's session: the login that the edge was told of, as [sub, sid of the token at that time]."""


def customer_id(user: Any) -> str:
    """Return the id under which others know a user; empty for guests, staff, and who may not log in."""
    return str(user.pk) if user is not None and user.is_authenticated and user.is_active and not user.is_staff else ""


def name_of(user: Any) -> str:
    """Return the name to greet a user with."""
    return str(user.get_short_name() or user.get_full_name())


@dataclass(slots=True)
class Customers:
    """`request.inseam_customers`: whether this site tells the edge of logins, and what happened in this request."""

    tells: bool
    logged_in: bool = False
    logged_out: bool = False


def trust(request: HttpRequest, tells: bool) -> None:
    """Have `request.user` tell the token's customer, too, once somebody asks for it. Twice is once."""
    if hasattr(request, "inseam_customers"):
        return
    request.inseam_customers = Customers(tells)
    own = request.user
    lazy = request.user = SimpleLazyObject(lambda: _user(request, own))

    def settled() -> Any:
        bool(lazy)  # read here, in the thread
        return lazy

    request.auser = sync_to_async(settled)


def _user(request: HttpRequest, own: Any) -> Any:
    visit: Visit = request.inseam
    if not own.is_authenticated:
        return _customer(visit) or own
    if _logged_out_elsewhere(request, own):
        request.user = own  # what logout() asks for
        auth.logout(request)
        return request.user
    tell_login(request, own)
    return own


def _customer(visit: Visit) -> Any:
    """Return the active customer whom the token names; None if there is none here."""
    if not visit.sub:
        return None
    model = auth.get_user_model()
    try:
        user = model._default_manager.filter(pk=visit.sub).first()
    except (ValueError, TypeError):  # another system's id, which cannot be one of ours
        return None
    if user is None or not customer_id(user):
        return None
    user.backend = settings.AUTHENTICATION_BACKENDS[0]
    return user


def _logged_out_elsewhere(request: HttpRequest, own: Any) -> bool:
    """Whether the edge was told of this login and says now that it is over.

    The edge names a session anew at login and at logout: a guest under the old name is one of whom the edge has not
    taken the login, and then ours counts.
    """
    visit: Visit = request.inseam
    sub, sid = request.session.get(TOLD) or ("", "")
    return bool(visit.known and not visit.sub and sub == str(own.pk) and visit.sid != sid)


def tell_login(request: HttpRequest, user: Any) -> None:
    """Tell the edge who is logged in here, if it says otherwise and this site has the authority."""
    visit: Visit = request.inseam
    sub = customer_id(user)
    if not request.inseam_customers.tells:
        return
    if sub and sub != visit.sub:
        visit.login(sub, name_of(user))
    elif not sub and (visit.sub or visit.changes.get("sub")):
        visit.logout()
    if sub and request.session.get(TOLD, [""])[0] != sub:
        request.session[TOLD] = [sub, visit.sid]


def _logged_in(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    if request is not None and hasattr(request, "inseam_customers"):
        request.inseam_customers.logged_in = True
        request.session.pop(TOLD, None)
        tell_login(request, user)


def _logged_out(sender: Any, request: HttpRequest | None, **_: Any) -> None:
    if request is not None and hasattr(request, "inseam_customers"):
        request.inseam_customers.logged_out, request.inseam_customers.logged_in = True, False
        tell_login(request, None)


user_logged_in.connect(_logged_in, dispatch_uid="inseam_client")
user_logged_out.connect(_logged_out, dispatch_uid="inseam_client")


class CustomerMiddleware(MiddlewareMixin):
    """The token's customer as `request.user`. Stands behind AuthenticationMiddleware."""

    def process_request(self, request: HttpRequest) -> None:
        trust(request, tells="login" in (options().get("authority") or ()))
