"""Two systems set, change and delete cookies in one browser, and each sees what it would see if it stood alone.

The reference is a browser for each system, which gets that system's Set-Cookie lines as they are.
"""

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from jar_browser import Browser

from sessions.jar import Jar

CLAIMS = {
    "cms": ["sessionid", "csrftoken", "wagtail*", "__Host-both"],
    "commerce": ["sessionid", "csrftoken", "oscar_*", "__Host-both"],
    "blog": [],
}
SYSTEMS = st.sampled_from(sorted(CLAIMS))
PATHS = st.sampled_from([b"/", b"/shop", b"/shop/basket/", b"/news/1"])
COMMON = st.sampled_from([b"sessionid", b"csrftoken", b"oscar_open_basket", b"basket"])
ODD = st.sampled_from(
    [b"wagtail_x", b"x[y]", b"!odd", b"-odd", b"~odd", b"cms~sessionid", b"commerce~!csrftoken", b"~csrftoken",
     b"__Host-both", b"__Host-x", b"\xc3\xbc", b"", b"inseamless"]
)  # fmt: skip
NAMES = COMMON | ODD
VALUES = st.sampled_from(
    [b"1", b"2", b'""', b'{"a":1}', b"a=b c", b'"[1\\054 3]"', b"%3A\xe4", b"commerce", b"cms~x=1"]
)
ITS_PATHS = st.sampled_from([b"; Path=/", b"; path=/", b"; Path=/shop/", b"; Path=/shop", b""])
LIVES = st.sampled_from([b"", b"; Max-Age=50", b"; Max-Age=900", b"; expires=Fri, 01 Jan 2100 00:00:00 GMT"])
ENDS = st.sampled_from(
    [b"; Max-Age=0", b"; Max-Age=-1", b"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0",
     b"; Expires=Thu, 01 Jan 1970 00:00:00 GMT", b"; Expires=Thursday, 01-Jan-70 00:00:00 GMT",
     b"; Expires=Thu Jan  1 00:00:00 1970", b"; Expires=Wed, 01 Jan 2025 00:00:00 GMT"]
)  # fmt: skip

NOW = 1_800_000_000.0
"""A day in 2027."""

PRIVATE = {"cms": b"cms_prefs", "commerce": b"shop_prefs", "blog": b"blog_prefs"}
"""Names that one system alone uses and nobody claims: what its scripts make of them reaches it."""


def pairs(header: bytes) -> dict[bytes, list[bytes]]:
    """The values of each name in their order; the order of different names means nothing."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for piece in header.split(b"; ") if header else []:
        name, equals, value = piece.partition(b"=")
        found[name if equals else b""].append(value if equals else name)
    return dict(found)


class OneBrowser(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.jar = Jar(CLAIMS, "commerce")
        self.now = NOW
        self.shared = Browser()
        self.alone = {system: Browser() for system in CLAIMS}

    def answer(self, system: str, path: bytes, line: bytes) -> None:
        for sent in self.jar.to_browser(system, line, self.shared.header(path), True, now=self.now):
            self.shared.receive(sent, path, self.now, secure=True)
        if b"; secure" not in line.lower():
            line += b"; Secure"
        self.alone[system].receive(line, path, self.now, secure=True)

    @rule(system=SYSTEMS, path=PATHS, name=NAMES, value=VALUES, hidden=st.booleans(), its_path=ITS_PATHS, life=LIVES)
    def a_system_sets(self, system, path, name, value, hidden, its_path, life):
        if b"=/shop" in its_path or not its_path:
            hidden = name < b"d"  # what changes this where the request cannot show it is a limit: docs/cookies.md
        self.answer(system, path, name + b"=" + value + its_path + (b"; HttpOnly" if hidden else b"") + life)

    @rule(system=SYSTEMS, path=PATHS, name=NAMES, its_path=ITS_PATHS, end=ENDS)
    def a_system_deletes(self, system, path, name, its_path, end):
        self.answer(system, path, name + b'=""' + its_path + end)

    @rule(system=SYSTEMS, path=PATHS, value=VALUES)
    def a_system_sets_what_its_scripts_use(self, system, path, value):
        # A script that makes a cookie live longer than its system did makes one of its own: docs/cookies.md.
        self.answer(system, path, PRIVATE[system] + b"=" + value + b"; Path=/")

    @rule(system=SYSTEMS, path=PATHS, change=st.sampled_from([b"=9; Path=/", b"=; Path=/; Max-Age=0"]))
    def a_script_changes(self, system, path, change):
        if any(one.name == PRIVATE[system] for one in self.alone[system].sent(b"/")):
            self.shared.receive(PRIVATE[system] + change, path, self.now, script=True)
            self.alone[system].receive(PRIVATE[system] + change, path, self.now, script=True)

    @rule(path=PATHS, value=VALUES)
    def a_script_makes_a_cookie_of_its_own(self, path, value):
        for browser in (self.shared, *self.alone.values()):
            browser.receive(b"_ga=" + value + b"; Path=/; Max-Age=200", path, self.now, script=True)

    @rule(system=SYSTEMS, path=PATHS)
    def a_document_comes(self, system, path):
        for sent in self.jar.reset_script_copies(system, self.shared.header(path), secure=True):
            self.shared.receive(sent, path, self.now, secure=True)
        readable = self.shared.document_cookie(path)
        for one in self.alone[system].sent(path):
            only_here = one.path == b"/" and sum(each.name == one.name for each in self.alone[system].sent(path)) == 1
            if not one.http_only and one.name in (b"csrftoken", b"basket", b"__Host-both") and only_here:
                others = [each.path for each in self.shared.sent(path) if each.name == one.name]
                if others == [b"/"]:
                    assert one.pair in readable

    @rule(seconds=st.sampled_from([1, 49, 60, 1000]))
    def time_passes(self, seconds):
        self.now += seconds
        for browser in (self.shared, *self.alone.values()):
            browser.expire(self.now)

    @rule()
    def the_browser_is_closed_and_opened(self):
        for browser in (self.shared, *self.alone.values()):
            browser.restart()

    @invariant()
    def each_system_sees_what_it_would_see_alone(self):
        for system, browser in self.alone.items():
            for path in (b"/", b"/shop", b"/shop/basket/", b"/news/1"):
                seen = pairs(self.jar.for_system(self.shared.header(path), system))
                assert seen == pairs(b"; ".join(browser.header(path))), (system, path, self.shared.header(path))


OneBrowser.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestOneBrowser = OneBrowser.TestCase
