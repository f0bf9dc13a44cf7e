"""Profiles of products that were not run here: exchanges as their documentation shows them, look-alikes beside them."""

import pytest
from profiles_played import CT, HCL, OCC, SITE, answered, profile_of, seen

from sessions import profiles
from sessions.model import UNSAID, Basket, Changes, Login
from sessions.profiles import Observed, merge_changes

WC_USER = "wordpress_logged_in_2244=jo%40shop.test%7C1795516088%7Czeb1v%7Ca0ac; path=/; HttpOnly"
WC_GONE = "wordpress_logged_in_2244=%20; expires=Sat, 22 Nov 2025 10:28:08 GMT; Max-Age=0; path=/"

LOGINS = [
    ("magento", "POST /customer/account/loginPost/referer/aHR0/", {"status": 302, "location": "/customer/account/"}),
    ("magento", "POST /customer/account/loginPost/", {"status": 302, "location": "/customer/account/login/"}),
    ("salesforce-b2c", f"POST {SITE}/Account-Login?rurl=1", {"body": {"success": True, "redirectUrl": "/account"}}),
    (
        "hcl-commerce",
        f"POST {HCL}/loginidentity",
        {"status": 201, "body": {"WCToken": "a", "WCTrustedToken": "b", "userId": "3"}},
    ),
    (
        "sap-commerce",
        f"GET {OCC}/users/current",
        {"body": {"uid": "jo@shop.test", "firstName": "Jo", "name": "Jo Doe"}},
    ),
    (
        "sap-commerce",
        "POST /electronics/en/j_spring_security_check",
        {"status": 302, "location": "/electronics/en/", "sets": ("acceleratorSecureGUID=4e01; Path=/; HttpOnly",)},
    ),
    (
        "shopify",
        "POST /account/login",
        {"status": 302, "location": "/account", "sets": ("secure_customer_sig=ab12; path=/",)},
    ),
    ("woocommerce", "POST /my-account/", {"status": 302, "location": "/my-account/", "sets": (WC_USER,)}),
    ("woocommerce", "GET /sso/callback?code=1", {"status": 302, "location": "/", "sets": (WC_USER,)}),
    ("wordpress", "GET /sso/callback?code=1", {"status": 302, "location": "/", "sets": (WC_USER,)}),
    ("drupal", "POST /user/login", {"status": 303, "location": "https://cms.example/user/7?check_logged_in=1"}),
    (
        "drupal",
        "POST /en/user/login?_format=json",
        {"body": {"current_user": {"uid": "7", "name": "jo"}, "csrf_token": "x"}},
    ),
    (
        "aem",
        "POST /content/site/en/j_security_check",
        {
            "status": 302,
            "location": "/content/site/en.html",
            "sets": ("login-token=a%3ab%3acrx.default; Path=/; HttpOnly",),
        },
    ),
    ("commercetools", f"POST {CT}/me/login", {"body": {"customer": {"id": "c1", "firstName": "Jo"}}}),
    (
        "commercetools",
        "POST /oauth/demo-project/customers/token",
        {"body": {"access_token": "t", "scope": "manage_my_orders:demo-project customer_id:c1"}},
    ),
]

SUBS = {
    "hcl-commerce": "3", "sap-commerce": "jo@shop.test", "woocommerce": "jo@shop.test", "wordpress": "jo@shop.test",
    "drupal": "7", "commercetools": "c1",
}  # fmt: skip
"""Where the answer to a login tells who it is."""


@pytest.mark.parametrize(("product", "request_line", "answer"), LOGINS)
def test_a_login_as_it_is_documented_is_seen_or_asked_about(product, request_line, answer):
    found = seen(product, request_line, **answer)

    assert found.changes.login is not UNSAID or found.ask
    if isinstance(found.changes.login, Login) and not found.changes.login.sub.startswith("~"):
        assert found.changes.login.sub == SUBS[product]


