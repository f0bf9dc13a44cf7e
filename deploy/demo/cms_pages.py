"""The magazine's pages as markup. Pure: a page is the same for everybody, so it can be cached anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploy.demo.art import picture
from deploy.demo.catalogue import BRANDS, Brand, Product, of_brand, picked
from deploy.demo.editorial import ARTICLES, BRAND_PAGES, CAMPAIGNS, FEATURES, STORIES, SUMMER, Article
from deploy.demo.markup import Html, html
from deploy.demo.scenes import SCENES, still_life


@dataclass(frozen=True, slots=True)
class Page:
    """What stands between head and foot. `accent` names the second ink of the page; `here` the part of the magazine."""

    title: str
    about: str
    body: Html
    accent: str = "clay"
    here: str = ""


_PARTS = (
    ("/summer/", "Summer"),
    ("/campaign/atelier/", "Atelier"),
    ("/stories/", "Stories"),
    ("/brands/", "Makers"),
    ("/catalogue/", "Shop"),
)


def whole(page: Page, ribbon: Html) -> Html:
    """Return the complete document."""
    parts = [
        html(
            '<li><a href="{path}"{here}>{name}</a></li>',
            path=path,
            name=name,
            here=Html(' aria-current="true"') if page.here == path else "",
        )
        for path, name in _PARTS
    ]
    return html(
        """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{page.title} · Salt & Linden</title><meta name="description" content="{page.about}">
<link rel="icon" href="/static/cms/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/cms/magazine.css"><link rel="stylesheet" href="/static/cms/ribbon.css">
<script src="/static/cms/basket.js" type="module"></script></head>
<body class="accent-{page.accent}"><a class="skip" href="#content">Skip to content</a>{ribbon}
<header class="masthead">
<p class="issue"><span>No. 12</span> <span>Summer</span> <span class="far">A quarterly about the table</span></p>
<p class="name"><a href="/">Salt <i>&</i> Linden</a></p>
<nav aria-label="Magazine"><ul>{parts}
<li class="basket"><a href="/basket/">Basket <span data-basket aria-live="polite"></span></a></li></ul></nav></header>
<main id="content">{page.body}</main>
<footer class="colophon"><p class="name"><a href="/">Salt <i>&</i> Linden</a></p>
<p>Printed on whatever you are holding. Set in the best serif your machine has.
Pictures cut from coloured paper by hand, the hand being a program’s.</p>
<p>A shop that does not exist, made to show how one site is served by two systems.
<a href="/account/">Your account</a></p></footer>
</body></html>
""",
        page=page,
        ribbon=ribbon,
        parts=parts,
    )


# --- pieces -----------------------------------------------------------------------------------------------------------


def _shown(products: Iterable[Product], heading: str = "Shown here") -> Html:
    """The things of a page, as the last column of an article lists them."""
    things = [
        html(
            '<li><a href="{p.path}">{picture}<b>{p.name}</b></a> <span>{p.brand.name}</span> '
            '<span class="price">{was}{p.price}</span></li>',
            p=p,
            picture=picture(p.shape, p.tone),
            was=html("<s>{p.was}</s> ", p=p) if p.was else "",
        )
        for p in products
    ]
    return html('<section class="shown"><h2>{heading}</h2><ul>{things}</ul></section>', heading=heading, things=things)


def _teaser(article: Article) -> Html:
    return html(
        '<article class="teaser accent-{a.accent}"><a href="{a.path}">{scene}<p class="kicker">{a.kicker}</p>'
        "<h3>{a.title}</h3></a><p>{a.standfirst}</p></article>",
        a=article,
        scene=still_life(SCENES[article.scene]),
    )


def _text(paragraphs: Iterable[str]) -> Html:
    return html("{text}", text=[html("<p>{paragraph}</p>", paragraph=paragraph) for paragraph in paragraphs])


# --- pages ------------------------------------------------------------------------------------------------------------


def home() -> Page:
    """Return the cover and what is in this issue."""
    summer_table, sale, atelier = CAMPAIGNS.values()
    contents = [
        html(
            '<li><a href="{a.path}"><span class="folio">{folio}</span>'
            "<span><b>{a.title}</b> {a.standfirst}</span></a></li>",
            a=article,
            folio=8 + 6 * place,
        )
        for place, article in enumerate(ARTICLES.values())
    ]
    makers = [
        html(
            '<li><a href="/brands/{b.slug}/">{scene}<b>{b.name}</b></a> <span>{b.craft}, {b.place}</span></li>',
            b=brand,
            scene=still_life(SCENES[brand.slug]),
        )
        for brand in BRANDS.values()
    ]
    body = html(
        """<section class="cover"><div class="cover-lines"><p class="kicker">The summer issue</p>
<h1><a href="{lead.path}">Carry the table outside</a></h1><p class="standfirst">{lead.standfirst}</p>
<p><a class="more" href="{lead.path}">The summer table</a></p></div>
<figure>{scene}</figure></section>
<section class="trio" aria-label="From this issue">{teasers}</section>
<section class="contents"><h2>In this issue</h2><ol>{contents}</ol></section>
<section class="makers"><h2>The makers</h2><ul>{makers}</ul></section>
{shown}
<section class="notice accent-rose"><p class="kicker">{sale.kicker}</p><h2><a href="{sale.path}">{sale.title}</a></h2>
<p>{sale.standfirst}</p></section>""",
        lead=summer_table,
        sale=sale,
        scene=still_life(SCENES["cover"]),
        teasers=[_teaser(a) for a in (atelier, STORIES["/stories/hands-of-clay/"], SUMMER["/summer/evening/"])],
        contents=contents,
        makers=makers,
        shown=_shown(picked(("1001", "1002", "1003", "1030")), "Four things we would carry first"),
    )
    return Page("A quarterly about the table", "The summer issue: long tables, late gardens, four makers.", body)


def article(a: Article, here: str = "") -> Page:
    """Return an article: a campaign, a story, a page of the summer."""
    more = [
        _teaser(other)
        for family in (SUMMER, STORIES, CAMPAIGNS)
        if a.path in family
        for other in family.values()
        if other is not a
    ]
    body = html(
        """<article class="feature"><header><p class="kicker">{a.kicker}</p><h1>{a.title}</h1>
