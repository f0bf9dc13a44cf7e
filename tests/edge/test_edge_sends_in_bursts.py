"""The outbox over transports that only take notes: what is put goes out at the end of the batch, in order."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from router.edge.outbox import Outbox, Sender


class Transport:
    """Notes what is written; `broken` makes it raise, as no transport should."""

    def __init__(self, notes: list[bytes], broken: bool = False) -> None:
        self.notes = notes
        self.broken = broken

    def write(self, data: bytes) -> None:
        if self.broken:
            raise RuntimeError("no transport should do this")
        self.notes.append(data)


def sender(outbox: Outbox, notes: list[bytes], broken: bool = False) -> Sender:
    made = Sender(outbox)
    made.transport = cast(Any, Transport(notes, broken))
    return made


async def test_a_head_and_what_follows_in_the_same_batch_leave_in_one_write() -> None:
    notes: list[bytes] = []
    shopper = sender(Outbox(asyncio.get_running_loop()), notes)

    shopper.put(b"head ")
    shopper.put(b"chunk ")
    shopper.put(b"last chunk")

    assert notes == []
    await asyncio.sleep(0)
    assert notes == [b"head chunk last chunk"]


async def test_shoppers_are_answered_in_the_order_in_which_their_answers_were_ready() -> None:
    notes: list[bytes] = []
    outbox = Outbox(asyncio.get_running_loop())

    for answer in (b"first", b"second", b"third"):
        sender(outbox, notes).put(answer)
    await asyncio.sleep(0)

    assert notes == [b"first", b"second", b"third"]


async def test_the_next_batch_is_sent_too() -> None:
    notes: list[bytes] = []
    shopper = sender(Outbox(asyncio.get_running_loop()), notes)

    for answer in (b"one", b"two"):
        shopper.put(answer)
        await asyncio.sleep(0)

    assert notes == [b"one", b"two"]


async def test_much_is_sent_at_once_so_that_a_slow_shopper_is_noticed() -> None:
    notes: list[bytes] = []
    shopper = sender(Outbox(asyncio.get_running_loop()), notes)

    shopper.put(b"head ")
    shopper.put(b"." * 100_000)

    assert notes == [b"head " + b"." * 100_000]
    await asyncio.sleep(0)
    assert len(notes) == 1


async def test_the_first_of_very_many_does_not_wait_for_all_of_them() -> None:
    notes: list[bytes] = []
    outbox = Outbox(asyncio.get_running_loop())

    for _ in range(1000):
        sender(outbox, notes).put(b"answer")

    assert len(notes) > 900
    await asyncio.sleep(0)
    assert len(notes) == 1000


async def test_what_was_pushed_early_is_not_sent_again() -> None:
    notes: list[bytes] = []
    shopper = sender(Outbox(asyncio.get_running_loop()), notes)

    shopper.put(b"answer")
    shopper.push()
    await asyncio.sleep(0)

    assert notes == [b"answer"]


async def test_a_connection_that_cannot_be_written_to_costs_no_other_its_answer() -> None:
    loop = asyncio.get_running_loop()
    said: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: said.append(context))
    notes: list[bytes] = []
    outbox = Outbox(loop)

    sender(outbox, notes, broken=True).put(b"lost")
    sender(outbox, notes).put(b"answer")
    await asyncio.sleep(0)

    assert notes == [b"answer"]
    assert [str(context["exception"]) for context in said] == ["no transport should do this"]