LOOK_ALIKES = [
    # Failed logins; forms, and guests who are given a session in the same way; logouts that only ask whether one is
    # sure; baskets and orders that did not come about, the same path with a 404; products that have none of it.
    ("salesforce-b2c", f"POST {SITE}/Account-Login", {"body": {"error": ["Invalid login or password."]}}),
    ("salesforce-b2c", f"POST {SITE}/Account-Login", {"body": {"success": False, "errorMessage": "no"}, "status": 500}),
    ("hcl-commerce", f"POST {HCL}/loginidentity", {"status": 400, "body": {"errors": [{"errorCode": "2030"}]}}),
    ("sap-commerce", "POST /j_spring_security_check", {"status": 302, "location": "/login?error=true"}),
    ("shopify", "POST /account/login", {"status": 302, "location": "https://shop.example/account/login"}),
    ("woocommerce", "POST /my-account/", {"body": "<ul class='woocommerce-error'>"}),
    ("drupal", "POST /user/login", {"body": "<form id='user-login-form'>"}),
    (
        "drupal",
        "POST /user/login?_format=json",
        {"status": 400, "body": {"message": "Sorry, unrecognized username or password."}},
    ),
    ("aem", "POST /j_security_check", {"status": 403, "sets": ("login-token=; Path=/; Max-Age=0",)}),
    (
        "aem",
        "POST /j_security_check",
        {"status": 200, "sets": ("login-token=; Path=/; Expires=Thu, 01-Jan-1970 00:00:00 GMT",)},
    ),
    ("commercetools", f"POST {CT}/me/login", {"status": 400, "body": {"errors": [{"code": "InvalidCredentials"}]}}),
    ("magento", "POST /customer/ajax/login", {"body": {"errors": True, "message": "Invalid login or password."}}),
    ("magento", "GET /customer/account/login/", {"sets": ("PHPSESSID=abc; path=/; HttpOnly",)}),
    ("salesforce-b2c", f"GET {SITE}/Login-Show", {"sets": ("dwsid=abc; path=/; HttpOnly",)}),
    (
        "hcl-commerce",
        f"POST {HCL}/guestidentity",
        {"status": 201, "body": {"WCToken": "a", "WCTrustedToken": "b", "userId": "9003"}},
    ),
    ("sap-commerce", f"GET {OCC}/users/current", {"body": {"uid": "anonymous", "name": "Anonymous"}}),
    ("sap-commerce", "GET /login", {"sets": ("JSESSIONID=abc; Path=/; HttpOnly",)}),
    ("shopify", "GET /account/login", {}),
    ("drupal", "GET /user/login", {}),
    ("wordpress", "GET /wp-login.php", {"sets": ("wordpress_test_cookie=WP%20Cookie%20check; path=/",)}),
    (
        "commercetools",
        "POST /oauth/demo-project/anonymous/token",
        {"body": {"access_token": "t", "scope": "anonymous_id:a1"}},
    ),
    (
        "commercetools",
        "POST /oauth/demo-project/customers/token",
        {"body": {"access_token": "t", "scope": "manage_my_orders:demo-project anonymous_id:a1"}},
    ),
    ("drupal", "GET /user/logout", {"status": 302, "location": "/user/logout/confirm"}),
    ("magento", "GET /customer/account/logoutSuccess/", {}),
    ("magento", "POST /checkout/cart/add/product/1/", {"status": 404}),
    (
        "magento",
        "POST /rest/default/V1/guest-carts/abc/payment-information",
        {"status": 400, "body": {"message": "declined"}},
    ),
    ("magento", "GET /checkout/onepage/success/", {"status": 302, "location": "/checkout/cart/"}),
    ("magento", "GET /rest/default/V1/guest-carts/abc/payment-information", {"body": {"payment_methods": []}}),
    ("salesforce-b2c", f"POST {SITE}/Cart-AddProduct", {"body": {"error": True, "message": "not available"}}),
    (
        "salesforce-b2c",
        f"POST {SITE}/CheckoutServices-PlaceOrder",
        {"body": {"error": True, "errorMessage": "technical"}},
    ),
    ("salesforce-b2c", f"GET {SITE}/Cart-UpdateQuantity?pid=1", {"status": 500, "body": {"errorMessage": "no"}}),
    ("hcl-commerce", f"POST {HCL}/cart", {"status": 404}),
    ("hcl-commerce", f"POST {HCL}/cart/@self/checkout", {"status": 400, "body": {"errors": []}}),
    ("sap-commerce", f"POST {OCC}/users/current/orders", {"status": 400, "body": {"errors": []}}),
    ("sap-commerce", "POST /cart/add", {"status": 404}),
    ("shopify", "POST /cart/add.js", {"status": 422, "body": {"status": 422, "description": "sold out"}}),
    ("woocommerce", "POST /?wc-ajax=checkout", {"body": {"result": "failure", "messages": "declined"}}),
    ("woocommerce", "POST /?wc-ajax=update_order_review", {"body": {"result": "success"}}),
    (
        "woocommerce",
        "POST /wp-json/wc/store/v1/cart/add-item",
        {"status": 400, "body": {"code": "woocommerce_rest_cart"}},
    ),
    (
        "woocommerce",
        "POST /wp-json/wc/store/v1/checkout",
        {"body": {"order_id": 5, "payment_result": {"payment_status": "failure"}}},
    ),
    ("commercetools", f"POST {CT}/me/orders", {"status": 409, "body": {"statusCode": 409}}),
    ("commercetools", f"GET {CT}/me/active-cart", {"status": 404, "body": {"statusCode": 404}}),
    ("commercetools", f"POST {CT}/me/carts/1", {"body": {"type": "Cart", "cartState": "Ordered", "id": "1"}}),
    ("coremedia", "POST /login", {"status": 302, "sets": ("JSESSIONID=abc; Path=/; HttpOnly",)}),
    ("generic", "POST /login", {"status": 302, "location": "/account", "sets": ("session=abc",)}),
    ("generic", "POST /basket/add/1/", {"status": 302, "sets": ("basket=1",)}),
]


@pytest.mark.parametrize(("product", "request_line", "answer"), LOOK_ALIKES)
def test_what_only_looks_like_it_is_not_seen(product, request_line, answer):
    found = seen(product, request_line, **answer)

    assert (found.changes.login, found.changes.basket, found.changes.order) == (UNSAID, UNSAID, "")
    assert found.ask == ()


