"""Baskets and orders of products that were not run here, as their documentation shows them."""

import pytest
from profiles_played import CT, HCL, OCC, SITE, answered, seen

from sessions.model import Basket, Line

CT_CART = {
    "type": "Cart", "cartState": "Active", "id": "b1", "version": 4, "totalLineItemQuantity": 3,
    "totalPrice": {"type": "centPrecision", "currencyCode": "EUR", "centAmount": 4700, "fractionDigits": 2},
    "lineItems": [{"quantity": 2, "variant": {"sku": "A"}}, {"quantity": 1, "variant": {"sku": "B"}}],
}  # fmt: skip
OCC_CART = {
    "code": "0001", "guid": "b1", "totalUnitCount": 3, "totalPrice": {"value": 47.0, "currencyIso": "EUR"},
    "entries": [{"quantity": 2, "product": {"code": "A"}}, {"quantity": 1, "product": {"code": "B"}}],
}  # fmt: skip

BASKETS = [
    (
        "magento",
        "POST /checkout/cart/add/uenc/aHR0/product/1/",
        {"status": 302, "location": "/"},
        "/customer/section/load/?sections=cart,customer",
        {
            "cart": {
                "summary_count": 3,
                "subtotal": '<span class="price">€47.00</span>',
                "items": [{"qty": 2, "product_sku": "A"}, {"qty": 1, "product_sku": "B"}],
            },
            "customer": {"data_id": 1},
        },
    ),
    (
        "salesforce-b2c",
        f"POST {SITE}/Cart-AddProduct",
        {"body": {"error": False, "quantityTotal": 3}},
        f"{SITE}/Cart-Get",
        {
            "numItems": 3,
            "totals": {"grandTotal": "€47.00"},
            "items": [{"id": "A", "quantity": 2}, {"id": "B", "quantity": 1}],
        },
    ),
    (
        "hcl-commerce",
        f"POST {HCL}/cart",
        {"status": 201, "body": {"orderId": "b1"}},
        f"{HCL}/cart/@self",
        {
            "orderId": "b1",
            "grandTotal": "47.00000",
            "grandTotalCurrency": "EUR",
            "orderItem": [{"partNumber": "A", "quantity": "2.0"}, {"partNumber": "B", "quantity": "1.0"}],
        },
    ),
    (
        "sap-commerce",
        f"POST {OCC}/users/anonymous/carts/b1/entries",
        {"body": {"quantityAdded": 1}},
        f"{OCC}/users/anonymous/carts/b1?fields=code,guid,totalUnitCount,totalPrice(FULL),entries(quantity,product(code))",
        OCC_CART,
    ),
    (
        "shopify",
        "POST /de/cart/add.js",
        {"body": {"id": 1, "quantity": 1}},
        "/de/cart.js",
        {
            "token": "b1",
            "item_count": 3,
            "total_price": 4700,
            "currency": "EUR",
            "items": [{"variant_id": "A", "quantity": 2}, {"variant_id": "B", "quantity": 1}],
        },
    ),
    (
        "woocommerce",
        "POST /product/a/",
        {
            "status": 200,
            "sets": (
                "woocommerce_items_in_cart=1; path=/",
                "woocommerce_cart_hash=ab; path=/",
                "wp_woocommerce_session_2244=t_b1%7C%7C1%7C%7C2%7C%7Cff; path=/",
            ),
        },
        "/wp-json/wc/store/v1/cart",
        {
            "items_count": 3,
            "items": [{"id": "A", "quantity": 2}, {"id": "B", "quantity": 1}],
            "totals": {"total_price": "4700", "currency_code": "EUR", "currency_minor_unit": 2},
        },
    ),
]


@pytest.mark.parametrize(("product", "request_line", "answer", "asked", "told"), BASKETS)
def test_a_write_to_the_basket_asks_for_count_total_and_lines(product, request_line, answer, asked, told):
    found = seen(product, request_line, cookies={"PHPSESSID": "s1", "dwsid": "s1"}, **answer)

    assert found.ask[0].path == asked
    basket = found.ask[0].read(answered(200, told)).basket
    assert isinstance(basket, Basket)
    assert (basket.count, basket.total, basket.currency) == (3, "47.00", "EUR")
    assert basket.lines == (Line("A", 2), Line("B", 1))
    assert basket.id


def test_the_accelerator_s_basket_is_asked_for_where_the_site_is():
    found = seen(
        "sap-commerce", "POST /electronics/en/cart/add", body={"cartData": {}}, cookies={"electronics-cart": "b1"}
    )

    assert [question.path for question in found.ask] == ["/electronics/en/cart/miniCart/SUBTOTAL"]
    said = found.ask[0].read(answered(200, {"miniCartCount": 3, "miniCartPrice": "$47.00"}))
    assert said.basket == Basket("b1", 0, 3, "47.00", "")


