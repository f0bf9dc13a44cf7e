"""Under memory pressure new work is refused before old work is hurt."""

from __future__ import annotations

import asyncio

import pytest
from shop import Call, answering, page, rule, shop
from visitor import request

from router.edge.headroom import Headroom

MB = 1024 * 1024
RULES = (
    rule("/checkout/**", "commerce", name="checkout", page="checkout"),
    rule("/**", "commerce", name="catalogue", page="product"),
)


class Left(Headroom):
    """A machine with as much memory as a spec says."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 10.0

    def free(self, short: int) -> float:
        return self.left


async def test_what_is_under_way_is_finished_and_new_work_is_refused_browsing_first():
    gate = asyncio.Event()

    async def waiting(call: Call) -> None:
        while True:
            await call.request()
            await gate.wait()
            await call.send(page(b"served"))

    async with shop(RULES, commerce=waiting) as it:
        it.edge.headroom = Left()
        visitors = [await it.visitor() for _ in range(40)]
        for visitor in visitors:
            await visitor.send(request("/p"))
        await it.until(lambda: it.edge.under_way == 40)

        it.edge.headroom.left = 0.5
        await it.until(lambda: it.edge.ceiling.low)
        browsing = await it.ask("/p")
        buying = await it.visitor()
        await buying.send(request("/checkout/"))
        await it.until(lambda: it.edge.under_way == 41)
        gate.set()

        assert browsing.status == 503
        assert 2 <= int(browsing.get("retry-after")) <= 6
        assert browsing.get("connection") == "close"
        assert [(await visitor.answer()).status for visitor in (*visitors, buying)] == [200] * 41
        assert it.edge.snapshot().errors == {"memory_short": 1}
        assert (await it.ask("/p")).status == 200  # little is under way now, and some work always goes on


async def test_when_memory_is_there_again_everybody_is_welcome():
    async with shop(RULES, commerce=answering()) as it:
        it.edge.headroom = Left()
        it.edge.headroom.left = 0.5
        await it.until(lambda: it.edge.ceiling.low)
        it.edge.headroom.left = 2.0
        await it.until(lambda: not it.edge.ceiling.low)

        assert (await it.ask("/p")).status == 200
        events = it.edge.snapshot().events
        assert (events["memory_short"], events["memory_enough"]) == (1, 1)


async def test_nothing_is_left_of_a_request_that_has_ended_however_it_did():
    async with shop(RULES, commerce=answering()) as it:
        await it.ask("/p")
        await it.ask("/checkout/", "POST", body=b"x")
        gone = await it.visitor()
        await gone.send(request("/p", "POST", "Content-Length: 10"))
        await it.until(lambda: it.edge.under_way == 1)
        gone.vanish()

        await it.until(lambda: it.edge.under_way == 0)


# --- what the kernel tells --------------------------------------------------------------------------------------------


def machine(root, available: int, total: int = 16_000, group: str = "/", **limits: object):
    """A machine's files; `limits` are memory.max and memory.current of its group, in MB."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(f"MemTotal: {total * 1024} kB\nMemAvailable: {available * 1024} kB\nX:\n")
    (root / "proc" / "self" / "cgroup").write_text(f"0::{group}\n")
    own = root / "sys" / "fs" / "cgroup" / group.lstrip("/")
    own.mkdir(parents=True)
    for name, value in limits.items():
        said = value if isinstance(value, str) else f"{int(str(value)) * MB}\n"
        (own / name.replace("_", ".", 1)).write_text(said)
    return Headroom(root).free(256 * MB)


def test_a_machine_with_plenty_is_not_short(tmp_path):
    assert machine(tmp_path, available=2560) == 10.0


def test_of_a_small_container_a_tenth_counts_as_short(tmp_path):
    assert machine(tmp_path, available=9000, memory_max=500, memory_current=475) == 0.5


def test_the_cache_of_files_that_nobody_used_lately_is_free(tmp_path):
    stat = f"anon {100 * MB}\ninactive_file {100 * MB}\nactive_file {MB}\n"

    assert machine(tmp_path, available=9000, memory_max=500, memory_current=475, memory_stat=stat) == 2.5


@pytest.mark.parametrize("limits", [{}, {"memory_max": "max\n", "memory_current": 100}])
def test_without_a_limit_of_its_own_the_machine_counts(tmp_path, limits):
    assert machine(tmp_path, available=128, **limits) == 0.5


def test_the_service_s_own_group_counts_where_it_has_one(tmp_path):
    assert machine(
        tmp_path, available=9000, group="/system.slice/inseam.service", memory_max=1000, memory_current=900
    ) == 1.0  # fmt: skip


def test_a_machine_that_tells_nothing_is_never_short(tmp_path):
    assert Headroom(tmp_path).free(256 * MB) == float("inf")


def test_this_machine_tells_something():
    assert Headroom().free(256 * MB) >= 0
