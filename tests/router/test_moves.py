"""New rules that would take a basket, a checkout or an account away from its system are noticed in time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from router.generation import Generation
from router.moves import moves
from router.overlap import meets, samples
from router.patterns import PathPattern
from router.rulesfile import load

LIVE = """\
version: 1
country_header: cf-ipcountry
systems:
  cms: {servers: [http://127.0.0.1:8001]}
  commerce: {servers: [http://127.0.0.1:8002]}
rules:
  - {name: checkout, path: [/checkout/**, "/shop/{lang}/kasse/**"], to: commerce, page: checkout}
  - {name: basket, path: /basket/**, to: commerce, page: basket}
  - {name: account, path: /konto/**, when: {host: shop.example}, to: commerce, page: account}
  - {name: hidden desk, path: /till/**, to: commerce, intent: buy}
  - {name: trial, path: /orders/**, to: {cms: 10, commerce: 90}, page: order}
  - {name: products, path: "/catalogue/**", to: commerce, page: product}
  - {name: everything else, path: /**, to: cms, page: home}
"""
CATCH_ALL = "  - {name: everything else"


def generation(tmp_path: Path, text: str, name: str = "rules.yaml") -> Generation:
    path = tmp_path / name
    path.write_text(text)
    return load(path)


def changed(old: str, new: str) -> str:
    assert old in LIVE
    return LIVE.replace(old, new)


def first(rule: str) -> str:
    """The live rules with one more in front."""
    return LIVE.replace("rules:\n", f"rules:\n  - {{{rule}}}\n")


MOVED = [
    ("another owner", changed("to: commerce, page: checkout", "to: cms, page: checkout"), "checkout", "cms"),
    ("a rule before it for the same path", first("name: promo, path: /checkout/**, to: cms"), "checkout", "cms"),
    ("a rule before it for a part of it", first("name: promo, path: /checkout/payment/, to: cms"), "checkout", "cms"),
    ("a rule before it for much more", first("name: relaunch, path: /**, to: cms"), "checkout", "cms"),
    ("a rule that crosses it", first('name: german, path: "/shop/de/**", to: cms'), "checkout", "cms"),
    ("a rule with ** in the middle", first('name: deep, path: "/**/payment/", to: cms'), "checkout", "cms"),
    ("a rule with a star", first('name: star, path: "/check*/pay*", to: cms'), "checkout", "cms"),
    ("only on a host", first("name: promo, path: /basket/**, when: {host: m.shop.example}, to: cms"), "basket", "cms"),
    ("only with a cookie", first("name: test, path: /basket/, when: {cookie: {beta: on}}, to: cms"), "basket", "cms"),
    ("only with a query", first("name: test, path: /basket/, when: {query: {v: '2'}}, to: cms"), "basket", "cms"),
    ("only from a country", first("name: ch, path: /basket/, when: {country: CH}, to: cms"), "basket", "cms"),
    ("only for POST", first("name: p, path: /basket/add/, when: {method: POST}, to: cms"), "basket", "cms"),
    ("from 2040 on", first("name: l, path: /basket/, when: {between: {from: 2040-01-01}}, to: cms"), "basket", "cms"),
    ("the same host of an account", first("name: k, path: /konto/login/, to: cms"), "account", "cms"),
    ("by intent alone", changed("path: /till/**, to: commerce", "path: /till/**, to: cms"), "hidden desk", "cms"),
    ("a share", changed("to: commerce, page: basket", "to: {cms: 1, commerce: 99}, page: basket"), "basket", "cms"),
    ("a fallback", changed("to: commerce, page: basket", "to: commerce, fallback: cms, page: basket"), "basket", "cms"),
    ("a mirror", changed("to: commerce, page: basket", "to: commerce, mirror: cms, page: basket"), "basket", "cms"),
    (
        "a rule that is gone",
        LIVE.replace("  - {name: basket, path: /basket/**, to: commerce, page: basket}\n", ""), "basket", "cms",
    ),
    (
        "nobody left",
        "\n".join(line for line in LIVE.splitlines() if "basket" not in line and CATCH_ALL not in line), "basket", "",
    ),
    (
        "a system that is new",
        LIVE.replace("rules:", "  till: {servers: [http://127.0.0.1:8003]}\nrules:").replace(
            "to: commerce, page: basket", "to: till, page: basket"), "basket", "till",
    ),
    (
        "servers that changed places",
        LIVE.replace("8001", "8003").replace("8002", "8001").replace("8003", "8002"), "checkout", "cms",
    ),
]  # fmt: skip

STAYS = [
    ("nothing changed", LIVE),
    ("a product page moves", changed("to: commerce, page: product", "to: cms, page: product")),
    ("the same under another name", changed("name: basket", "name: trolley")),
    ("a look-alike", first("name: cartoon, path: /checkouts/**, to: cms")),
    ("another file of it", first("name: logo, path: /logo/checkout, to: cms")),
    ("a rule behind it", LIVE.replace(CATCH_ALL, "  - {name: late, path: /checkout/help/, to: cms}\n" + CATCH_ALL)),
    ("a part for the same system", first("name: pay, path: /checkout/pay/**, to: commerce, page: payment")),
    ("a share that grows", changed("{cms: 10, commerce: 90}", "{cms: 50, commerce: 50}")),
    ("a share of none", changed("to: commerce, page: basket", "to: {cms: 0, commerce: 100}, page: basket")),
    ("closed by the edge", changed("to: commerce, page: basket", "respond: {status: 503}, page: basket")),
    ("another server", LIVE.replace("8002", "8009")),
    ("a system with another name", LIVE.replace("commerce", "oscar")),
    ("a host it does not have", first("name: a, path: /konto/**, when: {host: blog.example}, to: cms")),
]


@pytest.mark.parametrize(("text", "rule", "gained"), [case[1:] for case in MOVED], ids=[case[0] for case in MOVED])
def test_a_page_that_would_move_is_noticed(tmp_path: Path, text: str, rule: str, gained: str) -> None:
    found = moves(generation(tmp_path, LIVE), generation(tmp_path, text, "new.yaml"))

    assert (rule, gained) in [(move.rule, ", ".join(move.gained)) for move in found]


@pytest.mark.parametrize("text", [case[1] for case in STAYS], ids=[case[0] for case in STAYS])
def test_what_moves_nothing_needs_no_flag(tmp_path: Path, text: str) -> None:
    assert moves(generation(tmp_path, LIVE), generation(tmp_path, text, "new.yaml")) == []


def test_a_move_is_told_with_path_rules_systems_and_the_way_out(tmp_path: Path) -> None:
    text = first("name: promo, path: /checkout/payment/, to: cms")

    (move,) = moves(generation(tmp_path, LIVE), generation(tmp_path, text, "new.yaml"))

    assert str(move.problem()).partition("new.yaml:")[2] == (
        '7:5: error: rule "promo": /checkout/payment/ could reach "cms"; the live rule "checkout" (checkout)'
        ' sends /checkout/** to "commerce"'
        ' (put it after rule "checkout", or if it is meant: inseam reload --allow-move)'
    )


def test_a_page_that_nobody_would_answer_is_told_so(tmp_path: Path) -> None:
    text = next(case[1] for case in MOVED if case[0] == "nobody left")

    said = [str(move.problem()) for move in moves(generation(tmp_path, LIVE), generation(tmp_path, text, "new.yaml"))]

    assert any("/basket would have no rule any more" in line for line in said)


def test_very_many_rules_do_not_hold_a_reload_up(tmp_path: Path) -> None:
    more = "".join(f'  - {{name: "brand {n}", path: /brands/{n}/**, to: cms}}\n' for n in range(3000))
    live = generation(tmp_path, LIVE)
    new = generation(tmp_path, LIVE.replace(CATCH_ALL, more + CATCH_ALL), "new.yaml")

    begun = time.process_time()
    assert moves(live, new) == []

    assert time.process_time() - begun < 1.0


# --- where two patterns meet ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("/checkout/**", "/checkout/payment/", ["/checkout/payment/"]),
        ("/checkout/**", "/checkout", ["/checkout"]),
        ("/{lang}/checkout/**", "/de/**", ["/de/checkout", "/de/checkout/", "/de/checkout/x", "/de/checkout/x/"]),
        ("/a*/b", "/{x}/*b", ["/ax/b"]),
        ("/**/pay/", "/checkout/**", ["/checkout/pay/", "/checkout/x/pay/", "/checkout/x/x/pay/"]),
        ("/**", "/", ["/"]),
        ("/checkout/", "/checkout", []),
        ("/checkout/**", "/checkouts/**", []),
        ("/{one}", "/a/b", []),
        ("/{one}/", "/", []),
    ],
)  # fmt: skip
def test_two_paths_meet_in_what_both_hold_for(one: str, other: str, expected: list[str]) -> None:
    left, right = PathPattern.parse(one), PathPattern.parse(other)

    assert meets(left, right) == expected
    assert set(meets(right, left)) == set(expected)


@pytest.mark.parametrize("text", ["/", "/a", "/a/", "/a/**", "/**", "/{x}/b/**", "/a*c/*", "/a/**/b", "/**/c/**"])
def test_every_path_has_samples_that_it_holds_for(text: str) -> None:
    pattern = PathPattern.parse(text)

    assert samples(pattern)
    assert all(pattern(path) for path in samples(pattern))
