"""What profiles see in what running products really answered: see recorder.py for the journeys."""

import pytest
from profiles_played import Played, everything_recorded, observed, profile_of, step

from sessions.model import UNSAID, Basket, Changes, Line, Login
from sessions.profiles import Answer, Asked, Observed, Question, merge_changes

SIGNS = {
    "django-oscar": {
        "customer": {
            "guest adds": "basket", "login": "login", "profile page": "", "basket page": "basket",
            "customer adds": "basket", "basket page of a customer": "basket", "logout": "logout",
            "basket page after the logout": "basket", "login without basket": "login",
            "customer places order": "order", "thank-you page": "order", "basket page after the order": "basket",
        },
        "guest-orders": {
            "add": "basket", "basket page": "basket", "change quantity": "basket", "basket page with three": "basket",
            "change by script": "basket", "basket page with one": "basket", "remove": "basket",
            "empty basket page": "basket", "add none": "basket", "add another": "basket",
            "the shopper reads the message": "basket", "place order": "order", "thank-you page": "order",
            "thank-you page again": "order", "basket page after the order": "basket",
        },
        "order-again": {
            "order again": "basket", "basket page with the old order": "basket", "a voucher that is none": "basket",
            "basket page after the voucher": "basket", "save for later": "basket",
            "basket page with a line for later": "basket", "back from later": "basket",
            "basket page with the line again": "basket",
        },
        "register": {"register": "login"},
        "merge": {"guest adds": "basket", "login": "login", "basket page that merges": "basket"},
        "script": {"add with a header": "basket"},
        "stranger": {},
    },
    "wagtail": {
        "visitor": {"login": "login", "logout": "logout", "login with a header": "login"}, "editor": {}, "stale": {},
    },
    "wordpress": {"visitor": {"login": "login", "logout": "logout", "login form that asks again": "logout"}},
}  # fmt: skip
"""What is to be seen in which step. Of everything else that was recorded nothing may be seen: these are the failed
logins, the forms, the 403s and 404s, the cookies that are deleted for another reason."""


def _shown(seen: Observed) -> str:
    """Return what was seen, in the words of the table."""
    changes = seen.changes
    if changes.order:
        return "order"
    if changes.login is None:
        return "logout"
    if changes.login is not UNSAID:
        return "login"
    return "basket" if changes.basket is not UNSAID or seen.ask else ""


@pytest.mark.parametrize("one", everything_recorded(), ids=str)
def test_a_profile_sees_in_a_recorded_exchange_just_what_there_was(one: Played):
    profile = profile_of(one.product)
    seen = profile.observe(one.asked, one.answer)

    assert _shown(seen) == SIGNS[one.product][one.journey].get(one.step, "")
    if seen.changes or seen.ask:
        assert profile.watches(one.asked.method, one.asked.path) or profile.notices(one.answer.set_cookies)
    if not profile.wants_body(one.asked.method, one.asked.path):
        without = Answer(one.answer.status, one.answer.headers, one.answer.set_cookies, None)
        assert profile.observe(one.asked, without).changes == seen.changes


# --- django-oscar: what the edge asks, and what it then knows ---------------------------------------------------------


def ask(seen: Observed, journey: str, *pages: str) -> Changes:
    """Let the recorded pages answer the questions, in order, and return all that is known then."""
    changes = seen.changes
    assert len(seen.ask) == len(pages)
    for question, name in zip(seen.ask, pages, strict=True):
        page = step("django-oscar", journey, name)
        assert question.path == page.asked.path
        changes = merge_changes(changes, question.read(page.answer))
    return changes


def test_a_login_at_oscar_tells_who_it_is_and_what_the_merged_basket_holds():
    known = ask(observed("django-oscar", "customer", "login"), "customer", "profile page", "basket page")

    assert known.login == Login("anna@shop.test", "Anna")
    assert known.basket == Basket("own", 0, 2, "28.00", "EUR", (Line("1", 2),))
    assert known.merged == "2", "the guest's basket has gone into the customer's"
    assert known.cookies == {"oscar_open_basket": ""}, "and its cookie need not be kept any more"


def test_oscar_takes_the_larger_quantity_of_both_baskets_and_that_is_what_is_told():
    guest = 3
    had = {"1": 2, "2": 1}

    login = observed("django-oscar", "merge", "login")
    known = login.ask[1].read(step("django-oscar", "merge", "basket page that merges").answer)

    assert isinstance(known.basket, Basket)
    assert {line.sku: line.quantity for line in known.basket.lines} == {"1": max(guest, had["1"]), "2": had["2"]}
    assert known.merged


