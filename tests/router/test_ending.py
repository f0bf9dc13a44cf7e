"""Leaving: readiness says so first, and who sends traffic here gets time to see it. REQUIREMENTS, 49."""

from __future__ import annotations

import os
import signal
import time

from running_edge import RunningEdge, Start, alive, until


def test_shoppers_are_let_in_for_a_while_after_readiness_said_no(start: Start) -> None:
    edge: RunningEdge = start("--drain-wait", "1.5")
    begun = time.monotonic()

    edge.process.send_signal(signal.SIGTERM)

    until(lambda: edge.get("/readyz", edge.admin)[0] == 503)
    assert edge.get("/livez", edge.admin)[0] == 200
    assert edge.get("/catalogue/7/") == (200, "cms /catalogue/7/")
    assert edge.process.wait(15) == 0
    assert time.monotonic() - begun > 1.5
    assert "shoppers are let in for another 1.5 s" in edge.said()


def test_a_second_signal_ends_the_wait(start: Start) -> None:
    edge: RunningEdge = start("--drain-wait", "600")
    edge.process.send_signal(signal.SIGTERM)
    until(lambda: edge.get("/readyz", edge.admin)[0] == 503)

    edge.process.send_signal(signal.SIGINT)

    assert edge.process.wait(15) == 0


def test_an_upgrade_does_not_wait_for_anybody(start: Start) -> None:
    """The sockets are open in the new program: nobody has to go elsewhere."""
    edge: RunningEdge = start("--drain-wait", "600")

    edge.process.send_signal(signal.SIGUSR2)

    assert edge.process.wait(60) == 0
    new = int(edge.said().rpartition("upgraded: supervisor ")[2].partition(" ")[0])
    os.kill(new, signal.SIGTERM)
    until(lambda: edge.get("/readyz", edge.admin)[0] == 503)
    os.kill(new, signal.SIGTERM)
    until(lambda: not alive(new), 20)
