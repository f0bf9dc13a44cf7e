"""Requests for plugins: only what a test is about is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from router.model import Headers, RequestView, ResponseView
from router.patterns import PathPattern
from router.rules import Rule, To, intent_of

MakeView = Callable[..., RequestView]
MakeResponse = Callable[..., ResponseView]


@pytest.fixture
def view() -> MakeView:
    def make(
        target: str = "/",
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        page: str = "",
        system: str = "cms",
        **more: object,
    ) -> RequestView:
        path, _, query = target.partition("?")
        made = RequestView(method, path, Headers.of(headers or {}), query=query, request_id="id1", **more)
        rule = Rule("a rule", (PathPattern.parse("/**"),), To(system), page=page, intent=intent_of(page))
        made.decision = rule.decisions[system]
        return made

    return make


@pytest.fixture
def response() -> MakeResponse:
    def make(status: int = 200, headers: Mapping[str, str] | None = None) -> ResponseView:
        return ResponseView(status, Headers.of(headers or {}))

    return make
