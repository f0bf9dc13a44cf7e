"""The real shop in both variants, a real browser, and recorders between the edge and each system."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
from browsing import Shopper
from house import House
from playwright.sync_api import Browser, sync_playwright
from tap import Recorder

from deploy.demo.run import free
from deploy.shop.run import Variant, prepared, running
from tests.edge.certificates import Authority

OUT = Path(__file__).parent / "out"
ANYWHERE = "127.0.0.1:0"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.exit("no Chromium here; on Debian: apt-get install chromium", returncode=1)
    for old in OUT.glob("failed-*"):
        old.unlink()
    # No name is resolved but our own: a page that needs anything from outside cannot hide it.
    only_here = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", only_here])
        yield browser
        browser.close()


VARIANTS: dict[str, tuple[Variant, bool]] = {
    "unchanged": ("unchanged", False),
    "client": ("client", False),
    "unchanged-https": ("unchanged", True),
}


@pytest.fixture(scope="session", params=list(VARIANTS))
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The shop on databases of its own, with two workers, started once for all journeys of a variant."""
    variant, secure = VARIANTS[request.param]
    folder = tmp_path_factory.mktemp("shop")
    data = prepared(folder / variant)
    recorders: dict[str, Recorder] = {}

    def through(name: str, url: str) -> str:
        recorders[name] = Recorder(name, url)
        return recorders[name].url

    with ExitStack() as stack:
        listen, admin = free(ANYWHERE, "the shop"), free(ANYWHERE, "the admin address")
        options = ["--workers", "2", *(_certificate(folder) if secure else ())]
        shop = stack.enter_context(running(variant, data, listen, admin, Event(), through, options))
        assert shop is not None
        yield House(request.param, variant, shop, recorders)
        for recorder in recorders.values():
            recorder.close()


def _certificate(folder: Path) -> list[str]:
    """Return the options for https, with a certificate that the browser is told to take."""
    Authority(folder).server("127.0.0.1")
    both = str(next(folder.glob("127*.pem")))
    return ["--tls-cert", both, "--tls-key", both]


@pytest.fixture
def customer(house: House) -> tuple[str, str, str]:
    """Somebody with an account who has never been here: name, e-mail address, password."""
    return house.newcomer()


@pytest.fixture
def next_customer(house: House) -> tuple[str, str, str]:
    """Another one."""
    return house.newcomer()


@pytest.fixture
def shoppers(house: House, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Shopper]]:
    """Make shoppers. Whatever the journey, nothing may be asked of the outside, and nothing may break."""
    made: list[Shopper] = []

    def make(scripts: bool = True) -> Shopper:
        folder = OUT / house.name / request.function.__name__.removeprefix("test_")
        made.append(Shopper(browser, house.shop.url, folder, scripts))
        return made[-1]

    yield make
    for shopper in made:
        for number, page in enumerate(shopper.context.pages if request.node.stash.get(FAILED, False) else ()):
            page.screenshot(path=OUT / f"failed-{house.name}-{request.function.__name__}-{number}.png")
        shopper.context.close()
    assert [shopper.outside for shopper in made if shopper.outside] == []
    assert [shopper.wrong for shopper in made if shopper.wrong] == []


@pytest.fixture
def shopper(shoppers: Callable[..., Shopper]) -> Shopper:
    return shoppers()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave troubles under https out: they are the same, and they take their time."""
    items[:] = [item for item in items if not ("test_troubles" in item.nodeid and "https" in item.nodeid)]


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report
