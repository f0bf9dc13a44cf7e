"""What a rules file says is what the edge works by: every key arrives in the generation."""

from datetime import datetime
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest
from rulesfile_shop import TOP, problems, shop, view, winner

from router.model import Edits, HealthCheck, Limits, Overload, Reply, ServerAddress, SystemSpec, Timeouts
from router.rules import Mirror, Redirect, Respond, Split, To, Treatment
from router.rulesfile import Sources, check_examples, load, run_tests
from router.rulesfile import compile as compile_rules

CONTRACT = """\
version: 1
systems:
  cms:      {servers: [http://127.0.0.1:8001], profile: wagtail}
  commerce: {servers: [http://127.0.0.1:8002, http://127.0.0.1:8003], profile: django-oscar, payment: true,
             authority: [login, basket, order], health: {path: /healthz, every: 5s}, timeout: 10s}
lists:
  short_tail: {file: short_tail.txt}          # one value a line; re-read when it changes
rules:
  - name: checkout
    path: [/checkout/**, /basket/**]          # ** any depth, * within a segment, {name} one segment
    to: commerce
    page: checkout
    examples: [/checkout/payment-details/]    # `inseam check` proves that each lands on this rule
  - name: short-tail product
    path: /catalogue/{sku}/
    when: {sku: {in: short_tail}}
    to: cms
    fallback: commerce                        # asked when the CMS is down or does not have the page
    page: product
  - name: long-tail product
    path: /catalogue/{sku}/
    to: commerce
    page: product
  - name: summer campaign
    path: /summer/**
    when: {between: {from: 2026-06-01, until: 2026-09-01, timezone: Europe/Berlin}}
    to: cms
    page: campaign
  - name: new brand pages
    path: /brands/**
    to: {cms: 20, commerce: 80}               # sticky per visitor, exact, raising never moves anyone back
    page: brand
  - {name: everything else, path: /**, to: cms, page: home}
tests:                                        # run by `inseam test`
  - {request: GET /catalogue/999/, expect: {system: commerce, rule: long-tail product}}
"""


@pytest.fixture
def contract(tmp_path):
    (tmp_path / "rules.yaml").write_text(CONTRACT)
    (tmp_path / "short_tail.txt").write_text("# short tail\n1001\n\n 1002 \r\n")
    return load(tmp_path / "rules.yaml")


JULY = datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.mark.parametrize(
    ("target", "now", "rule", "system"),
    [
        ("/checkout/payment-details/", 0, "checkout", "commerce"),
        ("/basket", 0, "checkout", "commerce"),
        ("/baskets", 0, "everything else", "cms"),
        ("/catalogue/1001/", 0, "short-tail product", "cms"),
        ("/catalogue/1002/", 0, "short-tail product", "cms"),
        ("/catalogue/1003/", 0, "long-tail product", "commerce"),
        ("/catalogue/1001", 0, "everything else", "cms"),
        ("/summer/", JULY, "summer campaign", "cms"),
        ("/summer/", 0, "everything else", "cms"),
        ("/brands/x/", 0, "new brand pages", "cms"),
    ],
)
def test_the_contract_of_the_design_decides(contract, target, now, rule, system):
    decision = contract.rules.match(view(target, now=now))

    assert (decision.rule.name, decision.system) == (rule, system)


def test_the_contract_arrives_whole(contract):
    assert contract.systems["cms"] == SystemSpec("cms", (ServerAddress("http", "127.0.0.1", 8001),), profile="wagtail")
    assert contract.systems["commerce"] == SystemSpec(
        "commerce",
        (ServerAddress("http", "127.0.0.1", 8002), ServerAddress("http", "127.0.0.1", 8003)),
        profile="django-oscar",
        payment=True,
        authority=frozenset({"login", "basket", "order"}),
        health=HealthCheck("/healthz", 5.0),
        timeouts=Timeouts(response=10.0),
    )
    assert contract.lists == {"short_tail": frozenset({"1001", "1002"})}
    assert [rule.intent for rule in contract.rules.rules] == ["buy", "browse", "browse", "browse", "browse", "browse"]
    assert contract.rules.rules[1].treatment.fallback == "commerce"
    assert contract.rules.rules[4].action == Split((("cms", 2000), ("commerce", 10_000)))
    assert [path.rpartition("/")[2] for path in contract.watched] == ["rules.yaml", "short_tail.txt"]
    assert [rule.position.line for rule in contract.rules.rules] == [9, 14, 20, 24, 29, 33]
    assert check_examples(contract) == []
    assert [result.passed for result in run_tests(contract)] == [True]


