"""Exchanges for the tests of profiles: recorded ones from their files, and short ones made by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sessions import profiles
from sessions.model import Changes
from sessions.profiles import Answer, Asked, Observed, Profile

RECORDED = Path(__file__).parent / "recorded"

SITE = "/on/demandware.store/Sites-RefArch-Site/en_US"
OCC = "/occ/v2/electronics"
HCL = "/wcs/resources/store/10101"
CT = "/demo-project"
"""Where these products' own paths begin."""


@dataclass(frozen=True)
class Played:
    """One recorded exchange."""

    product: str
    journey: str
    step: str
    asked: Asked
    answer: Answer

    def __str__(self) -> str:
        return f"{self.product}/{self.journey}/{self.step}"


def recorded(product: str, journey: str) -> list[Played]:
    """Return a journey as it was recorded, in order."""
    said = json.loads((RECORDED / product / f"{journey}.json").read_text())
    return [Played(product, journey, one["step"], Asked(**one["asked"]), _answer(one["answer"])) for one in said]


def _answer(said: dict) -> Answer:
    headers = [(name, value) for name, value in said["headers"]]
    return Answer(said["status"], headers, said["set_cookies"], said["body"].encode())


def everything_recorded() -> list[Played]:
    """Return all recorded exchanges of all products."""
    files = sorted(RECORDED.glob("*/*.json"))
    return [one for file in files for one in recorded(file.parent.name, file.stem)]


def step(product: str, journey: str, name: str) -> Played:
    """Return one exchange of a journey."""
    return next(one for one in recorded(product, journey) if one.step == name)


def profile_of(name: str) -> Profile:
    found = profiles.get(name)
    assert found is not None, name
    return found


def observed(product: str, journey: str, name: str) -> Observed:
    """Return what a product's profile sees in a recorded exchange."""
    one = step(product, journey, name)
    return profile_of(product).observe(one.asked, one.answer)


def seen(
    product: str,
    request: str,
    status: int = 200,
    *,
    location: str = "",
    sets: tuple[str, ...] = (),
    body: str | dict | list | None = None,
    cookies: dict[str, str] | None = None,
) -> Observed:
    """Return what a product's profile sees in an exchange made by hand: `POST /path?query`, then the answer.

    What it is not asked to watch is not shown to it, and no body that it did not want: just as the edge does it.
    """
    profile = profile_of(product)
    method, _, target = request.partition(" ")
    path, _, query = target.partition("?")
    headers = [("Location", location)] if location else []
    if not (profile.watches(method, path) or profile.notices(sets)):
        return Observed(Changes())
    content = (body if isinstance(body, str) else json.dumps(body)).encode() if body is not None else b""
    answer = Answer(status, headers, sets, content if profile.wants_body(method, path) else None)
    return profile.observe(Asked(method, path, query, cookies or {}), answer)


def answered(status: int, body: str | dict | list = "", location: str = "", sets: tuple[str, ...] = ()) -> Answer:
    """Return an answer to a question."""
    content = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, [("Location", location)] if location else [], sets, content.encode())
