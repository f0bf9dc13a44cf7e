"""Recording what a running product really answers, for the tests of its profile.

    python tests/sessions/profiles/recorder.py django-oscar http://127.0.0.1:8002

makes the journeys below again and writes them to `recorded/`. Nothing is changed in what is written but the passwords,
which are in no answer.
"""

from __future__ import annotations

import html
import http.client
import json
import re
import sys
from pathlib import Path
from urllib.parse import urlencode, urlsplit

MOST = 24_000
"""Characters of a page that are kept: more than any profile reads from."""

RECORDED = Path(__file__).parent / "recorded"

ANNA = {"login-username": "anna@shop.test", "login-password": "anna-pass-1234"}
ADDRESS = {
    "first_name": "Gina", "last_name": "Guest", "line1": "1 High Street", "line4": "Berlin", "postcode": "10115",
    "country": "DE",
}  # fmt: skip


class Browser:
    """Just enough of one: it keeps cookies, sends forms, follows nothing, and writes down every exchange."""

    def __init__(self, site: str) -> None:
        self.host = urlsplit(site).netloc
        self.cookies: dict[str, str] = {}
        self.exchanges: list[dict[str, object]] = []
        self.page = ""

    def ask(self, step: str, method: str, target: str, form: dict[str, str] | None = None, **headers: str) -> str:
        """Make one request; returns the Location, and the page is in `page`."""
        sent = {"Host": self.host, "Accept": "text/html", **{k.replace("_", "-"): v for k, v in headers.items()}}
        before = dict(self.cookies)
        if before:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in before.items())
        body = None
        if form is not None:
            body = urlencode(form)
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://{self.host}/"}
        connection = http.client.HTTPConnection(self.host, timeout=30)
        connection.request(method, target, body, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        fields = answer.getheaders()
        set_cookies = [value for name, value in fields if name.lower() == "set-cookie"]
        for line in set_cookies:
            self._keep(line)
        self.page = content.decode("utf-8", "replace")
        path, _, query = target.partition("?")
        self.exchanges.append({
            "step": step,
            "asked": {"method": method, "path": path, "query": query, "cookies": before},
            "answer": {
                "status": answer.status,
                "headers": [[name, value] for name, value in fields if name.lower() != "set-cookie"],
                "set_cookies": set_cookies,
                "body": self.page[:MOST],
            },
        })  # fmt: skip
        return answer.getheader("Location") or ""

    def _keep(self, line: str) -> None:
        name, _, rest = line.partition("=")
        value = rest.partition(";")[0]
        if "max-age=0" in line.lower() or "01 jan 1970" in line.lower():
            self.cookies.pop(name, None)
        else:
            self.cookies[name] = value

    def hidden(self, name: str) -> str:
        """Return the value of a hidden field of the page."""
        found = re.search(rf'name="{re.escape(name)}"[^>]*value="([^"]*)"', self.page)
        return found[1] if found else ""

    def send(self, step: str, target: str, form: dict[str, str], **headers: str) -> str:
        """Send a form of the page with its token."""
        token = self.hidden("csrfmiddlewaretoken") or self.cookies.get("csrftoken", "")
        return self.ask(step, "POST", target, {"csrfmiddlewaretoken": token, **form}, **headers)

    def write(self, product: str, journey: str) -> None:
        """Write the exchanges as one JSON file."""
        folder = RECORDED / product
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.exchanges, indent=1, ensure_ascii=False).replace(self.host, "shop.example")
        (folder / f"{journey}.json").write_text(text + "\n")


