"""Both systems of the demo, asked as a browser asks them: pages are read, links followed, forms filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.demo.cms import new_cms
from deploy.demo.commerce import new_commerce

VOID = {"meta", "link", "input", "br", "hr", "img"}


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """A page as far as tests look at it. Tags that do not fit together fail at once."""

    def __init__(self, url: str, status: int, headers: dict[str, str], text: str) -> None:
        super().__init__()
        self.url, self.status, self.headers, self.text = url, status, headers, text
        self.links: list[str] = []
        self.resources: list[str] = []
        self.forms: list[Form] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"{url}: {self._open} stay open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.tags.append((tag, said))
        if tag not in VOID:
            self._open.append(tag)
        if "id" in said:
            self.ids.append(said["id"])
        if tag == "a":
            self.links.append(urljoin(self.url, said["href"]))
        if tag in {"link", "script", "img"}:
            self.resources.append(said.get("href") or said.get("src", ""))
        if tag == "form":
            self.forms.append(Form(said.get("action", ""), said.get("method", "get")))
        if tag in {"input", "select"} and self.forms and "form" in self._open and said.get("name"):
            self.forms[-1].fields[said["name"]] = said.get("value", "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{self.url}: </{tag}> closes nothing"
        assert self._open.pop() == tag, f"{self.url}: </{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words += data

    def form(self, action: str, **having: str) -> Form:
        for form in self.forms:
            if form.action == action and having.items() <= form.fields.items():
                return form
        raise AssertionError(f"{self.url} has no form for {action} with {having}")


class Browser:
    """One shopper's browser on one system; `headers` go with every request."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client
        self.headers: dict[str, str] = {}

    async def get(self, path: str, **headers: str) -> Page:
        return await self._ask("GET", path, None, headers)

    async def submit(self, form: Form, **fields: str) -> Page:
        """Send a form as a page of the same site does."""
        assert form.method == "post"
        return await self._ask("POST", form.action, {**form.fields, **fields}, {"Sec-Fetch-Site": "same-origin"})

    async def post(self, path: str, data: object = None, headers: dict[str, str] | None = None) -> Page:
        """Send what somebody made up."""
        return await self._ask("POST", path, data, headers or {})

    async def _ask(self, method: str, path: str, data: object, headers: dict[str, str]) -> Page:
        asked = self.client.request(method, path, data=data, headers={**self.headers, **headers}, allow_redirects=False)
        async with asked as answer:
            text = await answer.text()
            readable = text if answer.content_type == "text/html" else ""
            page = Page(path, answer.status, dict(answer.headers), readable)
            page.text = text
            return page

    async def follow(self, page: Page) -> Page:
        """Go where a form sent us."""
        assert page.status == 303, (page.status, page.words)
        return await self.get(page.headers["Location"].partition("#")[0])

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client.session.cookie_jar}


Open = Callable[[str], Awaitable[Browser]]


@pytest.fixture
async def browse() -> AsyncIterator[Open]:
    """Return a function that opens a new browser on `cms` or `commerce`; all browsers see the same two systems."""
    servers = {"cms": TestServer(new_cms()), "commerce": TestServer(new_commerce())}
    clients: list[TestClient[Any, Any]] = []

    async def opened(system: str) -> Browser:
        client: TestClient[Any, Any] = TestClient(servers[system])
        clients.append(client)
        await client.start_server()
        return Browser(client)

    yield opened
    for client in clients:
        await client.close()


@pytest.fixture
async def cms(browse: Open) -> Browser:
    return await browse("cms")


@pytest.fixture
async def shop(browse: Open) -> Browser:
    return await browse("commerce")
