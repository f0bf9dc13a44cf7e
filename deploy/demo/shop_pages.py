"""The webshop's pages as markup: listing, product, brand, search, basket. Pure: they are told all they show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from deploy.demo.art import picture
from deploy.demo.catalogue import BRANDS, CATEGORIES, Brand, Product, of_brand
from deploy.demo.markup import Html, euro, html
from deploy.demo.shoppers import MOST, Basket, Visit


@dataclass(frozen=True, slots=True)
class View:
    """What stands between head and foot. `bare` leaves out search and menu, as a checkout does."""

    title: str
    body: Html
    words: str = ""
    bare: bool = False


_ICONS = {
    "search": '<path d="M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14Zm5 12l5 5"/>',
    "person": '<path d="M12 12a4 4 0 1 0 0-8a4 4 0 0 0 0 8Zm-8 9c0-4 4-6 8-6s8 2 8 6"/>',
    "bag": '<path d="M5 8h14l-1 13H6Zm4 0V6a3 3 0 0 1 6 0v2"/>',
}


def icon(name: str) -> Html:
    """Return a small line drawing, for decoration beside a word."""
    return html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{path}</svg>', path=Html(_ICONS[name]))


def whole(view: View, ribbon: Html, visit: Visit | None) -> Html:
    """Return the complete document as this visit sees it."""
    count = visit.basket.count if visit else 0
    name = visit.customer.name if visit and visit.customer else "Log in"
    notice = html('<p class="notice" role="status">{text}</p>', text=visit.notice) if visit and visit.notice else ""
    search = html(
        '<form class="search" role="search" action="/search/">{icon}'
        '<label class="hidden" for="q">Search the shop</label>'
        '<input id="q" type="search" name="q" value="{words}" '
        'placeholder="Search 30 things" maxlength="80"></form>',
        icon=icon("search"),
        words=view.words,
    )
    menu = html(
        '<nav class="menu" aria-label="Departments"><ul><li><a href="/catalogue/">Everything</a></li>{categories}'
        '<li><a href="/brands/">Brands</a></li><li class="out"><a href="/">The magazine</a></li></ul></nav>',
        categories=[
            html('<li><a href="/catalogue/?category={name}">{name}</a></li>', name=category) for category in CATEGORIES
        ],
    )
    return html(
        """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{view.title} | Salt+Linden Shop</title><link rel="icon" href="/static/shop/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/shop/shop.css"><link rel="stylesheet" href="/static/shop/ribbon.css"></head>
<body><a class="skip" href="#content">Skip to content</a>{ribbon}
<header class="top"><div class="bar"><a class="logo" href="/catalogue/">salt<b>+</b>linden</a>{search}
<a class="pill" href="/account/">{person}<span class="word">{name}</span></a>
<a class="pill strong" href="/basket/">{bag}<span class="word">Basket</span>
<span class="count" aria-label="{count} in your basket">{count}</span></a></div>{menu}</header>
{notice}<main id="content">{view.body}</main>
<footer class="foot"><p><b>salt+linden</b> · Free delivery from {free} · 30 days to think it over</p>
<p>A demo: nothing is sold, nothing is charged, and what you type is forgotten when the program ends.</p></footer>
</body></html>
""",
        view=view,
        ribbon=ribbon,
        search="" if view.bare else search,
        menu="" if view.bare else menu,
        person=icon("person"),
        bag=icon("bag"),
        name=name,
        count=count,
        notice=notice,
        free=euro(FREE_FROM),
    )


FREE_FROM = 10_000
"""Cents from which a parcel costs nothing."""

PARCEL = 590
"""Cents for a parcel otherwise."""


def parcel(cents: int) -> int:
    """Return what delivery costs for goods of this value, in cents."""
    return 0 if cents >= FREE_FROM else PARCEL


def token_field(visit: Visit | None) -> Html:
    """Return the hidden field by which a form shows that it is ours; nothing where there is no visit to protect."""
    return html('<input type="hidden" name="token" value="{token}">', token=visit.token) if visit else Html()


def _price(product: Product) -> Html:
    was = html(' <s><span class="hidden">before: </span>{p.was}</s>', p=product) if product.was else ""
    return html('<span class="price{css}">{p.price}{was}</span>', css=" less" if was else "", p=product, was=was)


def _cards(products: Iterable[Product], here: str, visit: Visit | None) -> Html:
    cards = [
        html(
            '<li class="card" id="p{p.sku}"><a href="{p.path}">{picture}<span class="brand">{p.brand.name}</span>'
            '<span class="what">{p.name}</span>{price}</a>{badge}'
            '<form method="post" action="/basket/add/">{token}<input type="hidden" name="sku" value="{p.sku}">'
            '<input type="hidden" name="next" value="{here}#p{p.sku}"><input type="hidden" name="quantity" value="1">'
            '<button class="round" aria-label="Add {p.name} to basket">+</button></form></li>',
            p=product,
            picture=picture(product.shape, product.tone),
            price=_price(product),
            badge=html('<span class="badge">Sale</span>') if product.was else "",
            token=token_field(visit),
            here=here,
        )
        for product in products
    ]
    return html('<ul class="cards">{cards}</ul>', cards=cards)


# --- pages ------------------------------------------------------------------------------------------------------------

SORTS = {"": "Our order", "low": "Price: low first", "high": "Price: high first"}


def listing(products: Sequence[Product], category: str, sort: str, visit: Visit | None) -> View:
    """Return the catalogue, all of it or one category, as sorted by the caller."""

    def chip(text: str, on: bool, **wanted: str) -> Html:
        asked = urlencode({name: value for name, value in wanted.items() if value})
        state = Html(' aria-current="true"') if on else ""
        return html(
            '<li><a class="chip" href="{path}"{state}>{text}</a></li>',
            path=f"/catalogue/?{asked}" if asked else "/catalogue/",
            state=state,
            text=text,
        )

    here = urlencode({name: value for name, value in (("category", category), ("sort", sort)) if value})
    body = html(
        """<div class="head"><h1>{title}</h1><p>{count} things, all in stock, with you in two days.</p></div>
