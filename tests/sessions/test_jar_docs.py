"""docs/cookies.md is run: each block is a browser of its own, and each line of it happens or is checked."""

import re
from pathlib import Path

import pytest
from jar_browser import Browser

from sessions.jar import Jar

PAGE = (Path(__file__).parents[2] / "docs" / "cookies.md").read_text()

BLOCKS = re.findall(r"^```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

CLAIMS = {"cms": ["sessionid", "csrftoken"], "commerce": ["sessionid", "csrftoken", "oscar_*"]}

NOW = 1_800_000_000.0


def test_the_page_has_its_examples():
    assert len(BLOCKS) == 10


@pytest.mark.parametrize("block", BLOCKS)
def test_what_the_page_says_happens(block):
    jar, browser, heard, told = Jar(CLAIMS, "commerce"), Browser(), [], False
    for line in block.splitlines():
        who, what, said = re.fullmatch(r"(\w+) (\w+) *(.*)", line).groups()
        value = said.encode()
        if what == "hears":
            told = True
            assert heard.pop(0) == value
            continue
        assert not (told and heard), f"the page leaves out {heard}"
        told = False
        if (who, what) == ("browser", "has") or (who, what) == ("script", "sets"):
            browser.receive(value if b"Path" in value else value + b"; Path=/", b"/", NOW, script=who == "script")
        elif what in ("sets", "shows"):
            cookies = browser.header(b"/")
            shown = what == "shows"
            heard = (jar.reset_script_copies(who, cookies, False) if shown
                     else jar.to_browser(who, value, cookies, False, now=NOW))  # fmt: skip
            for each in heard:
                browser.receive(each, b"/", NOW)
        elif what == "gets":
            assert jar.for_system(browser.header(b"/"), who) == value
        else:
            assert (who, what) == ("script", "reads")
            assert b"; ".join(browser.document_cookie(b"/")) == value
    assert not (told and heard), f"the end of the block leaves out {heard}"