def test_everything_at_the_top_arrives():
    generation = shop(
        """
        version: 1
        hosts: [shop.example, "*.shop.example"]
        trusted_proxies: [10.0.0.0/8, ::1/128]
        country_header: CF-IPCountry
        updates: unsigned
        limits: {request_line: 4KB, head: 16KB, fields: 50, body: 10MB, head_time: 5s, body_rate: 1KB, body_grace: 20s,
                 idle: 30s, write_idle: 10s, connections: 100, client_connections: 10, requests: 1000}
        systems:
          cms: {servers: [http://127.0.0.1:8001]}
        rules:
          - {name: everything, path: /**, to: cms}
        """.replace("::1/128", '"::1/128"')
    )

    assert generation.hosts is not None
    assert generation.hosts(view(host="de.shop.example"))
    assert generation.trusted == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert generation.country_header == "cf-ipcountry"
    assert generation.limits == Limits(4096, 16384, 50, 10 * 2**20, 5.0, 1024, 20.0, 30.0, 10.0, 100, 10, 1000)


def test_what_a_file_leaves_out_is_as_the_model_says():
    generation = shop("- {name: everything, path: /**, to: cms}")

    assert generation.limits == Limits()
    assert generation.hosts is None
    assert generation.trusted == ()
    assert generation.systems["cms"] == SystemSpec("cms", (ServerAddress("http", "127.0.0.1", 8001),))
    assert generation.rules.rules[0].treatment == Treatment()
    assert generation.warnings[0].message == 'system "commerce": no rule sends anything there'


def test_a_system_arrives_whole():
    system = shop(
        """
        version: 1
        systems:
          commerce:
            servers: [https://shop.internal]
            health: {path: /up?full=1, every: 10s, timeout: 1s, rise: 3, fall: 4, host: Shop.Internal}
            timeout: {connect: 1s, idle: 2m}
            retries: 2
            connections: 10
            queue: 0
            queue_timeout: 500ms
            overload: {min: 8, max: 100, patience: 1s}
            keepalive: 15s
            tls: {verify: false, name: shop.example}
        rules:
          - {name: everything, path: /**, to: commerce}
        """
    ).systems["commerce"]

    assert system == SystemSpec(
        "commerce", (ServerAddress("https", "shop.internal", 443),),
        health=HealthCheck("/up?full=1", 10.0, 1.0, 3, 4, "shop.internal"), timeouts=Timeouts(1.0, 30.0, 120.0),
        retries=2, connections=10, queue=0, queue_timeout=0.5, overload=Overload(least=8, most=100, patience=1.0),
        keepalive=15.0, verify=False, tls_name="shop.example",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "overload"),
    [
        ("auto", Overload()), ("off", Overload(adaptive=False)), ("{limit: auto}", Overload()),
        ("{limit: 16}", Overload(16, adaptive=False)), ("{max: 64}", Overload(most=64)),
        ("{limit: 16, patience: 2s}", Overload(16, adaptive=False, patience=2.0)),
    ],
)  # fmt: skip
def test_what_a_system_bears_is_found_unless_it_is_said(said, overload):
    rules = f"""
        version: 1
        systems:
          commerce: {{servers: [http://127.0.0.1], overload: {said}}}
        rules:
          - {{name: everything, path: /**, to: commerce}}
        """

    assert shop(rules).systems["commerce"].overload == overload