def test_a_guest_s_first_article_tells_the_number_of_the_basket_and_the_cookie_to_keep():
    known = ask(observed("django-oscar", "guest-orders", "add"), "guest-orders", "basket page")

    assert known.basket == Basket("1", 0, 2, "28.00", "EUR", (Line("1", 2),))
    assert known.cookies["oscar_open_basket"].startswith("1:")
    assert known.login is UNSAID


@pytest.mark.parametrize(
    ("written", "page", "count", "total"),
    [
        ("change quantity", "basket page with three", 3, "42.00"),
        ("change by script", "basket page with one", 1, "14.00"),
        ("add another", "the shopper reads the message", 1, "19.00"),
    ],
)
def test_a_change_of_quantity_is_known_before_the_shopper_is(written, page, count, total):
    known = ask(observed("django-oscar", "guest-orders", written), "guest-orders", page)

    assert isinstance(known.basket, Basket)
    assert (known.basket.count, known.basket.total) == (count, total)


def test_the_last_article_removed_leaves_no_basket():
    assert ask(observed("django-oscar", "guest-orders", "remove"), "guest-orders", "empty basket page").basket is None


def test_a_customer_s_basket_is_their_own_with_all_lines():
    known = ask(observed("django-oscar", "customer", "customer adds"), "customer", "basket page of a customer")

    assert known.basket == Basket("own", 0, 3, "47.00", "EUR", (Line("1", 2), Line("2", 1)))


def test_a_line_that_is_saved_for_later_is_not_counted():
    later = ask(
        observed("django-oscar", "order-again", "save for later"), "order-again", "basket page with a line for later"
    )

    assert isinstance(later.basket, Basket)
    assert later.basket.lines == (Line("2", 1),)


def test_a_logout_leaves_no_basket_of_the_customer_s_in_the_browser():
    known = ask(observed("django-oscar", "customer", "logout"), "customer", "basket page after the logout")

    assert (known.login, known.basket) == (None, None)


def test_a_guest_who_logs_out_of_nothing_keeps_the_basket():
    guest = step("django-oscar", "guest-orders", "add").answer.set_cookies
    one = step("django-oscar", "stranger", "logout of nobody")
    cookie = guest[0].partition(";")[0].partition("=")[2]

    seen = profile_of("django-oscar").observe(
        Asked("GET", one.asked.path, "", {"oscar_open_basket": cookie}), one.answer
    )

    assert seen == Observed(Changes())


@pytest.mark.parametrize(
    ("journey", "placed"), [("guest-orders", "place order"), ("customer", "customer places order")]
)
def test_an_order_empties_the_basket_at_once_and_its_number_comes_with_the_thank_you_page(journey, placed):
    first = observed("django-oscar", journey, placed)
    then = observed("django-oscar", journey, "thank-you page")

    assert (first.changes.order, first.changes.basket, first.ask) == ("?", None, ())
    assert then.changes.order.startswith("1000")
    assert ask(then, journey, "basket page after the order").basket is None
    assert merge_changes(first.changes, then.changes).order == then.changes.order
    assert merge_changes(then.changes, first.changes).order == then.changes.order, "a number is not forgotten"


def test_the_thank_you_page_opened_again_does_not_empty_what_was_bought_since():
    again = observed("django-oscar", "guest-orders", "thank-you page again")
    filled = step("django-oscar", "guest-orders", "basket page")

    assert again.changes.basket is UNSAID
    assert isinstance(again.ask[0].read(filled.answer).basket, Basket)


def test_a_name_that_looks_like_somebody_else_s_address_logs_nobody_else_in():
    question = observed("django-oscar", "customer", "login").ask[0]
    page = step("django-oscar", "customer", "profile page").answer
    body = (page.body or b"").replace(b"<td>Anna</td>", b"<td>victim@shop.test</td>")

    assert question.read(Answer(200, page.headers, (), body)).login == Login("anna@shop.test", "victim@shop.test")


def test_a_message_on_the_thank_you_page_is_not_taken_for_the_number():
    one = step("django-oscar", "guest-orders", "thank-you page")
    message = b'<div id="messages"><strong>Trail</strong> has been added to your basket.'
    body = (one.answer.body or b"").replace(b'<div id="messages">', message)

    seen = profile_of("django-oscar").observe(one.asked, Answer(200, one.answer.headers, (), body))

    assert seen.changes.order == "100001"


def test_what_a_form_sent_by_mistake_says_is_no_basket():
    for name in ("add unknown", "forged form"):
        assert observed("django-oscar", "guest-orders", name) == Observed(Changes()), name