<div class="filters"><nav aria-label="Category"><ul>{categories}</ul></nav>
<nav aria-label="Order"><ul>{sorts}</ul></nav></div>
{cards}""",
        title=category or "Everything for the table",
        count=len(products),
        categories=[chip("All", not category, sort=sort)]
        + [chip(name, name == category, category=name, sort=sort) for name in CATEGORIES],
        sorts=[chip(text, key == sort, category=category, sort=key) for key, text in SORTS.items()],
        cards=_cards(products, f"/catalogue/?{here}" if here else "/catalogue/", visit),
    )
    return View(category or "Everything", body)


def product(p: Product, visit: Visit | None) -> View:
    """Return a product's page, as a shop shows it."""
    related = [other for other in of_brand(p.brand) if other is not p][:4]
    body = html(
        """<nav class="crumbs" aria-label="You are here"><a href="/catalogue/">Shop</a>
<span aria-hidden="true">/</span>
<a href="/catalogue/?category={p.category}">{p.category}</a></nav>
<article class="detail"><div class="photo">{picture}</div><div class="buy">
<a class="brand" href="/brands/{p.brand.slug}/">{p.brand.name}</a>
<h1>{p.name}</h1><p class="big">{price}</p><p class="text">{p.text}</p>
<form method="post" action="/basket/add/">{token}<input type="hidden" name="sku" value="{p.sku}">
<input type="hidden" name="next" value="/basket/">
<label class="hidden" for="quantity">Quantity</label>
<input id="quantity" type="number" name="quantity" value="1" min="1" max="{most}" inputmode="numeric">
<button class="cta">Add to basket</button></form>
<ul class="ticks"><li>In stock, with you in two days</li><li>Free delivery from {free}</li>
<li>30 days to think it over</li></ul>
<dl><dt>Made by</dt><dd>{p.brand.name}, {p.brand.place}</dd>
<dt>Department</dt><dd>{p.category}</dd><dt>Article</dt><dd>{p.sku}</dd></dl>
</div></article><section><h2>More from {p.brand.name}</h2>{cards}</section>""",
        p=p,
        picture=picture(p.shape, p.tone, p.name),
        price=_price(p),
        token=token_field(visit),
        most=MOST,
        free=euro(FREE_FROM),
        cards=_cards(related, p.path, visit),
    )
    return View(p.name, body)


def brand(b: Brand, visit: Visit | None) -> View:
    """Return a brand's page, as a shop shows it: everything it makes, at once."""
    products = of_brand(b)
    body = html(
        """<div class="banner"><div><p class="brand">{b.craft} · {b.place}</p><h1>{b.name}</h1>
<p>{count} things from {low}</p></div>{picture}</div>{cards}""",
        b=b,
        count=len(products),
        low=euro(min(p.cents for p in products)),
        picture=picture(products[0].shape, products[0].tone),
        cards=_cards(products, f"/brands/{b.slug}/", visit),
    )
    return View(b.name, body)