def oscar(site: str) -> None:
    """A guest who orders; a customer whose guest's basket is merged; failed logins and other look-alikes."""
    guest = Browser(site)
    product = "/catalogue/"
    guest.ask("list", "GET", product)
    links = re.findall(r'href="(/catalogue/[a-z0-9-]+_\d+/)"', guest.page)
    product = links[0]
    number = re.search(r"_(\d+)/$", product)[1]  # type: ignore[index]
    other = next(link for link in links if link != product)
    other_number = re.search(r"_(\d+)/$", other)[1]  # type: ignore[index]
    guest.exchanges.clear()
    guest.ask("product page", "GET", product)
    guest.send("add", f"/basket/add/{number}/", {"quantity": "2"})
    guest.ask("basket page", "GET", "/basket/")
    basket = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-MIN_NUM_FORMS": "0", "form-MAX_NUM_FORMS": "1000",
        "form-0-id": guest.hidden("form-0-id"),
    }  # fmt: skip
    guest.send("change quantity", "/basket/", {**basket, "form-0-quantity": "3"})
    guest.ask("basket page with three", "GET", "/basket/")
    guest.send("change by script", "/basket/", {**basket, "form-0-quantity": "1"}, X_Requested_With="XMLHttpRequest")
    guest.ask("basket page with one", "GET", "/basket/")
    guest.send("remove", "/basket/", {**basket, "form-0-quantity": "1", "form-0-DELETE": "on"})
    guest.ask("empty basket page", "GET", "/basket/")
    guest.ask("product page again", "GET", product)
    guest.send("add unknown", "/basket/add/99999/", {"quantity": "1"})
    guest.ask("product page for a bad quantity", "GET", product)
    guest.send("add none", f"/basket/add/{number}/", {"quantity": "0"})
    guest.ask("another product page", "GET", other)
    guest.send("add another", f"/basket/add/{other_number}/", {"quantity": "1"})
    guest.ask("the shopper reads the message", "GET", "/basket/")
    guest.send("forged form", f"/basket/add/{other_number}/", {"csrfmiddlewaretoken": "x" * 64, "quantity": "1"})
    guest.ask("profile of nobody", "GET", "/accounts/profile/")
    guest.ask("checkout", "GET", "/checkout/")
    guest.send("checkout as guest", "/checkout/", {"username": "gina@shop.test", "options": "anonymous"})
    guest.ask("address form", "GET", "/checkout/shipping-address/")
    guest.send("address", "/checkout/shipping-address/", ADDRESS)
    guest.ask("shipping method", "GET", "/checkout/shipping-method/")
    guest.ask("payment method", "GET", "/checkout/payment-method/")
    guest.ask("payment details", "GET", "/checkout/payment-details/")
    guest.ask("preview", "GET", "/checkout/preview/")
    guest.send("place order", "/checkout/preview/", {"action": "place_order"})
    guest.ask("thank-you page", "GET", "/checkout/thank-you/")
    guest.ask("thank-you page again", "GET", "/checkout/thank-you/")
    guest.ask("basket page after the order", "GET", "/basket/")
    guest.write("django-oscar", "guest-orders")

    stranger = Browser(site)
    stranger.ask("thank-you page of nobody", "GET", "/checkout/thank-you/")
    stranger.ask("login form", "GET", "/accounts/login/")
    stranger.send("failed login", "/accounts/login/", {**ANNA, "login-password": "wrong", "login_submit": "1"})
    stranger.ask("logout of nobody", "GET", "/accounts/logout/")
    stranger.ask("unknown page", "GET", "/accounts/login/nothing/")
    stranger.ask("login form again", "GET", "/accounts/login/")
    stranger.send(
        "registration that fails", "/accounts/login/", {"registration-email": "x", "registration_submit": "1"}
    )
    stranger.write("django-oscar", "stranger")

    anna = Browser(site)
    anna.ask("product page", "GET", product)
    anna.send("guest adds", f"/basket/add/{number}/", {"quantity": "2"})
    anna.ask("login form", "GET", "/accounts/login/")
    anna.send("login", "/accounts/login/", {**ANNA, "login-redirect_url": "/", "login_submit": "1"})
    messages = anna.cookies.get("messages")
    anna.ask("profile page", "GET", "/accounts/profile/")
    if messages:
        anna.cookies["messages"] = messages
    anna.ask("basket page", "GET", "/basket/")
    anna.ask("product page as customer", "GET", other)
    anna.send("customer adds", f"/basket/add/{other_number}/", {"quantity": "1"})
    anna.ask("basket page of a customer", "GET", "/basket/")
    anna.ask("logout", "GET", "/accounts/logout/")
    anna.ask("basket page after the logout", "GET", "/basket/")
    anna.ask("login form second", "GET", "/accounts/login/")
    anna.send("login without basket", "/accounts/login/", {**ANNA, "login-redirect_url": "/", "login_submit": "1"})
    anna.ask("profile page second", "GET", "/accounts/profile/")
    anna.ask("checkout as customer", "GET", "/checkout/")
    anna.ask("address form", "GET", "/checkout/shipping-address/")
    anna.send("address", "/checkout/shipping-address/", {**ADDRESS, "first_name": "Anna"})
    anna.ask("shipping method", "GET", "/checkout/shipping-method/")
    anna.ask("payment method", "GET", "/checkout/payment-method/")
    anna.ask("preview", "GET", "/checkout/preview/")
    anna.send("customer places order", "/checkout/preview/", {"action": "place_order"})
    anna.ask("thank-you page", "GET", "/checkout/thank-you/")
    anna.ask("basket page after the order", "GET", "/basket/")
    anna.write("django-oscar", "customer")

    anna.exchanges.clear()
    anna.ask("orders", "GET", "/accounts/orders/")
    order = re.findall(r"/accounts/orders/(\d+)/", anna.page)[0]
    anna.ask("order", "GET", f"/accounts/orders/{order}/")
    anna.send("order again", f"/accounts/orders/{order}/", {"action": "reorder"})
    anna.ask("basket page with the old order", "GET", "/basket/")
    anna.send("a voucher that is none", "/basket/vouchers/add/", {"code": "NOTHING"})
    anna.ask("basket page after the voucher", "GET", "/basket/")
    basket = _basket_form(anna, "form")
    anna.send("save for later", "/basket/", {**basket, "form-0-save_for_later": "on"})
    anna.ask("basket page with a line for later", "GET", "/basket/")
    saved = _basket_form(anna, "saved")
    anna.send("back from later", "/basket/saved/", {**saved, "saved-0-move_to_basket": "on"})
    anna.ask("basket page with the line again", "GET", "/basket/")
    anna.write("django-oscar", "order-again")

    again = Browser(site)
    again.ask("product page", "GET", product)
    again.send("guest adds", f"/basket/add/{number}/", {"quantity": "3"})
    again.ask("login form", "GET", "/accounts/login/")
    again.send("login", "/accounts/login/", {**ANNA, "login-redirect_url": "/", "login_submit": "1"})
    again.ask("basket page that merges", "GET", "/basket/")
    again.write("django-oscar", "merge")

    script = Browser(site)
    script.ask("product page", "GET", product)
    token = script.cookies["csrftoken"]
    script.ask("add with a header", "POST", f"/basket/add/{number}/", {"quantity": "1"}, X_CSRFToken=token)
    script.ask("add with a wrong header", "POST", f"/basket/add/{number}/", {"quantity": "1"}, X_CSRFToken="x" * 32)
    script.write("django-oscar", "script")

    new = Browser(site)
    new.ask("registration form", "GET", "/accounts/register/")
    password = "a-long-pass-1234"
    form = {"email": "nora@shop.test", "password1": password, "password2": password}
    new.send("register", "/accounts/register/", form)
    new.ask("profile page", "GET", "/accounts/profile/")
    new.write("django-oscar", "register")


