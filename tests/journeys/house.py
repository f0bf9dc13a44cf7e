"""The running shop as a journey sees it: its databases, and who has an account."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tap import Recorder

from deploy.shop.feed import CUSTOMERS
from deploy.shop.run import Shop, Variant

_PATIENCE = 30.0
"""Seconds for something that was stopped to be back."""

_ANY_CERTIFICATE = ssl._create_unverified_context()


@dataclass
class House:
    """One variant of the shop, with a recorder before each system."""

    name: str
    variant: Variant
    shop: Shop
    recorders: dict[str, Recorder]
    newcomers: Iterator[int] = field(default_factory=itertools.count)

    def newcomer(self) -> tuple[str, str, str]:
        """Give somebody an account: Anna's password under another name."""
        (_, model, password), *_ = CUSTOMERS
        name = f"Anna{next(self.newcomers)}"
        with closing(sqlite3.connect(self.shop.data / "commerce.sqlite3", timeout=_PATIENCE)) as database, database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(auth_user)") if row[1] != "id"]
            own = {"username": name, "first_name": name, "email": f"{name.lower()}@shop.test"}
            database.execute(
                f"INSERT INTO auth_user ({', '.join(columns)}) "
                f"SELECT {', '.join(f':{each}' if each in own else each for each in columns)} "
                "FROM auth_user WHERE email = :model",
                {**own, "model": model},
            )
        return name, own["email"], password

    def sessions(self) -> dict[str, int]:
        """Return how many sessions each system has in its own database."""
        return {name: self._ask(name, "SELECT count(*) FROM django_session") for name in self.recorders}

    def baskets(self) -> int:
        return self._ask("commerce", "SELECT count(*) FROM basket_basket")

    def page(self, slug: str) -> int:
        """Return the CMS's number of a page."""
        return self._ask("cms", "SELECT id FROM wagtailcore_page WHERE slug = ?", slug)

    # --- what may happen to it ----------------------------------------------------------------------------------------

    def stop_edge(self) -> None:
        self.shop.edge.__exit__(None, None, None)

    def start_edge(self) -> None:
        self.shop.edge.start()
        assert self.shop.edge.wait_until_ready(Event(), _PATIENCE), "the edge did not come back"

    def kill_a_worker(self) -> None:
        """Kill one of the edge's two workers, as the kernel does when memory runs out."""
        assert self.shop.edge.process is not None
        supervisor = self.shop.edge.process.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)

    def end_sessions_of_the_shop(self) -> None:
        """Have the shop forget who is logged in, as it does when its sessions run out."""
        with closing(sqlite3.connect(self.shop.data / "commerce.sqlite3", timeout=_PATIENCE)) as database, database:
            database.execute("DELETE FROM django_session")

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Have a system stopped meanwhile; afterwards it is back, and the edge knows."""
        site = self.shop.sites[name]
        site.__exit__(None, None, None)
        try:
            yield
        finally:
            site.start()
            assert site.wait_until_ready(Event(), _PATIENCE), f"the {name} did not come back"
            until = time.monotonic() + _PATIENCE
            while self._status({"cms": "/", "commerce": "/catalogue/"}[name]) != 200:
                assert time.monotonic() < until, f"the edge does not find the {name} again"
                time.sleep(0.2)

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(self.shop.url + path, context=_ANY_CERTIFICATE, timeout=_PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def _ask(self, name: str, query: str, *values: str) -> int:
        with closing(sqlite3.connect(self.shop.data / f"{name}.sqlite3")) as database:
            return int(database.execute(query, values).fetchone()[0])
