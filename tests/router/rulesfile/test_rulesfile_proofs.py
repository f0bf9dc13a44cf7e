"""`examples:` and `tests:` prove what they say, in winter as in summer."""

from datetime import UTC, datetime

import pytest
from rulesfile_shop import shop

from router.rulesfile import check_examples, run_tests


def said(text: str) -> list[str]:
    return [f"{problem.message} ({problem.hint})" for problem in check_examples(shop(text))]


@pytest.mark.parametrize(
    "when",
    [
        "between: {from: 2026-06-01, until: 2026-09-01}",
        "between: {until: 2026-09-01}",
        "header: {x-app: true}",
        "header: {x-app: [ios, android]}",
        "header: {x-app: {matches: 'ios-.*'}}",
        "cookie: {a: '1', b: {in: values}}",
        "query: {preview: true, q: x}",
        "query: {q: {matches: '[0-9]+'}}",
        "language: de",
        "country: DE",
        "client: 10.0.0.0/8",
        "session: {login: true, basket: filled}",
        "host: '*.shop.example'",
        "method: POST",
        "header: {x-app: false}",
    ],
)
def test_what_an_example_does_not_say_is_taken_as_given(when):
    problems = said(
        f"""
        country_header: cf-ipcountry
        lists: {{values: [x]}}
        rules:
          - {{name: special, path: /**, when: {{{when}}}, to: cms, examples: [/page]}}
          - {{name: general, path: /**, to: commerce, examples: [/page]}}
        """
    )

    assert [problem for problem in problems if "special" in problem[:20]] == []


@pytest.mark.parametrize(
    ("when", "example", "why"),
    [
        ("method: POST", "GET /page", "method is POST"),
        ("host: shop.example", "https://other.example/page", "host is shop.example"),
        ("query: {q: x}", "/page?q=y", "query q is x"),
        ("query: {q: {matches: '[0-9]+'}}", "/page?q=y", "query q matches [0-9]+"),
        ("name: [a, b]", "/c", "{name} is a or b"),
    ],
)
def test_what_an_example_says_must_hold(when, example, why):
    text = f'- {{name: special, path: "/{{name}}", when: {{{when}}}, to: cms, examples: ["{example}"]}}'

    (problem,) = said(text)
    assert problem == (
        f'rule "special": example "{example}" does not hold for it: {why}; no rule holds for it '
        "(change the example, or the rule)"
    )


def test_an_example_that_another_rule_takes_names_that_rule_and_its_place():
    (problem,) = said(
        """
        - {name: basket, path: /basket/**, to: commerce}
        - {name: general, path: /**, to: cms, examples: [/basket/]}
        """
    )

    assert problem == (
        'rule "general": example "/basket/" lands on rule "basket" (rules.yaml:7:3), which stands before it and holds '
        "for /basket/** (put the rule before that one, or change the example)"
    )


def test_an_example_behind_a_campaign_is_proved_outside_the_campaigns_window():
    assert (
        said(
            """
            - {name: summer, path: /**, when: {between: {until: 2026-09-01}}, to: cms}
            - {name: autumn, path: /**, when: {between: {from: 2026-08-01, until: 2026-11-01}}, to: cms}
            - {name: other months, path: /**, to: cms, examples: [/]}
            """
        )
        == []
    )


def test_a_split_is_proved_whichever_system_it_takes():
    assert said("- {name: brand, path: /**, to: {cms: 1, commerce: 99}, examples: [/brands/x]}") == []


TESTS = """
version: 1
hosts: [shop.example]
country_header: cf-ipcountry
systems:
  cms: {{servers: [http://127.0.0.1:8001]}}
  commerce: {{servers: [http://127.0.0.1:8002]}}
rules:
  - {{name: alps, path: /skis/**, when: {{country: AT}}, to: cms, page: campaign}}
  - {{name: office, path: /office, when: {{client: 10.0.0.0/8}}, to: cms}}
  - {{name: winter, path: /winter, when: {{between: {{from: 2026-12-01, until: 2027-03-01}}}}, to: cms}}
  - {{name: brand, path: /brands/**, to: {{cms: 20, commerce: 80}}}}
  - {{name: go, path: "/go/{{name}}", to: cms, rewrite: "/campaign/{{name}}/"}}
  - {{name: old, path: "/p/{{sku}}", redirect: {{to: "/catalogue/{{sku}}/", status: 301}}}}
  - {{name: robots, path: /robots.txt, respond: {{body: "User-agent: *"}}}}
tests:
  - {test}
"""


@pytest.mark.parametrize(
    "test",
    [
        "{request: GET /skis/, headers: {CF-IPCountry: at}, expect: {rule: alps, page: campaign, intent: browse}}",
        "{request: /skis/, expect: {status: 404}}",
        "{request: /office, headers: {x-forwarded-for: '10.1.2.3, 192.0.2.1'}, expect: {rule: office}}",
        "{request: /winter, at: 2026-12-24, expect: {rule: winter}}",
        "{request: /winter, at: 2027-03-01, expect: {status: 404}}",
        "{request: /brands/x, expect: {system: cms}}",
        "{request: /brands/x, headers: {cookie: inseam-split=2000}, expect: {system: commerce}}",
        "{request: '/go/sale?x=1', expect: {target: '/campaign/sale/?x=1', system: cms}}",
        "{request: '/go/gr%C3%BCn', expect: {target: /campaign/gr%C3%BCn/}}",
        "{request: '/p/7?x=1', expect: {status: 301, location: '/catalogue/7/?x=1'}}",
        "{request: HEAD /robots.txt, expect: {status: 200, rule: robots}}",
        "{request: 'https://shop.example/skis/', expect: {status: 404}}",
        "{request: 'https://other.example/', expect: {status: 421}}",
        "{request: '/a//b', expect: {status: 400}}",
        "{request: '/a/..%2fb', expect: {status: 400}}",
    ],
)
def test_a_test_passes_when_the_edge_would_do_so(test):
    (result,) = run_tests(shop(TESTS.format(test=test)))

    assert result.problems == []
    assert result.passed


@pytest.mark.parametrize(
    ("test", "failure"),
    [
        ("{request: /brands/x, expect: {system: commerce}}", "expected system 'commerce', got 'cms' (rule \"brand\")"),
        ("{request: /nowhere, expect: {rule: brand}}", "expected rule 'brand', got none: the answer is 404"),
        ("{request: /p/7, expect: {location: /x}}", "expected location '/x', got '/catalogue/7/' (rule \"old\")"),
        ("{request: /skis/, expect: {status: 200}}", "expected status 200, got 404"),
    ],
)
def test_a_test_that_fails_says_what_came_instead(test, failure):
    (result,) = run_tests(shop(TESTS.format(test=test)))

    assert result.failures == (failure,)
    assert str(result.problems[0]).startswith("rules.yaml:17:5: error: test ")


def test_the_time_of_a_test_without_one_is_now():
    generation = shop(TESTS.format(test="{request: /winter, expect: {rule: winter}}"))

    assert run_tests(generation, now=datetime(2027, 1, 1, tzinfo=UTC).timestamp())[0].passed
    assert not run_tests(generation, now=datetime(2027, 7, 1, tzinfo=UTC).timestamp())[0].passed
