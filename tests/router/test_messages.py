"""What supervisor, worker and `inseam reload` tell each other arrives as it was said: in the compiled build too."""

from __future__ import annotations

import msgspec
import pytest

from router.commands.running import _print_outcome
from router.errors import Position, Problem
from router.reload import Outcome
from router.supervision import messages as say
from router.supervision.settings import Address

PROBLEMS = [
    Problem(Position("rules.yaml", 8, 11), "unknown system", "did you mean cms?"),
    Problem(Position("rules.yaml"), "odd", severity="warning"),
]


def test_why_a_worker_refuses_the_rules_reaches_its_supervisor():
    said = say.Prepared(7, PROBLEMS)

    arrived = msgspec.msgpack.Decoder(say.FromWorker).decode(msgspec.msgpack.encode(said))

    assert arrived == said


def test_a_refused_reload_is_told_with_its_problems(capsys: pytest.CaptureFixture[str]):
    body = msgspec.json.encode(Outcome("refused", 3, PROBLEMS[:1], PROBLEMS[1:]))

    code = _print_outcome(409, body, Address("127.0.0.1", 9090))

    assert code == 1
    assert capsys.readouterr().err.splitlines() == [
        "rules.yaml:8:11: error: unknown system (did you mean cms?)",
        "rules.yaml: warning: odd",
        "refused, generation 3 stays live",
    ]