<p class="standfirst">{a.standfirst}</p></header>
<figure>{scene}<figcaption>{caption}</figcaption></figure>
<div class="columns">{text}</div><blockquote><p>{a.quote}</p></blockquote>
<p class="credit">{a.credit}</p></article>{shown}
<section class="trio" aria-label="Read on">{more}</section>""",
        a=a,
        scene=still_life(SCENES[a.scene]),
        caption=SCENES[a.scene].title + ".",
        text=_text(a.paragraphs),
        shown=_shown(picked(a.products)),
        more=more,
    )
    return Page(a.title, a.standfirst, body, a.accent, here)


def stories() -> Page:
    """Return the list of stories."""
    body = html(
        """<header class="opening"><p class="kicker">To read</p><h1>Stories</h1>
<p class="standfirst">An essay, a portrait and a notebook. None takes longer than a cup of tea.</p></header>
<section class="trio tall" aria-label="Stories">{teasers}</section>""",
        teasers=[_teaser(story) for story in STORIES.values()],
    )
    return Page("Stories", "An essay, a portrait and a notebook.", body, "olive", "/stories/")


def makers() -> Page:
    """Return the list of brands."""
    rows = [
        html(
            '<li><a href="/brands/{b.slug}/">{scene}<h2>{b.name}</h2></a><p>{b.line}</p>'
            '<p class="credit">{b.craft}, {b.place}. Since {b.since}.</p></li>',
            b=brand,
            scene=still_life(SCENES[brand.slug]),
        )
        for brand in BRANDS.values()
    ]
    body = html(
        """<header class="opening"><p class="kicker">Four houses</p><h1>The makers</h1>
<p class="standfirst">Everything in this magazine comes from one of four workshops.
We have been to all of them, and were fed in each.</p></header>
<ul class="houses">{rows}</ul>""",
        rows=rows,
    )
    return Page("The makers", "The four workshops behind the magazine.", body, "walnut", "/brands/")


def brand(b: Brand) -> Page:
    """Return a maker's page, as the magazine tells it."""
    accent, first, second = BRAND_PAGES[b.slug]
    body = html(
        """<article class="feature"><header><p class="kicker">{b.craft}, {b.place}</p><h1>{b.name}</h1>
<p class="standfirst">{b.line}</p></header>
<figure>{scene}<figcaption>{caption}</figcaption></figure>
<div class="columns">{text}</div><p class="credit">Since {b.since}.</p></article>{shown}""",
        b=b,
        scene=still_life(SCENES[b.slug]),
        caption=SCENES[b.slug].title + ".",
        text=_text((first, second)),
        shown=_shown(of_brand(b), "From this house"),
    )
    return Page(b.name, b.line, body, accent, "/brands/")


def product(p: Product) -> Page:
    """Return the editorial page of a short-tail product; its form posts to commerce and comes back here."""
    feature = FEATURES[p.sku]
    facts = [html("<dt>{name}</dt><dd>{fact}</dd>", name=name, fact=fact) for name, fact in feature.facts]
    others = [other for other in of_brand(p.brand) if other is not p][:4]
    body = html(
        """<article class="product"><div class="plate">{picture}</div>
<div class="about"><p class="kicker"><a href="/brands/{p.brand.slug}/">{p.brand.name}</a></p><h1>{p.name}</h1>
<p class="standfirst">{feature.standfirst}</p>
<form method="post" action="/basket/add/"><input type="hidden" name="sku" value="{p.sku}">
<input type="hidden" name="next" value="{p.path}#in-your-basket"><p class="price">{p.price}</p>
<label>How many <input type="number" name="quantity" value="1" min="1" max="20" inputmode="numeric"></label>
<button>Add to basket</button></form>
<p class="added" id="in-your-basket" tabindex="-1">It is in your basket.
<a href="/basket/">Go to the basket</a>, or read on.</p>
<dl>{facts}</dl></div></article>
<section class="tale"><figure>{scene}</figure><div><h2>{feature.title}</h2>{text}</div></section>{shown}""",
        p=p,
        feature=feature,
        picture=picture(p.shape, p.tone, p.name),
        facts=facts,
        scene=still_life(SCENES[feature.scene]),
        text=_text(feature.paragraphs),
        shown=_shown(others, "From the same hands"),
    )
    return Page(p.name, p.text, body, feature.accent, "/catalogue/")


def error(status: int) -> Page:
    """Return the page for an error of this status."""
    title, line = {
        404: ("A missing page", "It may have been torn out, or it was never printed."),
        405: ("Not like this", "This page can only be read."),
    }.get(status, ("Something is wrong", "It is not you. Please try again in a moment."))
    body = html(
        """<header class="opening error"><p class="folio-big" aria-hidden="true">{status}</p><h1>{title}</h1>
<p class="standfirst">{line}</p>
<p><a class="more" href="/">Back to the cover</a></p></header>""",
        status=status,
        title=title,
        line=line,
    )
    return Page(title, line, body, "ink")
