"""A plugin's options are checked against its fields, and a wrong one is a problem at its own place."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field
from rulesfile_shop import problems, shop

from router.model import RequestView
from router.pluginloader import PluginError


@dataclass(frozen=True, slots=True)
class Stamp:
    text: str
    times: Annotated[int, Field(ge=1)] = 1
    rate: float = 1.0
    kind: Literal["rubber", "wax"] = "rubber"
    colours: tuple[str, ...] = ()
    strict: bool = False
    _seen: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if self.text == "blank":
            raise ValueError("a stamp must not be blank: give it a text")

    def on_request(self, view: RequestView) -> None:
        return None


@dataclass(frozen=True)
class Plain:
    def on_request(self, view: RequestView) -> None:
        return None


@dataclass(frozen=True)
class Unreadable:
    what: Any = None
    helper: "NoSuchType" = None  # type: ignore[name-defined]  # noqa: F821

    def on_request(self, view: RequestView) -> None:
        return None


class Finder:
    classes: ClassVar[dict[str, type]] = {"stamp": Stamp, "plain": Plain, "unreadable": Unreadable}

    def find(self, name: str) -> type | None:
        if name == "broken":
            raise PluginError("plugin 'broken' cannot be imported", "repair it")
        return self.classes.get(name)

    def names(self) -> list[str]:
        return [*self.classes, "broken"]


def made(entries: str) -> tuple[object, ...]:
    text = f"plugins: {entries}\nrules: [{{name: everything, path: /**, to: cms}}]\n"
    return shop(text, plugins=Finder()).plugins


def wrong(entries: str) -> list[str]:
    return problems(f"plugins: {entries}\nrules: [{{name: everything, path: /**, to: cms}}]\n", plugins=Finder())


def test_options_are_the_fields_of_the_plugin():
    assert made('[plain, stamp: {text: hallo, times: 3, rate: 2, kind: wax, colours: [red, "1"], strict: true}]') == (
        Plain(),
        Stamp("hallo", 3, 2.0, "wax", ("red", "1"), strict=True),
    )


def test_a_plugin_without_options_may_end_with_a_colon():
    assert made("\n  - plain:\n  - plain: {}") == (Plain(), Plain())


def test_each_entry_is_a_plugin_of_its_own():
    first, second = made("[{stamp: {text: a}}, {stamp: {text: a}}]")

    assert first == second
    assert first is not second


def test_a_rules_plugins_are_its_own():
    generation = shop("- {name: everything, path: /**, to: cms, plugins: [{stamp: {text: a}}]}", plugins=Finder())

    assert generation.plugins == ()
    assert generation.rules.rules[0].treatment.plugins == (Stamp("a"),)


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("[stmp]", '5:11: error: unknown plugin "stmp" (did you mean "stamp"?)'),
        ("[stamp]", '5:11: error: plugin "stamp": the option "text" is missing'),
        ("[broken]", "5:11: error: plugin 'broken' cannot be imported (repair it)"),
        ("[stamp: {text: a, tims: 3}]", '5:28: error: plugin "stamp": unknown option "tims" (did you mean "times"?)'),
        ("[stamp: {text: a, _seen: {}}]",
         '5:28: error: plugin "stamp": unknown option "_seen" (known: text, times, rate, kind, colours, strict)'),
        ("[plain: {a: 1}]", '5:19: error: plugin "plain": unknown option "a" (it has no options)'),
        ("[stamp: {text: 5}]",
         '5:25: error: plugin "stamp": option "text" should be a valid string (put it in quotes: "5")'),
        ("[stamp: {text: a, times: '3'}]", '5:35: error: plugin "stamp": option "times" should be a valid integer'),
        ("[stamp: {text: a, times: 0}]",
         '5:35: error: plugin "stamp": option "times" should be greater than or equal to 1'),
        ("[stamp: {text: a, strict: yes}]", '5:36: error: plugin "stamp": option "strict" should be a valid boolean'),
        ("[stamp: {text: a, colours: [a, 1]}]",
         '5:41: error: plugin "stamp": option "colours" should be a valid string (put it in quotes: "1")'),
        ("[stamp: {text: blank}]", '5:11: error: plugin "stamp": a stamp must not be blank (give it a text)'),
        ("[stamp: [a]]",
         ("5:18: error: expected a plugin, or {plugin: {option: value}}, not a list "
          "(write `- request-id` or `- rate-limit: {per_minute: 60}`)")),
    ],
)  # fmt: skip
def test_a_wrong_option_is_a_problem_at_its_place(entries, problem):
    assert wrong(entries) == [problem]


def test_a_plugin_whose_fields_mean_nothing_is_a_problem_of_the_plugin():
    (problem,) = wrong("[unreadable]")

    assert problem.startswith('5:11: error: plugin "unreadable": its options cannot be checked')
