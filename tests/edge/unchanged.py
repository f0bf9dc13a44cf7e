"""A shop that is not changed for the edge, as django-oscar is; and what a browser sends to it."""

from __future__ import annotations

from sessionful import ALL
from shop import Asked, Behaviour, Call, Wanted, page, rule, system

RULES = (
    rule("/basket/**", "commerce", name="basket", page="basket"),
    rule("/accounts/**", "commerce", name="accounts", page="account"),
    rule("/catalogue/**", "commerce", name="catalogue", page="product"),
    rule("/checkout/**", "commerce", name="checkout", page="checkout"),
    rule("/**", "cms", name="magazine", page="content"),
)

EMPTY = '<div id="content_inner">Your basket is empty</div>'
PROFILE = (
    '<a href="/accounts/logout/">Logout</a><table><tbody><tr><th>Name</th><td>Anna Berg</td></tr>'
    "<tr><th>E-mail</th><td>anna@shop.example</td></tr></tbody></table>"
)


def full(count: int, known: bool = False) -> str:
    logout = '<a href="/accounts/logout/">Logout</a>' if known else ""
    return (
        f'<div id="content_inner">{logout}<h3><a href="/catalogue/tea_7/">Tea</a></h3>'
        f'<input name="form-0-quantity" value="{count}"><input name="form-TOTAL_FORMS" value="1"></div>'
        '<a class="btn btn-default btn-cart">39.80</a>'
    )


class Oscar:
    """A shop that knows nothing of the edge: it goes by its own cookies, as django-oscar does."""

    def __init__(self) -> None:
        self.count = 0
        self.hangs = ""
        """The address at which it never answers."""
        self.fails = False
        self.sets: list[str] = []
        """What its basket page sets."""

    def answer(self, asked: Asked) -> bytes:
        path, method = asked.target.partition("?")[0], asked.method
        known = "sessionid=of-anna" in (asked.get("cookie") or "")
        html = "Content-Type: text/html; charset=utf-8"
        if path.startswith("/basket/add/"):
            self.count += 2
            lines = [] if known else ["Set-Cookie: oscar_open_basket=9:signature; HttpOnly; Path=/"]
            return page(b"", "302 Found", "Location: /basket/", *lines)
        if path == "/basket/":
            if self.fails:
                return page(b"", "500 Oops")
            return page((full(self.count, known) if self.count else EMPTY).encode(), "200 OK", html, *self.sets)
        if path == "/accounts/login/" and method == "POST":
            if b"wrong" in asked.body:
                return page(b"<form>", "200 OK", html)
            return page(
                b"", "302 Found", "Location: /", "Set-Cookie: sessionid=of-anna; HttpOnly; Path=/; SameSite=Lax",
                "Set-Cookie: csrftoken=" + "N" * 32 + "; Path=/; SameSite=Lax",
            )  # fmt: skip
        if path == "/accounts/logout/":
            self.count = 0
            return page(b"", "302 Found", "Location: /", 'Set-Cookie: sessionid=""; Max-Age=0; Path=/')
        if path == "/accounts/profile/":
            return (
                page(PROFILE.encode(), "200 OK", html)
                if known
                else page(b"", "302 Found", "Location: /accounts/login/")
            )
        if path == "/checkout/preview/":
            self.count = 0
            return page(b"", "302 Found", "Location: http://shop.example/checkout/thank-you/")
        return page(b"<html>a page", "200 OK", html)

    async def __call__(self, call: Call) -> None:
        while True:
            asked = await call.request()
            if asked.target == self.hangs:
                await call.gone()
                return
            await call.send(self.answer(asked))

    @property
    def wanted(self) -> Wanted:
        behaviour: Behaviour = self
        return system(behaviour, authority=ALL, profile="django-oscar")


# --- its forms --------------------------------------------------------------------------------------------------------

FORM = "Content-Type: application/x-www-form-urlencoded"


def form(token: str) -> bytes:
    return f"csrfmiddlewaretoken={token}&quantity=1".encode()
