"""The webshop's forms as markup: log in, account, address, payment, thank-you. Pure, like `deploy.demo.shop_pages`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from deploy.demo.art import picture
from deploy.demo.markup import Html, euro, html
from deploy.demo.shop_pages import View, parcel, token_field, totals
from deploy.demo.shoppers import Basket, Customer, Order, Visit

DEMO_CARD = "0000 0000 0000 0000"
"""The only card number that is taken. It is nobody's, and no real one can be typed in by habit."""

COUNTRIES = ("Austria", "Denmark", "France", "Germany", "Netherlands", "Sweden")

FIELDS = {
    "email": ("E-mail", "email"),
    "name": ("Name", "name"),
    "street": ("Street and number", "street-address"),
    "postcode": ("Postcode", "postal-code"),
    "city": ("City", "address-level2"),
}
"""What an address needs: label, and the name by which browsers fill it in."""


def login(email: str, following: str, wrong: bool, visit: Visit) -> View:
    """Return the login page; `following` is where to go afterwards."""
    body = html(
        """<div class="narrow"><h1>Log in</h1>
<p class="demo-note">A demo has one customer: <b>anna@shop.test</b>, password <b>anna</b>.</p>{wrong}
<form class="fields" method="post" action="/account/login/">{token}<input type="hidden" name="next" value="{following}">
<label>E-mail <input type="email" name="email" value="{email}" autocomplete="username" required maxlength="120"></label>
<label>Password <input type="password" name="password" autocomplete="current-password" required maxlength="120"></label>
<button class="cta">Log in</button></form></div>""",
        token=token_field(visit),
        following=following,
        email=email,
        wrong=html('<p class="wrong" role="alert">E-mail and password do not belong together.</p>') if wrong else "",
    )
    return View("Log in", body)


def account(customer: Customer, visit: Visit) -> View:
    """Return a customer's page with the order history."""
    orders = [
        html(
            '<li class="order"><div><b>{o.number}</b><span>{day}</span></div><div class="thumbs">{pictures}</div>'
            "<span>{count}</span><b>{sum}</b></li>",
            o=order,
            day=_day(order),
            pictures=[picture(product.shape, product.tone) for product, _ in order.lines[:4]],
            count=f"{sum(quantity for _, quantity in order.lines)} items",
            sum=euro(order.cents + parcel(order.cents)),
        )
        for order in customer.orders
    ]
    body = html(
        """<div class="head"><h1>Hello {customer.name}</h1><p>{customer.email}</p></div>
<section><h2>Your orders</h2>{orders}</section>
<form method="post" action="/account/logout/">{token}<button class="quiet">Log out</button></form>""",
        customer=customer,
        orders=html('<ul class="orders">{orders}</ul>', orders=orders)
        if orders
        else html('<p class="hint">None yet. <a href="/catalogue/">Start here</a>.</p>'),
        token=token_field(visit),
    )
    return View("Your account", body)


def _day(order: Order) -> str:
    placed = datetime.fromtimestamp(order.placed, UTC)
    return f"{placed.day} {placed:%B %Y}"


def _steps(now: int) -> Html:
    names = ("Basket", "Address", "Payment", "Done")
    return html(
        '<ol class="steps" aria-label="Steps of the checkout">{steps}</ol>',
        steps=[
            html(
                '<li class="{css}"{now}>{name}</li>',
                css="done" if place < now else "",
                now=Html(' aria-current="step"') if place == now else "",
                name=name,
            )
            for place, name in enumerate(names)
        ],
    )


def _summary(goods: Basket) -> Html:
    lines = [html("<li><span>{quantity} × {p.name}</span></li>", p=product, quantity=n) for product, n in goods]
    return html(
        '<aside class="totals" aria-label="Your order"><ul class="short">{lines}</ul>{totals}</aside>',
        lines=lines,
        totals=totals(goods.cents),
    )


