"""A browser that two systems send to and fro gets an end, and the operator gets both rules' names."""

from __future__ import annotations

import pytest
from sessionful import TWO, kept, says
from shop import answering, page, rule, shop, system

HTML = "Accept: text/html"
RULES = (rule("/shop/**", "commerce", name="the shop"), rule("/**", "cms", name="the magazine"))


def to(location: str, body: bytes = b"", *lines: str) -> bytes:
    return page(body, "302 Found", f"Location: {location}", *lines)


async def followed(it, target: str, most: int = 12):
    """Follow redirects as a browser does, with its cookies; return the answers."""
    cookies: dict[str, str] = {}
    answers = []
    for _ in range(most):
        lines = ["Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items())] if cookies else []
        answer = await it.ask(target, "GET", HTML, *lines)
        answers.append(answer)
        for line in answer.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            cookies[name] = value
            if "Max-Age=0" in line:
                del cookies[name]
        if not 300 <= answer.status < 400:
            break
        target = answer.get("location")
    return answers


@pytest.mark.parametrize("body", [b"", b"over there"])
async def test_a_loop_between_the_systems_ends_and_is_told_by_both_rules_names(body, capfd):
    commerce, cms = answering(to("/welcome", body)), answering(to("/shop/welcome", body))
    async with shop(RULES, commerce=commerce, cms=cms) as it:
        answers = await followed(it, "/welcome")

        assert [answer.status for answer in answers] == [302] * (len(answers) - 1) + [508]
        assert len(answers) == 4
        assert b"leads back to itself" in answers[-1].body
        assert it.edge.snapshot().errors == {"redirect_loop": 1}
    told = capfd.readouterr().err
    assert "rule 'the shop' (commerce) redirects /shop/welcome to /welcome, rule 'the magazine' (cms), which" in told


async def test_two_redirects_on_the_way_to_a_page_are_left_alone_and_the_page_ends_the_trail():
    def turns(asked):
        return page(b"hello") if "done" in (asked.target) else to("/welcome?done")

    def begins(asked):
        return page(b"hello") if "done" in asked.target else to("/shop/check")

    async with shop(RULES, commerce=answering(turns), cms=answering(begins)) as it:
        answers = await followed(it, "/welcome")

        assert [answer.status for answer in answers] == [302, 302, 200]
        assert "Max-Age=0" in answers[-1].get("set-cookie")
        assert it.edge.snapshot().errors == {}


async def test_a_redirect_within_one_system_goes_on_byte_by_byte():
    async with shop(RULES, commerce=answering(), cms=answering(to("/elsewhere"))) as it:
        answer = await it.ask("/welcome", "GET", HTML)

        assert (answer.status, answer.get("location"), answer.all("set-cookie")) == (302, "/elsewhere", [])


async def test_the_connection_of_a_broken_redirect_serves_the_next_page():
    commerce, cms = answering(to("/welcome")), answering(to("/shop/welcome"))
    async with shop(RULES, commerce=commerce, cms=system(cms, connections=1)) as it:
        await followed(it, "/welcome")
        answer = await it.ask("/other", "GET", "Accept: */*")

        assert answer.status == 302
        assert it["cms"].calls == 1


async def test_where_sessions_are_kept_a_loop_ends_too_and_what_it_told_of_the_visitor_counts():
    rules = (rule("/shop/**", "commerce", name="the shop"), rule("/**", "cms", name="the magazine"))
    async with kept(rules=rules) as it:
        anna = it.browser()
        there, back = says("302 Found", ["Location: /shop/a"]), says("302 Found", ["Location: /a"], basket=TWO)
        statuses = []
        for _ in range(3):
            statuses.append((await anna.ask("/a", "GET", HTML, there)).status)
            statuses.append((await anna.ask("/shop/a", "GET", HTML, back)).status)

        assert statuses[:4] == [302, 302, 302, 508]
        await anna.ask("/b", "GET", HTML)
        assert it.heard("cms")["basket"] == TWO
        assert "inseam-trail" not in it.everything("cms")
