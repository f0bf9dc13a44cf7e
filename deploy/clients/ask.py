"""Asks a system for a page as the edge would, and says what the system answers: for those who teach one the contract.

    python deploy/clients/ask.py commerce http://127.0.0.1:8002/basket/ --keys keys.json --sub 7 --name Anna --count 2

It needs the edge's keys file, so it is for trials, and the Python in which Inseam is installed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from sessions.errors import BadClaims, BadToken
from sessions.keys import KeyRing
from sessions.model import Basket, Login, Policy, Session, read_changes
from sessions.token import mint, read_update, sid_for

CTX = {"language": "en", "country": "", "device": "desktop"}


def main(given: list[str] | None = None, now: int | None = None) -> int:
    """Print status, the headers that matter and what the update says; 1 if there is something to mend."""
    said = _options().parse_args(given)
    now = int(time.time()) if now is None else now
    ring = KeyRing.parse(Path(said.keys).read_bytes(), said.keys)
    basket = Basket(said.basket, 1, said.count) if said.count else None
    login = Login(said.sub, said.name) if said.sub else None
    session = Session(said.session, 1, now, now, login=login, basket=basket)
    token, _ = mint(session, said.system, CTX, ring, now, Policy())
    headers = {} if said.plain else {"Inseam-Session": token.decode()}
    for header in said.header:
        name, _, value = header.partition(":")
        headers[name.strip()] = value.strip()
    answer = _answer(said.method, said.url, headers, said.data)
    print(answer.status, answer.reason)
    for name in ("Location", "Vary", "Cache-Control"):
        for value in answer.headers.get_all(name, []):
            print(f"{name}: {value}")
    return _judge(answer, said.system, "" if said.plain else sid_for(session.id, said.system), ring, now)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    options.add_argument("system", help="its name in the keys file")
    options.add_argument("url")
    options.add_argument("--keys", default="keys.json", metavar="FILE")
    options.add_argument("--method", default="GET")
    options.add_argument("--data", help="a body, as a form")
    options.add_argument("--header", action="append", default=[], metavar="NAME:VALUE")
    options.add_argument("--session", default="a-session-for-a-trial", help="another one is another visitor")
    options.add_argument("--sub", default="", help="the customer's id; a guest without")
    options.add_argument("--name", default="")
    options.add_argument("--basket", default="trial", metavar="ID")
    options.add_argument("--count", type=int, default=0, help="articles in the basket; none without")
    options.add_argument("--plain", action="store_true", help="a visitor without a session: no token")
    return options


def _answer(method: str, url: str, headers: dict[str, str], data: str | None) -> http.client.HTTPResponse:
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.netloc, timeout=30)
    form = {"Content-Type": "application/x-www-form-urlencoded"} if data is not None else {}
    target = (place.path or "/") + (f"?{place.query}" if place.query else "")
    connection.request(method, target, data, {**form, "X-Forwarded-Proto": place.scheme, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def _judge(answer: http.client.HTTPResponse, system: str, sid: str, ring: KeyRing, now: int) -> int:
    updates = answer.headers.get_all("Inseam-Update", [])
    if not updates:
        print("no update")
        return 0
    if len(updates) > 1:
        print("several updates: an answer has one, in which all is said")
        return 1
    try:
        claims = read_update(updates[0].encode("latin-1"), system, sid, ring, now)
        read_changes(claims)
    except (BadToken, BadClaims) as bad:
        print(f"the update is refused ({bad.reason}): {bad}")
        return 1
    told = {name: value for name, value in claims.items() if name not in ("iss", "aud", "iat", "exp", "sid")}
    print(f"the update says {json.dumps(told, ensure_ascii=False)}")
    if "private" not in answer.headers.get("Cache-Control", "") and "no-store" not in answer.headers.get(
        "Cache-Control", ""
    ):
        print("and Cache-Control does not: add private")
    return 0


if __name__ == "__main__":
    sys.exit(main())