def address(values: Mapping[str, str], missing: Mapping[str, str], visit: Visit) -> View:
    """Return the address step; `missing` says for a field what is wrong with it."""
    inputs = []
    for name, (label, filled) in FIELDS.items():
        problem = missing.get(name, "")
        inputs.append(html(
            '<label class="f-{name}">{label} <input name="{name}" value="{value}" autocomplete="{filled}"'
            ' maxlength="120" required{state}>{problem}</label>',
            name=name, label=label, value=values.get(name, ""), filled=filled,
            state=html(' aria-invalid="true" aria-describedby="e-{name}"', name=name) if problem else "",
            problem=html('<span class="wrong" id="e-{name}">{text}</span>', name=name, text=problem) if problem else "",
        ))  # fmt: skip
    chosen = values.get("country", "Germany")
    options = [
        html("<option{on}>{name}</option>", name=name, on=Html(" selected") if name == chosen else "")
        for name in COUNTRIES
    ]
    guest = html(
        '<p class="hint">Have an account? <a href="/account/login/?next=/checkout/address/">Log in</a>, '
        "and this fills itself in.</p>"
    )
    body = html(
        """{steps}<div class="two"><div><h1>Where to?</h1>{guest}
<form class="fields grid" method="post" action="/checkout/address/">{token}{inputs}
<label class="f-country">Country <select name="country" autocomplete="country-name">{options}</select></label>
<button class="cta">On to payment</button></form></div>{summary}</div>""",
        steps=_steps(1),
        guest="" if visit.customer else guest,
        token=token_field(visit),
        inputs=inputs,
        options=options,
        summary=_summary(visit.basket),
    )
    return View("Address", body, bare=True)


def payment(visit: Visit, refused: bool) -> View:
    """Return the payment step: a form that takes no real card."""
    goods = visit.basket
    total = euro(goods.cents + parcel(goods.cents))
    body = html(
        """{steps}<div class="two"><div><h1>Payment</h1>
<p class="demo-note"><b>No real card, please.</b> Nothing is charged.
The demo takes only the number that is filled in already.</p>{refused}
<form class="fields grid" method="post" action="/checkout/payment/" autocomplete="off">{token}
<label class="f-card">Card number
<input name="card" value="{card}" inputmode="numeric" maxlength="23" required autocomplete="off"></label>
<label>Until <input name="until" value="12 / 99" maxlength="7" autocomplete="off"></label>
<label>Code <input name="code" value="000" maxlength="4" inputmode="numeric" autocomplete="off"></label>
<button class="cta">Pay {total}</button></form></div>{summary}</div>""",
        steps=_steps(2),
        refused=_refused() if refused else "",
        token=token_field(visit),
        card=DEMO_CARD,
        total=total,
        summary=_summary(goods),
    )  # fmt: skip
    return View("Payment", body, bare=True)


def _refused() -> Html:
    told = '<p class="wrong" role="alert">Only {card} is taken here. What you typed was not kept.</p>'
    return html(told, card=DEMO_CARD)


def thank_you(order: Order, visit: Visit) -> View:
    """Return the page after an order."""
    pictures = [
        picture(product.shape, product.tone, f"{quantity} × {product.name}") for product, quantity in order.lines
    ]
    body = html(
        """{steps}<div class="thanks"><p class="tick" aria-hidden="true">✓</p><h1>Thank you, {name}</h1>
<p>Order <b>{order.number}</b> of {sum} goes to {order.address.street}, {order.address.city}.</p>
<div class="thumbs large">{pictures}</div><p class="links">{account}<a href="/">Back to the magazine</a></p></div>""",
        steps=_steps(3),
        name=order.address.name.split(" ")[0],
        order=order,
        sum=euro(order.cents + parcel(order.cents)),
        pictures=pictures,
        account=html('<a class="cta" href="/account/">See your orders</a>') if visit.customer else "",
    )
    return View("Thank you", body, bare=True)