LOGOUTS = [
    (
        "magento",
        "GET /customer/account/logout/",
        {"status": 302, "location": "https://shop.example/customer/account/logoutSuccess/"},
    ),
    ("salesforce-b2c", f"GET {SITE}/Login-Logout", {"status": 302, "location": "/home"}),
    ("hcl-commerce", f"DELETE {HCL}/loginidentity/@self", {"status": 200}),
    ("sap-commerce", "POST /authorizationserver/oauth/revoke", {"status": 200}),
    ("sap-commerce", "GET /logout", {"status": 302, "location": "/"}),
    ("shopify", "GET /account/logout", {"status": 302, "location": "/"}),
    ("woocommerce", "GET /my-account/customer-logout/", {"status": 302, "sets": (WC_GONE,)}),
    ("wordpress", "GET /wp-login.php?action=logout", {"status": 302, "sets": (WC_GONE,)}),
    ("drupal", "POST /user/logout/confirm", {"status": 303, "location": "/"}),
    ("drupal", "POST /user/logout?_format=json&token=x", {"status": 204}),
    ("aem", "GET /system/sling/logout.html", {"status": 302, "sets": ("login-token=; Path=/; Max-Age=0",)}),
    ("commercetools", "POST /oauth/token/revoke", {"status": 200}),
]


@pytest.mark.parametrize(("product", "request_line", "answer"), LOGOUTS)
def test_a_logout_as_it_is_documented_is_seen(product, request_line, answer):
    assert seen(product, request_line, **answer).changes.login is None


def test_a_failed_login_at_adobe_commerce_is_found_out_by_the_question():
    line, answer = LOGINS[1][1:]
    found = seen("magento", line, cookies={"PHPSESSID": "s1"}, **answer)
    guest = {"cart": {"summary_count": 1, "subtotal": "€5.00", "items": []}, "customer": {"data_id": 1}}

    changes = merge_changes(found.changes, found.ask[0].read(answered(200, guest)))
    changes = merge_changes(changes, found.ask[1].read(answered(401, {"message": "The consumer isn't authorized"})))

    assert changes.login is UNSAID
    assert isinstance(changes.basket, Basket)


def test_a_customer_of_adobe_commerce_has_a_number_and_a_basket_of_their_own():
    found = seen(
        "magento", "POST /customer/account/loginPost/", 302, location="/customer/account/", cookies={"PHPSESSID": "s"}
    )
    known = {
        "cart": {"summary_count": 1, "subtotal": "€5.00", "items": []},
        "customer": {"fullname": "Jo Doe", "firstname": "Jo"},
    }

    changes = found.changes
    for question, told in zip(found.ask, (known, {"id": 7, "firstname": "Jo", "email": "jo@shop.test"}), strict=True):
        changes = merge_changes(changes, question.read(answered(200, told)))

    assert changes.login == Login("7", "Jo")
    assert changes.basket == Basket("own", 0, 1, "5.00", "EUR")


def test_a_destination_that_is_somebody_else_s_page_makes_nobody_of_them():
    found = seen("drupal", "POST /user/login?destination=/user/1", 303, location="/user/1", sets=("SESS1=abc; path=/",))

    assert isinstance(found.changes.login, Login)
    assert found.changes.login.sub.startswith("~")


def test_a_login_at_drupal_that_goes_on_elsewhere_is_told_by_the_user_s_page():
    found = seen(
        "drupal", "POST /de/user/login?destination=/shop", 303, location="/shop", sets=("SSESS12=abc; path=/",)
    )

    assert isinstance(found.changes.login, Login)
    assert found.changes.login.sub.startswith("~")
    assert found.ask[0].path == "/de/user"
    assert found.ask[0].read(answered(302, location="/de/user/7")).login == Login("7")
    assert found.ask[0].read(answered(302, location="/de/user/login")).login is None


def test_every_product_of_the_issue_has_a_profile():
    wanted = {
        "wagtail", "django-oscar", "magento", "hcl-commerce", "salesforce-b2c", "sap-commerce", "shopify",
        "woocommerce", "wordpress", "drupal", "aem", "coremedia", "commercetools", "generic",
    }  # fmt: skip

    assert wanted == set(profiles.names())
    assert profiles.get("prestashop") is None


PAGES = ("/", "/catalogue/shoes_1/", "/brands/acme/", "/de/p/12345.html", "/static/app.js", "/checkout", "/search/?q=a")


@pytest.mark.parametrize("name", profiles.names())
def test_a_plain_page_is_not_watched(name):
    profile = profile_of(name)

    assert not any(profile.watches("GET", page) or profile.wants_body("GET", page) for page in PAGES)
    assert not any(profile.watches(method, page) for method in ("HEAD", "OPTIONS", "TRACE") for page in PAGES)
    assert not profile.notices(["_ga=GA1.2.3; Path=/", "consent=yes"])


def test_what_is_not_watched_says_nothing():
    assert seen("django-oscar", "GET /catalogue/", sets=("csrftoken=abc",)) == Observed(Changes())