def test_a_probe_that_comes_more_often_takes_no_longer_than_its_turn():
    rules = """
        version: 1
        systems:
          cms: {servers: [http://127.0.0.1:8001], health: {path: /healthz, every: 1s}}
        rules:
          - {name: everything, path: /**, to: cms}
        """

    assert shop(rules).systems["cms"].health == HealthCheck("/healthz", every=1.0, timeout=1.0)


def test_every_treatment_arrives():
    rule = shop(
        """
        - name: everything
          path: /go/{name}
          to: cms
          fallback: commerce
          rewrite: /campaign/{name}/
          timeout: 2m
          retries: 0
          body_limit: 1MB
          headers:
            request: {set: {x-channel: web, x-number: 007}, add: {x-a: [1, b]}, remove: [x-debug]}
            response: {remove: [server]}
          mirror: {to: commerce, percent: 12.5}
          page: campaign
          intent: buy
          examples: [/go/sale]
        """
    ).rules.rules[0]

    assert rule.action == To("cms")
    assert (rule.page, rule.intent) == ("campaign", "buy")
    assert rule.treatment == Treatment(
        fallback="commerce",
        rewrite="/campaign/{name}/",
        timeouts=Timeouts(response=120.0),
        retries=0,
        request=Edits({"x-channel": "web", "x-number": "007"}, [("x-a", "1"), ("x-a", "b")], ["x-debug"]),
        response=Edits(remove=["server"]),
        mirror=Mirror("commerce", 1250),
        body_limit=2**20,
    )
    assert str(rule.examples[0].position) == "rules.yaml:21:14"


def test_a_rules_timeout_leaves_the_rest_to_its_system():
    rule = shop(
        """
        version: 1
        systems:
          cms: {servers: [http://127.0.0.1:8001], timeout: {connect: 1s, response: 20s, idle: 5s}}
        rules:
          - {name: slow, path: /slow, to: cms, timeout: 2m}
          - {name: everything, path: /**, to: {cms: 100}, timeout: {idle: 1s}}
        """
    ).rules.rules

    assert [one.treatment.timeouts for one in rule] == [Timeouts(1.0, 120.0, 5.0), Timeouts(1.0, 20.0, 1.0)]


@pytest.mark.parametrize(
    ("said", "action"),
    [
        ("redirect: /campaign/{name}/", Redirect("/campaign/{name}/")),
        ("redirect: {to: 'https://shop.example/{name}', status: 308, keep_query: false}",
         Redirect("https://shop.example/{name}", 308, keep_query=False)),
        ("redirect: {location: /x, status: 301}", Redirect("/x", 301)),
        ("respond: {status: 404}", Respond(Reply(404))),
        ("respond: {body: Hallo}", Respond(Reply(200, [("Content-Type", "text/plain; charset=utf-8")], b"Hallo"))),
        ("respond: {body: <p>ü</p>, content_type: text/html, headers: {x-a: [b, c]}}",
         Respond(Reply(200, [("Content-Type", "text/html"), ("x-a", "b"), ("x-a", "c")], "<p>ü</p>".encode()))),
        ("respond: {file: page.html, status: 503}",
         Respond(Reply(503, [("Content-Type", "text/html; charset=utf-8")], b"<p>closed</p>"))),
        ("respond: {body: '{}', headers: {content-type: application/json}}",
         Respond(Reply(200, [("content-type", "application/json")], b"{}"))),
        ("to: {cms: 33.33, commerce: 66.67}", Split((("cms", 3333), ("commerce", 10_000)))),
        ("to: {cms: 0, commerce: 100}", Split((("cms", 0), ("commerce", 10_000)))),
    ],
)  # fmt: skip
def test_a_rule_does_what_it_says(said, action):
    generation = shop(f"- name: one\n  path: /go/{{name}}\n  {said}\n", {"page.html": "<p>closed</p>"})

    assert generation.rules.rules[0].action == action


