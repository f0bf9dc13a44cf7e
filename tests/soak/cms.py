"""A light CMS: stories that show from the token whose basket and login they are, and a club that keeps votes.

It keeps nothing itself: its session is a cookie, and a visitor's votes are in the handle that the edge keeps for it. It
may log customers in, too; it logs them out only here, and everybody else hears of it from the edge.
"""

from __future__ import annotations

import json
import random
import secrets
import sys
from typing import Any

import jwt

from tests.soak.edge_side import EdgeSide
from tests.soak.page import page
from tests.soak.web import Answer, Asked, serve

ASSET = b"body{color:#222}" * 100


class Cms:
    """The stories and the club."""

    def __init__(self, edge: EdgeSide) -> None:
        self.edge = edge

    async def __call__(self, asked: Asked) -> Answer:
        if asked.path == "/healthz":
            return Answer(body=b"fine")
        if asked.path.startswith("/static/"):
            return Answer(body=ASSET, kind="text/css", headers=[("Cache-Control", "public, max-age=3600")])
        try:
            token: Any = await self.edge.read(asked.headers.get("inseam-session"))
        except jwt.InvalidTokenError as error:
            token = f"{type(error).__name__}: {error}"
        answer = Answer()
        session, csrf = asked.cookies.get("sessionid", ""), asked.cookies.get("csrftoken", "")
        if asked.path.startswith("/club/") and not session:
            shopper = asked.headers.get("x-shopper", "0000")
            session, csrf = f"cms-{shopper}-{secrets.token_hex(6)}", f"cms-{shopper}-{secrets.token_hex(6)}"
            answer.set_cookie("sessionid", session, "HttpOnly", "SameSite=Lax")
            answer.set_cookie("csrftoken", csrf, "SameSite=Lax", "Max-Age=31449600")
        if asked.method == "POST":
            return self.form(asked, token, answer)
        answer.body = page(
            {
                "system": "cms",
                "session": session,
                "csrf": csrf,
                "token": token,
                "cookies": asked.headers.get("cookie", ""),
            }
        )
        if random.random() < 0.1:
            answer.after = random.uniform(0.0, 0.08)
        return answer

    def form(self, asked: Asked, token: dict[str, Any] | None, answer: Answer) -> Answer:
        """Take a vote, a login or a logout."""
        form = asked.form
        if form.get("csrf") != asked.cookies.get("csrftoken"):
            return Answer(403, b"the form is not of this visitor")
        said: dict[str, Any] = {}
        if asked.path == "/club/vote/":
            said["handle"] = form["vote"]
        elif asked.path == "/club/login/" and form["password"] == f"pw-{form['customer']}":
            said |= {"sub": form["customer"], "name": f"Shopper {form['customer'][1:]}"}
        elif asked.path == "/club/logout/":
            said["sub"] = None
        if said:
            sid = str(token["sid"]) if isinstance(token, dict) else ""
            answer.headers.append(("Inseam-Update", self.edge.update(sid, said)))
        answer.status = 303
        answer.headers.append(("Location", form.get("next", "/club/")))
        return answer


def main() -> None:
    said = json.load(sys.stdin)
    edge = EdgeSide("cms", said["edge"], said["kid"], said["secret"].encode("latin-1"))
    serve(Cms(edge), said["port"], edge.keep_keys)


if __name__ == "__main__":
    main()
