"""Fill an empty CMS from a product feed: `manage.py seed FOLDER`. What is there already stays as it is."""

import json
from pathlib import Path

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.html import escape
from wagtail.contrib.redirects.models import Redirect
from wagtail.images import get_image_model
from wagtail.models import Collection, Locale, Page, Site

from magazine.models import CoverPage, Product, ProductPage, StoryPage

Image = get_image_model()

OFFER = """<form class="offer" method="post" action="/basket/add/{number}/" data-shop-form>
<input type="hidden" name="csrfmiddlewaretoken">
<p><b>{name}</b> <span class="price">€ {price}</span></p>
<label>How many <input type="number" name="quantity" value="1" min="1" max="20"></label>
<button>Add to basket</button></form>"""
"""What an editor pastes into a story: a raw form that posts to the shop. The shop sends the browser back here."""


class Command(BaseCommand):
    """See above."""

    help = __doc__

    def add_arguments(self, parser):
        """Take the folder of the feed."""
        parser.add_argument("folder", type=Path)

    @transaction.atomic
    def handle(self, *, folder, **options):
        """Fill it."""
        if Site.objects.exists():
            return
        feed = json.loads((folder / "feed.json").read_text("utf-8"))
        # What Wagtail's data migrations would make: tables made from the models come without.
        Locale.objects.create(language_code="en")
        Collection.add_root(name="Root")
        root = Page.add_root(title="Root", slug="root")

        self.pictures = {file.stem: self.picture(file) for file in sorted((folder / "pictures").glob("*.svg"))}
        for said in feed["products"]:
            fields = {name: said[name] for name in ("number", "sku", "name", "brand", "price", "path")}
            Product.objects.create(picture=self.pictures[said["picture"]], **fields)
        for said in feed["pages"]:
            self.page(root, said)
        cover = CoverPage.objects.get()
        Site.objects.create(
            hostname="localhost", port=80, is_default_site=True, root_page=cover, site_name="Salt & Linden"
        )
        Redirect.objects.create(old_path="/summer", redirect_page=StoryPage.objects.get(slug="summer-table"))
        for name, email, password in feed["staff"]:
            get_user_model().objects.create_superuser(name.lower(), email, password, first_name=name)
        self.stdout.write(f"CMS: {Page.objects.count()} pages, {Product.objects.count()} products")

    def picture(self, file):
        """Return a drawing as an image of the CMS."""
        with file.open("rb") as content:
            return Image.objects.create(title=file.stem, file=File(content, name=file.name))

    def page(self, root, said):
        """Make a page, and the lists on the way to it."""
        *above, slug = said["path"].split("/")
        parent = CoverPage.objects.first() or root
        for step in above:
            found = parent.get_children().filter(slug=step).first()
            parent = found or parent.add_child(instance=StoryPage(title=step.title(), slug=step))
        body = [("text", "".join(f"<p>{escape(paragraph)}</p>" for paragraph in said["paragraphs"]))]
        kind = {"cover": CoverPage, "story": StoryPage, "product": ProductPage}[said["kind"]]
        more = {}
        if kind is ProductPage:
            more["product"] = Product.objects.get(sku=said["offers"])
        elif said["offers"]:
            offered = Product.objects.get(sku=said["offers"])
            form = OFFER.format(number=offered.number, name=escape(offered.name), price=offered.price)
            body += [("html", form)]
        if said["quote"]:
            body.insert(1, ("quote", said["quote"]))
        page = kind(
            title=said["title"], slug=slug or "home", body=body, picture=self.pictures[said["picture"]],
            **{name: said[name] for name in ("kicker", "standfirst", "accent")}, **more,
        )  # fmt: skip
        page.shows = list(Product.objects.filter(sku__in=said["shows"]))
        parent.add_child(instance=page)