def test_raising_a_share_moves_nobody_back():
    before = shop("- {name: brand, path: /**, to: {cms: 20, commerce: 80}}").rules.rules[0].action
    after = shop("- {name: brand, path: /**, to: {cms: 35, commerce: 65}}").rules.rules[0].action

    assert isinstance(before, Split)
    assert isinstance(after, Split)
    assert all(after.system(bucket) == "cms" for bucket in range(10_000) if before.system(bucket) == "cms")


def test_rules_of_one_owner_share_one_value():
    rules = shop("- {name: a, path: /a, to: cms}\n- {name: b, path: /b, to: cms}").rules.rules

    assert rules[0].action is rules[1].action
    assert rules[0].treatment is rules[1].treatment


def test_the_same_bytes_give_the_same_digest_wherever_they_lie(tmp_path):
    digests = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "rules.yaml").write_text(CONTRACT)
        (tmp_path / folder / "short_tail.txt").write_text("1001\n")
        digests.add(load(tmp_path / folder / "rules.yaml").digest)
    (tmp_path / "b" / "short_tail.txt").write_text("1002\n")

    assert len(digests) == 1
    assert load(tmp_path / "b" / "rules.yaml").digest not in digests


def test_a_generation_has_its_number():
    assert compile_rules(Sources("rules.yaml", CONTRACT.encode(), {"short_tail.txt": b""}), number=7).number == 7


def test_a_list_may_hold_what_looks_like_numbers():
    generation = shop(
        """
        lists: {partners: [0815, 4711, "12", acme, "grün"]}
        rules:
          - {name: partner, path: "/partner/{id}", when: {id: {in: partners}}, to: cms}
          - {name: nobody, path: /**, to: commerce}
        """
    )

    assert generation.lists["partners"] == frozenset({"0815", "4711", "12", "acme", "grün"})
    assert winner(generation, view("/partner/0815")) == "partner"
    assert winner(generation, view("/partner/815")) == "nobody"
    assert winner(generation, view("/partner/gr%C3%BCn")) == "partner"


def test_a_name_in_a_path_is_compared_decoded_however_the_list_spells_it():
    generation = shop(
        """
        lists: {brands: {file: brands.txt}}
        rules:
          - {name: brand, path: "/marken/{brand}/", when: {brand: {in: brands}}, to: cms}
          - {name: other, path: /**, to: commerce}
        """,
        {"brands.txt": "M%C3%BCller\nStraße\n50%25\nJos\u0065\u0301\n"},
    )

    for path in ("/marken/M%C3%BCller/", "/marken/Stra%C3%9Fe/", "/marken/50%25/", "/marken/Jos%C3%A9/"):
        assert winner(generation, view(path)) == "brand", path


def test_a_path_with_umlauts_holds_for_its_encoded_form():
    generation = shop("- {name: about, path: [/über-uns/, '/caf%c3%a9'], to: cms}")

    assert winner(generation, view("/%C3%BCber-uns/")) == "about"
    assert winner(generation, view("/caf%C3%A9")) == "about"


