"""docs/operations.md says what is there, and nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

import click
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from router.accesslog import Record
from router.admin.house import Standing
from router.admin.metrics import exposition
from router.commands.running import serve
from router.counters import RuleCount, ServerCount, Snapshot

EVENTS = [
    "mirrored", "handoff:login", "loss:login:cookie_deleted", "repair:cookie", "session_begun", "session:login",
    "cookie_refused:forged", "update_refused:cms:kid", "update_beyond:cms:login", "question:cms", "question_failed:cms",
    "site:taken", "store:asked", "shed:commerce:browse:browsing",
]  # fmt: skip
"""One event of each kind that a metric is made of."""

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.fixture
def metrics() -> dict[str, tuple[str, ...]]:
    """Every metric with its labels."""
    standing = Standing(False, 1, 0.0, "rules.yaml", "", 0, 0, [], [], 1, 0, [], [("cms", "http://a", True)])
    counted = Snapshot(
        rules=[RuleCount("r", "cms", "home", "browse", statuses=[1] * 6)],
        servers=[ServerCount("cms", "http://a", failures={"reset": 1})],
        errors={"no_rule": 1}, plugin_errors={"Pace": 1},
        events=dict.fromkeys(EVENTS, 1),
    )  # fmt: skip
    text = exposition(standing, counted)[0].decode()
    found: dict[str, tuple[str, ...]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert family.samples, f"{name} has no sample"
        found[name] = tuple(sorted({label for sample in family.samples for label in sample.labels} - {"le"}))
    return found


def test_every_metric_is_on_the_page_with_its_labels(metrics: dict[str, tuple[str, ...]]) -> None:
    told = {row[0].strip("`"): tuple(sorted(filter(None, row[1].split(", ")))) for row in rows("Metrics")}

    assert told == metrics


def test_every_option_is_on_the_page_with_its_twin_and_default() -> None:
    told = {row[0].strip("`").split()[0]: (row[1].strip("`"), row[2].strip("`")) for row in rows("Options")}

    options = [option for option in serve.params if isinstance(option, click.Option)]
    assert set(told) == {option.opts[0] for option in options}
    for option in options:
        default = option.default[0] if isinstance(option.default, list | tuple) else option.default
        assert told[option.opts[0]] == (option.envvar, default if isinstance(default, str) else "")


def test_the_access_log_line_on_the_page_has_every_field_in_order() -> None:
    (line,) = re.findall(r'^\{"time".*\}$', PAGE.split("\n## Access log\n")[1], re.MULTILINE)

    record = msgspec.json.decode(line, type=Record)

    assert list(msgspec.json.decode(line)) == list(Record.__struct_fields__)
    assert record.reason == ""
