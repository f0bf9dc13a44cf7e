"""The running shop as a journey sees it: its databases, and who has an account."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from tap import Recorder

from deploy.shop.run import Shop, Variant


@dataclass
class House:
    """One variant of the shop, with a recorder before each system."""

    name: str
    variant: Variant
    shop: Shop
    recorders: dict[str, Recorder]
    customers: Iterator[tuple[str, str, str]]

    def sessions(self) -> dict[str, int]:
        """Return how many sessions each system has in its own database."""
        return {name: self._ask(name, "SELECT count(*) FROM django_session") for name in self.recorders}

    def baskets(self) -> int:
        return self._ask("commerce", "SELECT count(*) FROM basket_basket")

    def _ask(self, name: str, query: str) -> int:
        with closing(sqlite3.connect(self.shop.data / f"{name}.sqlite3")) as database:
            return int(database.execute(query).fetchone()[0])