@pytest.mark.parametrize(
    ("when", "holds", "fails"),
    [
        ("host: shop.example", {"host": "shop.example"}, {"host": "www.shop.example"}),
        ('host: ["*.shop.example", bücher.example]', {"host": "xn--bcher-kva.example"}, {"host": "shop.example"}),
        ("method: [GET, HEAD]", {"method": "HEAD"}, {"method": "POST"}),
        ("query: {q: true}", {"target": "/x?q="}, {"target": "/x"}),
        ("query: {q: false}", {"target": "/x"}, {"target": "/x?q=1"}),
        ("query: {id: 007}", {"target": "/x?id=007"}, {"target": "/x?id=7"}),
        ("query: {q: grün}", {"target": "/x?q=gr%C3%BCn"}, {"target": "/x?q=gruen"}),
        ("header: {X-App: [ios, android]}", {"headers": {"x-app": "ios"}}, {"headers": {"x-app": "web"}}),
        ("header: {x-app: {is: ios}}", {"headers": {"x-app": "ios"}}, {"headers": {"x-app": "iOS"}}),
        ("header: {x-app: true}", {"headers": {"x-app": ""}}, {}),
        (
            "cookie: {beta: {matches: 'v[0-9]+'}}",
            {"headers": {"cookie": "beta=v12"}},
            {"headers": {"cookie": "beta=v12x"}},
        ),
        ("cookie: {beta: {in: short}}", {"headers": {"cookie": "beta=a"}}, {"headers": {"cookie": "beta=b"}}),
        (
            "language: [DE, fr]",
            {"headers": {"accept-language": "de-AT, en"}},
            {"headers": {"accept-language": "en, de"}},
        ),
        ("country: [de, AT]", {"country": "DE"}, {"country": "FR"}),
        ("country: NO", {"country": "NO"}, {"country": "DE"}),
        ("client: 192.0.2.0/24", {"client": "192.0.2.7"}, {"client": "198.51.100.1"}),
        ('client: ["2001:db8::/32", 192.0.2.1]', {"client": "2001:db8::1"}, {"client": "192.0.2.2"}),
        ("session: {login: true}", {"login": True}, {"login": False}),
        ("session: {login: false, basket: filled}", {"items": 1}, {"items": 1, "login": True}),
        ("session: {basket: empty}", {}, {"items": 2}),
        ("between: {from: 2026-06-01}", {"now": JULY}, {"now": 0}),
        ("between: {until: 2026-06-01T00:00+02:00}", {"now": 0}, {"now": JULY}),
        ("name: {matches: '[a-z]+'}", {"target": "/x"}, {"target": "/7"}),
        ("name: [x, y]", {"target": "/y"}, {"target": "/z"}),
        ("{method: GET, session: {login: true}}", {"login": True}, {"login": True, "method": "POST"}),
    ],
)
def test_every_condition_holds_for_what_it_names_and_for_nothing_else(when, holds, fails):
    generation = shop(
        f"""
        country_header: cf-ipcountry
        lists: {{short: [a]}}
        rules:
          - name: special
            path: "/{{name}}"
            when: {when if when.startswith("{") else "{" + when + "}"}
            to: cms
          - {{name: general, path: /**, to: commerce}}
        """
    )

    assert winner(generation, view(**{"target": "/x", **holds})) == "special"
    assert winner(generation, view(**{"target": "/x", **fails})) == "general"


def test_a_window_opens_at_midnight_of_its_zone():
    generation = shop(
        """
        - name: summer
          path: /**
          when: {between: {from: 2026-06-01, until: 2026-09-01, timezone: Europe/Berlin}}
          to: cms
        - {name: rest, path: /**, to: commerce}
        """
    )
    opens = datetime(2026, 6, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    closes = datetime(2026, 9, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()

    assert [winner(generation, view(now=now)) for now in (opens - 1, opens, closes - 1, closes)] == [
        "rest", "summer", "summer", "rest",
    ]  # fmt: skip
    assert str(generation.rules.rules[0].conditions[0]) == "between 2026-06-01 and 2026-09-01 Europe/Berlin"


def test_a_list_file_that_is_not_utf_8_is_a_problem_at_its_own_line():
    text = "lists: {a: {file: a.txt}}\nrules:\n  - {name: x, path: /**, to: cms}\n"
    sources = Sources("rules.yaml", (TOP + text).encode(), {"a.txt": b"fine\nsch\xf6n\n"})

    with pytest.raises(Exception, match=r"a\.txt:2:4: error: this line is not UTF-8"):
        compile_rules(sources)


def test_problems_of_several_parts_are_told_together():
    found = problems(
        """
        - {name: a, path: a, to: cms}
        - {name: b, path: /b, to: nowhere}
        - {name: c, path: /c, tu: cms}
        """
    )

    assert [problem.split(":")[0] for problem in found] == ["7", "8", "9", "9"]
