"""Changing the rules: everywhere or nowhere, and by itself when a file changes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from running_edge import Shop

from router.errors import Position, Problem
from router.generation import Generation
from router.reload import Reloader
from router.rulesfile import Sources, read_sources
from router.rulesfile import compile as compile_rules


@dataclass
class Workers:
    """Workers that do as they are told, or have `problems` with what they are told."""

    problems: list[Problem] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    committed: list[Sources] = field(default_factory=list)

    async def prepare(self, number: int, sources: Sources) -> list[Problem]:
        self.prepared.append(number)
        return self.problems

    async def commit(self, number: int, sources: Sources) -> None:
        self.committed.append(sources)


@dataclass
class House:
    reloader: Reloader
    workers: Workers
    live: list[Generation]


@pytest.fixture
def house(shop: Shop) -> House:
    workers, live = Workers(), []
    sources = read_sources(shop.rules)
    reloader = Reloader(str(shop.rules), sources, compile_rules(sources), workers, live.append)
    return House(reloader, workers, live)


def change(shop: Shop, old: str, new: str) -> None:
    text = shop.rules.read_text()
    assert old in text
    shop.rules.write_text(text.replace(old, new))


async def test_good_rules_go_live_after_every_worker_has_them(house: House, shop: Shop) -> None:
    change(shop, "page: home", "page: brand")

    outcome = await house.reloader.reload("test")

    assert (outcome.outcome, outcome.generation) == ("live", 2)
    assert house.workers.prepared == [2]
    assert [sources.main for sources in house.workers.committed] == [shop.rules.read_bytes()]
    assert [generation.number for generation in house.live] == [2]


async def test_rules_with_a_problem_reach_no_worker(house: House, shop: Shop) -> None:
    change(shop, "to: cms", "to: csm")

    outcome = await house.reloader.reload("test")

    assert (outcome.outcome, outcome.generation) == ("refused", 1)
    assert [problem.hint for problem in outcome.problems] == ['did you mean "cms"?'] * 2
    assert house.workers.prepared == []
    assert house.reloader.problems == outcome.problems
    assert house.reloader.failures == 1


@pytest.mark.parametrize(
    "breaking",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b"\xff\x00" * 100),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["empty", "cut off", "no text", "gone", "a folder"],
)
async def test_a_file_that_cannot_be_used_changes_nothing(
    house: House, shop: Shop, breaking: Callable[[Path], object]
) -> None:
    """REQUIREMENTS, 48."""
    breaking(shop.rules)

    outcome = await house.reloader.reload("test")

    assert outcome.outcome == "refused"
    assert outcome.problems
    assert house.live == []


async def test_one_worker_with_a_problem_keeps_all_others_from_going_over(house: House, shop: Shop) -> None:
    change(shop, "page: home", "page: brand")
    house.workers.problems = [Problem(Position("worker 1 (pid 7)"), "no answer within 30 s")]

    outcome = await house.reloader.reload("test")

    assert outcome.outcome == "refused"
    assert house.workers.committed == []
    assert house.reloader.generation.number == 1


async def test_a_number_that_never_went_live_is_used_again(house: House, shop: Shop) -> None:
    change(shop, "page: home", "page: brand")
    house.workers.problems = [Problem(Position("worker 1"), "died")]
    await house.reloader.reload("test")
    house.workers.problems = []

    outcome = await house.reloader.reload("test")

    assert (outcome.outcome, outcome.generation) == ("live", 2)


async def test_the_same_bytes_are_no_new_generation_and_clear_an_old_problem(house: House, shop: Shop) -> None:
    good = shop.rules.read_text()
    shop.rules.write_text("nonsense")
    await house.reloader.reload("test")
    shop.rules.write_text(good)

    outcome = await house.reloader.reload("test")

    assert outcome.outcome == "unchanged"
    assert house.reloader.problems == []
    assert house.workers.prepared == []


async def test_an_example_that_no_longer_holds_is_a_warning_and_keeps_no_shop_from_serving(
    house: House, shop: Shop
) -> None:
    change(shop, "examples: [/checkout/payment-details/]", "examples: [/pay/]")

    outcome = await house.reloader.reload("test")

    assert outcome.outcome == "live"
    assert any("/pay/" in warning.message and warning.severity == "warning" for warning in outcome.warnings)


# --- watching ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def watching(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(house.reloader.watch())
    await asyncio.sleep(0.1)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def gone_live(house: House, times: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(house.live) < times:
            await asyncio.sleep(0.02)


async def test_a_changed_file_goes_live_by_itself_once(house: House, shop: Shop) -> None:
    async with watching(house):
        change(shop, "page: home", "page: brand")
        await gone_live(house)
        await asyncio.sleep(0.5)

    assert len(house.live) == 1


async def test_a_file_put_in_the_place_of_the_old_one_is_noticed(house: House, shop: Shop) -> None:
    async with watching(house):
        fresh = shop.folder / "rules.yaml.new"
        fresh.write_text(shop.rules.read_text().replace("page: home", "page: brand"))
        fresh.rename(shop.rules)
        await gone_live(house)


async def test_a_change_while_the_workers_start_is_not_missed(house: House, shop: Shop) -> None:
    change(shop, "page: home", "page: brand")

    async with watching(house):
        await gone_live(house)


async def test_the_link_that_kubernetes_swaps_is_noticed(tmp_path: Path, shop: Shop) -> None:
    mount = tmp_path / "config"
    for version, page in (("..one", "home"), ("..two", "brand")):
        (mount / version).mkdir(parents=True)
        (mount / version / "rules.yaml").write_text(shop.rules.read_text().replace("page: home", f"page: {page}"))
        (mount / version / "short_tail.txt").write_text("7\n")
    (mount / "..data").symlink_to("..one")
    for name in ("rules.yaml", "short_tail.txt"):
        (mount / name).symlink_to(f"..data/{name}")
    rules, live = mount / "rules.yaml", []
    sources = read_sources(rules)
    house = House(Reloader(str(rules), sources, compile_rules(sources), Workers(), live.append), Workers(), live)

    async with watching(house):
        (mount / "..data_tmp").symlink_to("..two")
        os.replace(mount / "..data_tmp", mount / "..data")
        await gone_live(house)


async def test_the_missing_list_of_a_refused_file_is_watched_for(house: House, shop: Shop) -> None:
    async with watching(house):
        change(shop, "short_tail.txt", "later.txt")
        async with asyncio.timeout(10):
            while not house.reloader.problems:
                await asyncio.sleep(0.02)
        assert house.live == []

        (shop.folder / "later.txt").write_text("7\n")
        await gone_live(house)


# --- what must not move unnoticed -------------------------------------------------------------------------------------

PROMO = "rules:\n  - {name: promo, path: /checkout/help/, to: cms}\n"


async def test_a_reload_that_would_move_a_checkout_is_refused_and_says_how_to_have_it(house: House, shop: Shop) -> None:
    """REQUIREMENTS, 48."""
    change(shop, "rules:\n", PROMO)

    outcome = await house.reloader.reload("SIGHUP")

    assert (outcome.outcome, outcome.generation, outcome.moves) == ("refused", 1, True)
    (problem,) = outcome.problems
    for said in ('"promo"', "/checkout/help/", '"cms"', '"checkout"', "/checkout/**", '"commerce"'):
        assert said in problem.message
    assert "inseam reload --allow-move" in problem.hint
    assert (house.workers.prepared, house.reloader.failures) == ([], 1)


async def test_a_checkout_moves_if_somebody_says_that_it_may(house: House, shop: Shop) -> None:
    change(shop, "rules:\n", PROMO)
    await house.reloader.reload("a file changed")

    outcome = await house.reloader.reload("asked", allow_move=True)

    assert (outcome.outcome, outcome.generation, outcome.moves) == ("live", 2, False)
    assert (await house.reloader.reload("asked")).outcome == "unchanged"
    assert house.reloader.problems == []


async def test_a_fault_of_ours_costs_one_reload_and_not_the_next(
    house: House, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[Problem]:
        raise ZeroDivisionError("by zero")

    change(shop, "page: home", "page: brand")
    with monkeypatch.context() as patched:
        patched.setattr("router.reload.moves", fails)
        outcome = await house.reloader.reload("test")
    assert (outcome.outcome, outcome.problems[0].message) == ("refused", "ZeroDivisionError: by zero")

    assert (await house.reloader.reload("test")).outcome == "live"