def brands() -> View:
    """Return the list of brands."""
    rows = [
        html(
            '<li><a class="tile" href="/brands/{b.slug}/">{picture}<b>{b.name}</b>'
            "<span>{b.craft} · {count} things</span></a></li>",
            b=b,
            picture=picture(of_brand(b)[0].shape, of_brand(b)[0].tone),
            count=len(of_brand(b)),
        )
        for b in BRANDS.values()
    ]
    return View("Brands", html('<div class="head"><h1>Brands</h1></div><ul class="tiles">{rows}</ul>', rows=rows))


def results(words: str, found: Sequence[Product], visit: Visit | None) -> View:
    """Return what a search found."""
    here = "/search/?" + urlencode({"q": words})
    title = html("{count} for “{words}”", count=len(found) or "Nothing", words=words) if words else "Search"
    hint = "" if found else "Try a material (linen, oak), a thing (jug, lamp) or a maker (Hald)."
    body = html(
        '<div class="head"><h1>{title}</h1><p>{hint}</p></div>{cards}',
        title=title,
        hint=hint,
        cards=_cards(found, here, visit),
    )
    return View(f"Search: {words}" if words else "Search", body, words)


def basket(goods: Basket, visit: Visit | None) -> View:
    """Return the basket."""
    if not goods.count:
        return View("Your basket", html(
            '<div class="empty"><h1>Your basket is empty</h1><p>It is a light one, at least.</p>'
            '<a class="cta" href="/catalogue/">See everything</a></div>'
        ))  # fmt: skip
    lines = [
        html(
            """<li class="line"><a href="{p.path}">{picture}</a><div><a class="what" href="{p.path}">{p.name}</a>
<span class="brand">{p.brand.name}</span><span>{p.price}</span></div>
<form method="post" action="/basket/update/">{token}<input type="hidden" name="sku" value="{p.sku}">
<label class="hidden" for="q{p.sku}">Quantity of {p.name}</label>
<input id="q{p.sku}" type="number" name="quantity" value="{quantity}" min="0" max="{most}" inputmode="numeric">
<button class="quiet">Update</button></form>
<form method="post" action="/basket/remove/">{token}<input type="hidden" name="sku" value="{p.sku}">
<button class="quiet" aria-label="Remove {p.name}">Remove</button></form><b class="sum">{sum}</b></li>""",
            p=p,
            picture=picture(p.shape, p.tone),
            token=token_field(visit),
            quantity=quantity,
            most=MOST,
            sum=euro(p.cents * quantity),
        )
        for p, quantity in goods
    ]
    missing = FREE_FROM - goods.cents
    body = html(
        """<div class="head"><h1>Your basket</h1></div><div class="two"><ul class="lines">{lines}</ul>
<aside class="totals" aria-label="Total">{totals}<p class="hint">{hint}</p>
<a class="cta" href="/checkout/">To checkout</a>
<a class="back" href="/catalogue/">Keep looking</a></aside></div>""",
        lines=lines,
        totals=totals(goods.cents),
        hint=f"{euro(missing)} more and delivery is free." if missing > 0 else "Delivery is on us.",
    )
    return View("Your basket", body)


def totals(cents: int) -> Html:
    """Return goods, delivery and their sum as a list."""
    return html(
        '<dl class="sums"><dt>Goods</dt><dd>{goods}</dd><dt>Delivery</dt><dd>{parcel}</dd><dt class="all">Total</dt>'
        '<dd class="all">{all}</dd></dl>',
        goods=euro(cents),
        parcel=euro(parcel(cents)) if parcel(cents) else "free",
        all=euro(cents + parcel(cents)),
    )


def error(status: int) -> View:
    """Return the page for an error of this status."""
    title, line = {
        403: ("That form has expired",
              "It did not come from a page of ours, or you were logged out meanwhile. Go back, reload, try again."),
        404: ("We do not have that", "The address is wrong, or the thing is gone."),
        405: ("That does not work here", "This address takes no such request."),
    }.get(status, ("That went wrong", "We could not read what was sent. Please go back and try again."))  # fmt: skip
    body = html(
        '<div class="empty"><p class="code" aria-hidden="true">{status}</p><h1>{title}</h1><p>{line}</p>'
        '<a class="cta" href="/catalogue/">See everything</a></div>',
        status=status,
        title=title,
        line=line,
    )
    return View(title, body)
