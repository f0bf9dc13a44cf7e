"""The payment report: word for word for one shop, and false where something does not hold.

After a wanted change: `INSEAM_GOLDEN=write make unit`, and read the difference before you commit it.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from router.__main__ import main
from router.commands.payment_report import as_text
from router.errors import Position, Problem
from router.evidence import evidence, spellings
from router.generation import Generation
from router.index import Index
from router.model import ServerAddress
from router.patterns import PathPattern
from router.rules import Mirror, Rule, To, Treatment
from router.rulesfile import check_examples, load

HERE = Path(__file__).parent
MADE = "2026-11-22T12:00:00Z"
WRITE = os.environ.get("INSEAM_GOLDEN") == "write"


@pytest.fixture
def generation(monkeypatch: pytest.MonkeyPatch) -> Generation:
    monkeypatch.chdir(HERE)
    return load("payment_report.yaml")


def report(generation: Generation, problems: list[Problem] = []) -> str:  # noqa: B006
    return "\n".join(as_text(evidence(generation, problems, MADE, "0.0.0")))


def checkout(action: str = "commerce", **treatment) -> Rule:
    return Rule("checkout", (PathPattern.parse("/checkout/**"),), To(action), page="checkout",
                treatment=Treatment(**treatment))  # fmt: skip


def test_the_report_of_a_shop_word_for_word(generation):
    said = report(generation, check_examples(generation)) + "\n"

    golden = HERE / "payment_report.expected"
    if WRITE:
        golden.write_text(said)
    assert said == golden.read_text()


def test_the_same_file_gives_the_same_report(generation):
    assert report(generation) == report(load("payment_report.yaml", number=7))


def test_a_machine_reads_the_same(generation, capsys):
    assert main(["check", "payment_report.yaml", "--payment-report", "--format", "json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["digest"] == generation.digest
    assert said["holds"]
    assert {zone["system"]: zone["payment"] for zone in said["zones"]} == {"cms": False, "commerce": True}
    assert [way["rule"] for way in said["ways"] if way["guarded"]] == ["checkout", "basket"]
    assert said["unwatched"] == ["editors (cms)"]


def test_the_report_is_printed_with_its_date(generation, capsys):
    assert main(["check", "payment_report.yaml", "--payment-report"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("PAYMENT REPORT\n")
    assert "\nmade        20" in said


def test_a_file_with_a_problem_has_no_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (HERE / "payment_report.yaml").read_text()
    text = text.replace("to: commerce\n    page: checkout", "to: cms\n    page: checkout")
    (tmp_path / "rules.yaml").write_text(text)

    assert main(["check", "--payment-report"]) == 1
    assert "PAYMENT REPORT" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wrong", "claim"),
    [
        (checkout("cms"), "goes to another system"),
        (checkout(fallback="cms"), "falls back on another system"),
        (checkout(mirror=Mirror("cms")), "is mirrored to another system"),
        (checkout(rewrite="/kasse"), "by another path than the one matched"),
    ],
)
def test_what_does_not_hold_is_said_whatever_the_loader_let_through(generation, wrong, claim):
    everything = Rule("everything", (PathPattern.parse("/**"),), To("cms"))

    found = evidence(replace(generation, rules=Index([wrong, everything])), [], MADE, "0.0.0")

    assert not found.holds
    assert [claim in proof.claim for proof in found.proofs if not proof.holds] == [True]


def test_an_example_that_lands_elsewhere_and_a_server_on_both_sides_are_said(generation):
    problem = Problem(Position("payment_report.yaml", 1, 1), "example")
    shared = replace(generation.systems["cms"], servers=(ServerAddress("https", "shop-a.internal", 443),))
    both = replace(generation, systems={**generation.systems, "cms": shared})

    assert "[ ] every example lands on its rule" in report(generation, [problem])
    assert "SHARES   https://shop-a.internal:443 with commerce" in report(both)
    assert "[ ] no payment system shares a server with another system" in report(both)


def test_a_shop_where_nobody_takes_payments_has_nothing_to_show(generation):
    cms = {"cms": generation.systems["cms"], "commerce": replace(generation.systems["commerce"], payment=False)}

    assert not evidence(replace(generation, systems=cms), [], MADE, "0.0.0").holds


def test_spellings_are_many_and_none_is_the_path_itself():
    ways = spellings("/checkout/pay/")

    assert len(set(ways)) == len(ways) >= 24
    assert "/checkout/pay/" not in ways
    assert all(way.startswith(("/", "%2f", "%5c", "\\", ";", "heckout")) for way in ways)