def test_a_login_that_was_none_after_all_is_taken_back_by_the_question():
    login = observed("django-oscar", "customer", "login")
    nobody = step("django-oscar", "guest-orders", "profile of nobody")

    assert merge_changes(login.changes, login.ask[0].read(nobody.answer)).login is None


def test_a_question_that_gets_no_usable_answer_leaves_what_was_seen():
    login = observed("django-oscar", "customer", "login")

    for question in login.ask:
        for useless in (Answer(500, (), (), b"<h1>Server error</h1>"), Answer(200, (), (), b""), Answer(404)):
            assert question.read(useless) == Changes()
    assert isinstance(login.changes.login, Login)
    assert login.changes.login.sub.startswith("~"), "somebody is logged in, whoever it is"


def test_a_login_without_an_answer_has_an_id_that_gives_the_session_away_to_nobody():
    one = step("django-oscar", "customer", "login")
    session = next(line for line in one.answer.set_cookies if line.startswith("sessionid="))
    login = profile_of("django-oscar").observe(one.asked, one.answer).changes.login

    assert isinstance(login, Login)
    assert session.partition(";")[0].partition("=")[2] not in login.sub


def test_messages_that_wait_for_the_shopper_are_not_used_up_by_a_question():
    question = observed("django-oscar", "guest-orders", "add").ask[0]

    assert question.leaves_out("messages")
    assert not question.leaves_out("oscar_open_basket")
    assert not question.leaves_out("sessionid")


def test_a_shop_with_renamed_cookies_and_a_language_before_its_paths_is_seen_and_asked_there():
    one = step("django-oscar", "customer", "login")
    lines = [line.replace("sessionid=", "shop_sessionid=") for line in one.answer.set_cookies]
    profile = profile_of("django-oscar")
    seen = profile.observe(
        Asked("POST", "/en-gb/accounts/login/"), Answer(302, [("location", "https://shop.example/en-gb/")], lines)
    )

    assert profile.watches("POST", "/en-gb/accounts/login/")
    assert isinstance(seen.changes.login, Login)
    assert [question.path for question in seen.ask] == ["/en-gb/accounts/profile/", "/en-gb/basket/"]


def test_a_shopper_who_was_there_before_the_edge_is_asked_about_at_the_first_page():
    profile = profile_of("django-oscar")
    page = step("django-oscar", "customer", "product page as customer")
    questions = profile.inquire(page.asked, page.answer)
    pages = ("profile page", "basket page")

    known = Changes()
    for question, name in zip(questions, pages, strict=True):
        known = merge_changes(known, question.read(step("django-oscar", "customer", name).answer))

    assert known.login == Login("anna@shop.test", "Anna")
    assert isinstance(known.basket, Basket)


def test_a_visitor_without_the_product_s_cookies_is_asked_about_by_nobody():
    page = step("django-oscar", "customer", "product page")

    assert profile_of("django-oscar").inquire(page.asked, page.answer) == ()


def test_the_cookies_just_set_are_known_to_the_question():
    question: Question = observed("django-oscar", "guest-orders", "add").ask[0]

    assert question.known["oscar_open_basket"].startswith("1:")
    assert "csrftoken" in question.known


# --- Wagtail and WordPress --------------------------------------------------------------------------------------------


def test_opening_the_cms_s_login_page_with_the_shop_s_session_is_no_logout():
    one = step("wagtail", "stale", "admin with the other system's session")

    assert any(line.startswith('sessionid=""') for line in one.answer.set_cookies)
    assert observed("wagtail", "stale", one.step) == Observed(Changes())


def test_an_editor_who_logs_in_at_the_admin_is_no_customer():
    assert observed("wagtail", "editor", "admin login") == Observed(Changes())


def test_a_login_at_the_cms_lasts_as_long_as_its_session():
    first = observed("wagtail", "visitor", "login").changes.login
    second = observed("wagtail", "visitor", "login with a header").changes.login

    assert isinstance(first, Login)
    assert isinstance(second, Login)
    assert first.sub != second.sub


def test_wordpress_names_the_user_in_its_cookie_and_in_no_other():
    login = observed("wordpress", "visitor", "login")

    assert login.changes.login == Login("anna", "anna")
    assert login.ask == ()


def test_a_cookie_set_and_deleted_in_one_answer_is_deleted():
    one = step("wordpress", "visitor", "login form that asks again")
    value = next(line for line in step("wordpress", "visitor", "login").answer.set_cookies if "logged_in" in line)
    both = Answer(200, one.answer.headers, [value, *one.answer.set_cookies])

    assert profile_of("wordpress").observe(one.asked, both).changes.login is None
