"""The plugin that tells the systems how a request was routed, and the ribbon that shows it."""

from __future__ import annotations

import dataclasses

import pytest

from deploy.demo.banner import ribbon
from deploy.demo.ribbon import PLUGIN, DemoRibbon
from router.model import Decision, Edits, Headers, RequestView
from router.patterns import PathPattern
from router.pluginloader import find
from router.rules import Redirect, Rule, Split, To, Treatment


def decided(rule: Rule, system: str, query: str = "") -> RequestView:
    view = RequestView("GET", "/brands/hald/", Headers([]), query=query)
    view.decision = rule.decisions.get(system) or Decision(rule, system)
    return view


TO_CMS = To("cms")


def rule(name="brand pages", action=TO_CMS, page="brand", fallback=""):
    return Rule(name, (PathPattern.parse("/brands/**"),), action, page=page, treatment=Treatment(fallback=fallback))


def test_the_headers_name_rule_page_and_system():
    edits = DemoRibbon().on_request(decided(rule(), "cms"))

    assert edits == Edits(
        set={"Inseam-Demo-Rule": "brand pages", "Inseam-Demo-Page": "brand", "Inseam-Demo-System": "cms"}
    )


def test_the_link_asks_the_admin_address_about_this_very_request():
    edits = DemoRibbon(admin="http://127.0.0.1:9090").on_request(decided(rule(), "cms", "a=1&b=%C3%A9"))

    page = ribbon(edits.set, "cms")

    asked = "method=GET&amp;url=%2Fbrands%2Fhald%2F%3Fa%3D1%26b%3D%25C3%25A9"
    assert f'href="http://127.0.0.1:9090/api/explain?{asked}"' in page


@pytest.mark.parametrize("name", ["brand pages", "Sommer – Tisch", "100% <b>", "價格", "a%20b", "naïve\tname"])
def test_a_rules_name_arrives_as_it_was_written(name):
    from html import escape

    edits = DemoRibbon().on_request(decided(rule(name), "cms"))

    assert edits.set["Inseam-Demo-Rule"].isascii()
    assert edits.set["Inseam-Demo-Rule"].isprintable()
    assert f"<b>{escape(name)}</b>" in ribbon(edits.set, "cms")


def test_a_fallback_is_told_who_was_asked_first():
    edits = DemoRibbon().on_request(decided(rule(fallback="commerce"), "commerce"))

    assert edits.set["Inseam-Demo-System"] == "cms"
    assert "fallback for cms" in ribbon(edits.set, "commerce")


def test_both_systems_of_a_split_serve_in_their_own_name():
    split = rule(action=Split.of([("cms", 20), ("commerce", 80)]))

    for system in ("cms", "commerce"):
        edits = DemoRibbon().on_request(decided(split, system))
        assert edits.set["Inseam-Demo-System"] == system
        assert "fallback" not in ribbon(edits.set, system)


def test_an_answer_of_the_edge_itself_is_no_fault():
    assert DemoRibbon().on_request(decided(rule(action=Redirect("/")), "")) is not None
    assert DemoRibbon().on_request(RequestView("GET", "/", Headers([]))) is None


def test_it_is_a_plugin_as_rules_files_name_them():
    assert find("demo-ribbon") is PLUGIN
    assert [field.name for field in dataclasses.fields(PLUGIN)] == ["admin"]
