"""A shopper with a browser: what one does in the shop, in words, and what one sees."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect

CAMPAIGN = "/campaigns/summer-table/"
MAKER = "/brands/linwerk/"
SHELF = "/catalogue/"
MUG = "/catalogue/cove-mug_5/"
BOWL = "/catalogue/shore-bowl_4/"
PLATE = "/catalogue/tidal-plate_1/"

expect.set_options(timeout=15_000)  # a machine that has other things to do

ADDRESS = {"first_name": "Ida", "last_name": "Sommer", "line1": "Lindenstr. 12", "line4": "Zittau", "postcode": "02763"}


class Tab:
    """One tab. Whatever is clicked, the page that follows is waited for."""

    def __init__(self, page: Page, shot: Callable[[Page, str], None]) -> None:
        self.page = page
        self._shot = shot

    def open(self, path: str) -> Tab:
        self.page.goto(path)
        return self

    def shot(self, name: str) -> Tab:
        self._shot(self.page, name)
        return self

    # --- what one does ------------------------------------------------------------------------------------------------

    def buy(self, path: str = "") -> Tab:
        """Add what the page offers first; on a page of the shop or in a story."""
        if path:
            self.open(path)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Add to basket").first.click()
        return self

    def set_quantity(self, article: str, quantity: int) -> Tab:
        """Change a line of the basket."""
        self.open("/basket/")
        row = self.page.locator("#basket_formset .basket-items", has_text=article)
        row.locator("input[name$=-quantity]").fill(str(quantity))
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):  # Oscar's own script sends it
            row.get_by_role("button", name="Update").click()
        return self

    def log_in(self, customer: tuple[str, str, str], come_back_to: str = CAMPAIGN) -> Tab:
        self.open(come_back_to)
        self.page.get_by_role("link", name="Log in").click()
        self.fill_in(customer)
        return self.press_log_in()

    def fill_in(self, customer: tuple[str, str, str]) -> Tab:
        self.page.fill("#id_login-username", customer[1])
        self.page.fill("#id_login-password", customer[2])
        return self

    def press_log_in(self) -> Tab:
        with self.page.expect_navigation():
            self.page.click("button[name=login_submit]")
        return self

    def log_in_as_editor(self) -> Tab:
        """Log in to the CMS's own desk, which has nothing to do with the shop's customers."""
        self.open("/admin/login/")
        self.page.fill("[name=username]", "rosa")
        self.page.fill("[name=password]", "rosa-pass-1234")
        with self.page.expect_navigation():
            self.page.click("button[type=submit]")
        self.page.wait_for_url("**/admin/")
        return self

    def log_out_in_shop(self) -> Tab:
        self.open(SHELF)
        with self.page.expect_navigation():
            self.page.click("#logout_link")
        return self

    def log_out_in_magazine(self) -> Tab:
        self.open(CAMPAIGN)
        with self.page.expect_navigation():
            self.page.click("#logout")
        return self

    def ask_many_pages(self) -> Tab:
        """Have this tab ask for pages of both systems, four at a time, while something else goes on."""
        self.page.evaluate(
            """() => {
                const pages = Array.from({ length: 24 }, (_, n) => ["/catalogue/cove-mug_5/", "/", "/basket/"][n % 3]);
                const work = async () => { while (pages.length) await (await fetch(pages.pop())).text(); };
                window.pagesUnderWay = Promise.all([work(), work(), work(), work()]);
            }"""
        )
        return self

    def have_them_all(self) -> Tab:
        """Wait for what `ask_many_pages` has asked for."""
        self.page.evaluate("window.pagesUnderWay")
        return self

    def order(self, guest: str = "") -> str:
        """Go through the checkout, as a guest with this e-mail address if given; return the number of the order."""
        self.open("/checkout/")
        if guest:
            self.page.fill("[name=username]", guest)
            self.page.check("[name=options][value=anonymous]")
            self.page.get_by_role("button", name="Continue").first.click()
            self.page.wait_for_url("**/shipping-address/")
        for name, text in ADDRESS.items():
            self.page.fill(f"[name={name}]", text)
        self.page.select_option("[name=country]", "DE")
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Continue").first.click()
        self.open("/checkout/preview/")
        self.page.click("#place-order")
        self.page.wait_for_url("**/thank-you/")
        found = re.search(r"Order (\d+)", self.page.inner_text("h1"))
        assert found, "no number of an order on the last page of the checkout"
        return found[1]

    # --- what one sees ------------------------------------------------------------------------------------------------

    def sees(self, *, basket: int, name: str = "", on: str = "") -> Tab:
        """Prove what the magazine shows of the visitor, after `on` was opened (otherwise on the page that is there)."""
        if on:
            self.open(on)
        expect(self.page.locator("[data-basket]")).to_have_text(str(basket))
        expect(self.page.locator("[data-name]")).to_have_text(name)
        return self

    def basket(self) -> dict[str, int]:
        """Return what stands in the basket, as the shop shows it: quantities by article."""
        self.open("/basket/")
        rows = self.page.locator("#basket_formset .basket-items")
        return {
            row.locator("h3 a").inner_text(): int(row.locator("input[name$=-quantity]").input_value())
            for row in rows.all()
        }

    def known_to_shop(self) -> bool:
        """Whether the shop shows somebody who is logged in."""
        self.open(SHELF)
        return self.page.locator("#logout_link").count() == 1

    def visitor(self) -> dict[str, Any]:
        """Return what /.inseam/session tells a page's script."""
        return self.page.evaluate("async () => (await fetch('/.inseam/session')).json()")


class Shopper:
    """A browser of one's own: tabs share its cookies."""

    def __init__(self, browser: Browser, url: str, folder: Path, scripts: bool = True) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1200, "height": 800}, base_url=url, ignore_https_errors=True,
            java_script_enabled=scripts,
        )  # fmt: skip
        self.context.set_default_timeout(15_000)
        self.outside: list[str] = []
        self.wrong: list[str] = []
        self._url = url
        self._folder = folder
        self._shots = 0
        self.context.on("request", self._note)
        self.context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        self.context.on("response", self._judge)

    def tab(self) -> Tab:
        return Tab(self.context.new_page(), self._shoot)

    def cookies(self) -> dict[str, str]:
        return {cookie["name"]: cookie["value"] for cookie in self.context.cookies()}

    def _note(self, request: Request) -> None:
        if not request.url.startswith((f"{self._url}/", "data:")):
            self.outside.append(request.url)

    def _judge(self, answer: Response) -> None:
        if answer.status >= 500:
            self.wrong.append(f"{answer.status} {answer.url}")
        said = [name for name in answer.headers if name.startswith("inseam")]
        if said:
            self.wrong.append(f"{said} in the browser at {answer.url}")

    def _shoot(self, page: Page, name: str) -> None:
        self._shots += 1
        self._folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=self._folder / f"{self._shots:02d}-{name}.png")