def _basket_form(browser: Browser, prefix: str) -> dict[str, str]:
    """Return the fields of a form of basket lines, as the page has them."""
    fields = re.findall(rf'<input type="(?:hidden|number)" name="({prefix}-[^"]+)" value="([^"]*)"', browser.page)
    return dict(fields)


def wagtail(site: str) -> None:
    """Pages without a session, an editor's login, and the login page of pages that not everybody may see."""
    visitor = Browser(site)
    visitor.ask("home", "GET", "/")
    visitor.ask("campaign", "GET", "/campaigns/summer/")
    visitor.ask("login form", "GET", "/_util/login/")
    visitor.send("failed login", "/_util/login/", {"username": "editor", "password": "wrong"})
    visitor.ask("login form again", "GET", "/_util/login/")
    visitor.send("login", "/_util/login/", {"username": "editor", "password": "editor-pass-1234", "next": "/"})
    visitor.ask("home after the login", "GET", "/")
    visitor.ask("admin", "GET", "/cms-admin/")
    visitor.send("logout", "/cms-admin/logout/", {})
    visitor.ask("login form last", "GET", "/_util/login/")
    login = {"username": "editor", "password": "editor-pass-1234"}
    visitor.ask("login with a header", "POST", "/_util/login/", login, X_CSRFToken=visitor.cookies["csrftoken"])
    visitor.write("wagtail", "visitor")

    editor = Browser(site)
    editor.ask("admin login form", "GET", "/cms-admin/login/")
    editor.send("failed admin login", "/cms-admin/login/", {"username": "editor", "password": "wrong"})
    editor.send("admin login", "/cms-admin/login/", {"username": "editor", "password": "editor-pass-1234"})
    editor.ask("admin", "GET", "/cms-admin/")
    editor.ask("logout by GET", "GET", "/cms-admin/logout/")
    editor.write("wagtail", "editor")

    stale = Browser(site)
    stale.cookies["sessionid"] = "a-session-of-another-system-0000"
    stale.ask("login form with the other system's session", "GET", "/_util/login/")
    stale.ask("admin with the other system's session", "GET", "/cms-admin/login/")
    stale.write("wagtail", "stale")


def wordpress(site: str) -> None:
    """A visitor who logs in, fails to, and logs out; with the account anna that its installation has made."""
    visitor = Browser(site)
    visitor.ask("home", "GET", "/")
    visitor.ask("login form", "GET", "/wp-login.php")
    visitor.send("failed login", "/wp-login.php", {"log": "anna", "pwd": "wrong", "testcookie": "1"})
    visitor.ask("unknown page", "GET", "/wp-login.php/nothing", None)
    login = {"log": "anna", "pwd": "anna-pass-1234", "testcookie": "1", "redirect_to": f"http://{visitor.host}/"}
    visitor.send("login", "/wp-login.php", login)
    visitor.ask("home after the login", "GET", "/")
    out = re.search(r"/wp-login\.php\?action=logout&(?:amp|#038);_wpnonce=\w+", visitor.page)
    visitor.ask("logout that is not confirmed", "GET", "/wp-login.php?action=logout")
    visitor.ask("logout", "GET", html.unescape(out[0]) if out else "/")
    visitor.ask("home after the logout", "GET", "/")
    visitor.ask("login form that asks again", "GET", "/wp-login.php?reauth=1")
    visitor.write("wordpress", "visitor")


PRODUCTS = {"django-oscar": oscar, "wagtail": wagtail, "wordpress": wordpress}

if __name__ == "__main__":
    PRODUCTS[sys.argv[1]](sys.argv[2])