@pytest.mark.parametrize(
    ("product", "told"),
    [
        ("magento", {"cart": {"summary_count": 0, "subtotal": "€0.00", "items": []}, "customer": {}}),
        ("salesforce-b2c", {"numItems": 0, "items": [], "totals": {}}),
        ("shopify", {"token": "b1", "item_count": 0, "items": [], "total_price": 0, "currency": "EUR"}),
        ("woocommerce", {"items_count": 0, "items": [], "totals": {"total_price": "0"}}),
    ],
)
def test_an_empty_basket_is_none(product, told):
    request_line, answer = next((line, said) for name, line, said, *_ in BASKETS if name == product)

    assert seen(product, request_line, **answer).ask[0].read(answered(200, told)).basket is None


def test_commercetools_tells_the_whole_basket_in_every_answer():
    written = seen("commercetools", f"POST {CT}/me/carts/b1", body=CT_CART)
    read = seen("commercetools", f"GET {CT}/me/active-cart", body=CT_CART)
    stores = seen("commercetools", f"POST {CT}/in-store/key=berlin/me/carts/b1", body=CT_CART)

    assert written.changes.basket == Basket("b1", 4, 3, "47.00", "EUR", (Line("A", 2), Line("B", 1)))
    assert read == stores == written
    assert written.ask == ()


def test_a_basket_of_commercetools_without_lines_is_empty():
    empty = {**CT_CART, "lineItems": []}
    del empty["totalLineItemQuantity"]

    assert seen("commercetools", f"POST {CT}/me/carts/b1", body=empty).changes.basket is None


def test_a_storefront_that_reads_its_basket_from_sap_has_told_it():
    found = seen("sap-commerce", f"GET {OCC}/users/current/carts/0001", body=OCC_CART)

    assert isinstance(found.changes.basket, Basket)
    assert found.changes.basket.count == 3
    assert found.ask == ()


ORDERS = [
    ("magento", "POST /rest/default/V1/guest-carts/abc/payment-information", {"body": "42"}, "?"),
    (
        "magento",
        "GET /checkout/onepage/success/",
        {"body": '<div class="checkout-success"> <p>Your order # is: <span>000000042</span>.</p>'},
        "000000042",
    ),
    (
        "magento",
        "GET /checkout/onepage/success/",
        {"body": '<div class="checkout-success"><p><a href="/" class="order-number"><strong>000000043</strong></a>'},
        "000000043",
    ),
    (
        "salesforce-b2c",
        f"POST {SITE}/CheckoutServices-PlaceOrder",
        {"body": {"error": False, "orderID": "00000042", "continueUrl": "/x"}},
        "00000042",
    ),
    ("hcl-commerce", f"POST {HCL}/cart/@self/checkout", {"status": 201, "body": {"orderId": "42"}}, "42"),
    ("sap-commerce", f"POST {OCC}/users/current/orders?cartId=1", {"status": 201, "body": {"code": "42"}}, "42"),
    ("sap-commerce", "GET /electronics/en/checkout/orderConfirmation/42", {}, "42"),
    ("shopify", "GET /checkouts/cn/abc/thank-you", {}, "?"),
    (
        "woocommerce",
        "POST /?wc-ajax=checkout",
        {"body": {"result": "success", "redirect": "https://s.example/checkout/order-received/42/?key=k"}},
        "42",
    ),
    (
        "woocommerce",
        "POST /wp-json/wc/store/v1/checkout",
        {"body": {"order_id": 42, "payment_result": {"payment_status": "success"}}},
        "42",
    ),
    (
        "commercetools",
        f"POST {CT}/me/orders",
        {"status": 201, "body": {"type": "Order", "id": "o1", "orderNumber": "42"}},
        "42",
    ),
    ("commercetools", f"POST {CT}/me/orders", {"status": 201, "body": {"type": "Order", "id": "o1"}}, "o1"),
]


@pytest.mark.parametrize(("product", "request_line", "answer", "number"), ORDERS)
def test_an_order_as_it_is_documented_is_seen_with_its_number(product, request_line, answer, number):
    found = seen(product, request_line, **answer)

    assert found.changes.order == number
    assert found.changes.basket is None or found.ask, "an order leaves an empty basket, or the basket is asked for"


def test_tokens_of_the_visitor_s_own_go_with_a_question_that_needs_them():
    found = seen("hcl-commerce", f"POST {HCL}/cart", 201, body={"orderId": "b1"})

    assert "wctrustedtoken" in found.ask[0].passes
    assert seen("sap-commerce", f"POST {OCC}/users/current/carts/1/entries").ask[0].passes == ("authorization",)
    assert seen("shopify", "POST /cart/add.js").ask[0].passes == ()
