"""What the two systems are filled with: a product feed, pages and pictures, written as files that both can read.

Wagtail and django-oscar live in a venv of their own and know nothing of this repository; like systems anywhere they
are fed by files. Goods, words and drawings are those of the small demo (`deploy.demo`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from deploy.demo.art import picture
from deploy.demo.catalogue import BRANDS, PRODUCTS, Brand, Product
from deploy.demo.editorial import BRAND_PAGES, CAMPAIGNS, FEATURES, Article
from deploy.demo.markup import Html
from deploy.demo.scenes import SCENES, still_life

SKUS: Final = (
    "1001", "1002", "1003", "1004", "1005", "1007", "1008", "1011", "1012", "1013",
    "1014", "1017", "1018", "1021", "1023", "1024", "1025", "1027", "1029", "1030",
)  # fmt: skip
"""The twenty articles of this shop. The place in this row, from 1, is an article's number in the shop's database."""

IN_CMS: Final = ("1001", "1002")
"""Those with a page in the CMS as well: the short tail, so far. The rules name a third one, which falls back."""


def _person(name: str) -> tuple[str, str, str]:
    return name, f"{name.lower()}@shop.test", f"{name.lower()}-pass-1234"


CUSTOMERS: Final = (_person("Anna"), _person("Ben"))
"""First name, e-mail address and password of the customers."""

STAFF: Final = (_person("Rosa"),)
"""The same of those who may look behind the counter, in both systems."""


def slug(product: Product) -> str:
    """Return the last part of an article's address as django-oscar makes it, such as `tidal-plate_1`."""
    words = "".join(letter if letter.isalnum() else " " for letter in product.name.lower().replace("’", "")).split()
    return f"{'-'.join(words)}_{SKUS.index(product.sku) + 1}"


def path(product: Product) -> str:
    """Return the path of an article's page, the same in both systems."""
    return f"/catalogue/{slug(product)}/"


def write(folder: Path) -> None:
    """Write `feed.json` and `pictures/` into a folder."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    goods = [PRODUCTS[sku] for sku in SKUS]
    pages = [_cover(), *map(_campaign, (CAMPAIGNS[f"/campaign/{name}/"] for name in ("summer-table", "atelier")))]
    pages += [_brand(BRANDS[name]) for name in ("kiln-and-cove", "linwerk")]
    pages += [_product(PRODUCTS[sku]) for sku in IN_CMS]
    for product in goods:
        _draw(pictures / f"{product.sku}.svg", picture(product.shape, product.tone))
    for scene in {page["picture"] for page in pages}:
        _draw(pictures / f"{scene}.svg", still_life(SCENES[scene]))
    feed = {
        "products": [
            {
                "number": number,
                "sku": product.sku,
                "name": product.name,
                "slug": slug(product).rpartition("_")[0],
                "path": path(product),
                "brand": product.brand.name,
                "category": product.category,
                "price": f"{product.cents / 100:.2f}",
                "text": product.text,
                "picture": product.sku,
            }
            for number, product in enumerate(goods, 1)
        ],
        "pages": pages,
        "customers": CUSTOMERS,
        "staff": STAFF,
    }
    (folder / "feed.json").write_text(json.dumps(feed, ensure_ascii=False, indent=1), "utf-8")


def _draw(file: Path, drawing: Html) -> None:
    """Write a drawing as a file of its own, with the size that picture libraries ask for."""
    _, _, box = drawing.partition('viewBox="0 0 ')
    wide, high = box.partition('"')[0].split()
    file.write_text(
        drawing.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" ', 1), "utf-8"
    )


# --- pages: a path, the kind of page, and what is on it ---------------------------------------------------------------


def _page(place: str, kind: str, title: str, **more: Any) -> dict[str, Any]:
    empty = {"kicker": "", "standfirst": "", "paragraphs": (), "quote": "", "accent": "clay", "shows": (), "offers": ""}
    return {"path": place, "kind": kind, "title": title, **empty, **more}


def _shown(skus: tuple[str, ...]) -> list[str]:
    return [sku for sku in skus if sku in SKUS][:4]


def _cover() -> dict[str, Any]:
    lead = CAMPAIGNS["/campaign/summer-table/"]
    return _page(
        "", "cover", "Carry the table outside",
        kicker="The summer issue", standfirst=lead.standfirst, picture="cover",
        shows=_shown(("1001", "1002", "1003", "1030")),
    )  # fmt: skip


def _campaign(article: Article) -> dict[str, Any]:
    return _page(
        f"campaigns/{article.path.split('/')[-2]}", "story", article.title,
        kicker=article.kicker, standfirst=article.standfirst, paragraphs=article.paragraphs, quote=article.quote,
        accent=article.accent, picture=article.scene,
        shows=_shown(article.products), offers=_shown(article.products)[-1],
    )  # fmt: skip


def _brand(brand: Brand) -> dict[str, Any]:
    accent, *paragraphs = BRAND_PAGES[brand.slug]
    own = tuple(sku for sku in SKUS if PRODUCTS[sku].brand is brand)
    return _page(
        f"brands/{brand.slug}", "story", brand.name,
        kicker=f"{brand.craft}, {brand.place}", standfirst=brand.line, paragraphs=paragraphs,
        accent=accent, picture=brand.slug, shows=_shown(own), offers=own[-1],
    )  # fmt: skip


def _product(product: Product) -> dict[str, Any]:
    feature = FEATURES[product.sku]
    return _page(
        f"catalogue/{slug(product)}", "product", product.name,
        kicker=product.brand.name, standfirst=feature.standfirst, paragraphs=feature.paragraphs, quote=feature.title,
        accent=feature.accent, picture=feature.scene, offers=product.sku,
        shows=[sku for sku in SKUS if PRODUCTS[sku].brand is product.brand and sku != product.sku][:4],
    )  # fmt: skip
