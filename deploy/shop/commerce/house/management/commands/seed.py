"""Fill an empty shop from a product feed: `manage.py seed FOLDER`. What is there already stays as it is."""

import json
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sites.models import Site
from django.core.files import File
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction
from oscar.apps.catalogue.categories import create_from_breadcrumbs
from oscar.core.loading import get_model

Country = get_model("address", "Country")
Partner, StockRecord = get_model("partner", "Partner"), get_model("partner", "StockRecord")
Product, ProductClass = get_model("catalogue", "Product"), get_model("catalogue", "ProductClass")
ProductImage = get_model("catalogue", "ProductImage")

COUNTRIES = {
    "DE": ("DEU", "Germany"),
    "FR": ("FRA", "France"),
    "GB": ("GBR", "United Kingdom"),
    "SE": ("SWE", "Sweden"),
}


class Command(BaseCommand):
    """See above."""

    help = __doc__

    def add_arguments(self, parser):
        """Take the folder of the feed."""
        parser.add_argument("folder", type=Path)

    def handle(self, *, folder, **options):
        """Fill it."""
        if Product.objects.exists():
            return
        self.fill(json.loads((folder / "feed.json").read_text("utf-8")), folder / "pictures")
        # Saving an article indexes it before it has its category, and the category's page reads the index.
        call_command("rebuild_index", interactive=False, verbosity=0)
        self.stdout.write(f"Shop: {Product.objects.count()} products, {get_user_model().objects.count()} people")

    @transaction.atomic
    def fill(self, feed, pictures):
        """Make what the feed says."""
        Site.objects.update_or_create(pk=settings.SITE_ID, defaults={"domain": "localhost", "name": "salt+linden"})
        for code, (longer, name) in COUNTRIES.items():
            Country.objects.create(
                iso_3166_1_a2=code, iso_3166_1_a3=longer, printable_name=name, name=name, is_shipping_country=True
            )
        kind = ProductClass.objects.create(name="Things", track_stock=True, requires_shipping=True)
        partner = Partner.objects.create(name="Warehouse")
        for said in feed["products"]:
            product = Product.objects.create(
                pk=said["number"], upc=said["sku"], title=said["name"], slug=said["slug"], product_class=kind,
                description=f"<p>{said['text']}</p>",
            )  # fmt: skip
            product.categories.add(create_from_breadcrumbs(said["category"]))
            StockRecord.objects.create(
                product=product, partner=partner, partner_sku=said["sku"], num_in_stock=250,
                price=Decimal(said["price"]), price_currency=settings.OSCAR_DEFAULT_CURRENCY,
            )  # fmt: skip
            with (pictures / f"{said['picture']}.svg").open("rb") as drawing:
                ProductImage.objects.create(product=product, original=File(drawing, name=f"{said['sku']}.svg"))
        people = get_user_model().objects
        for name, email, password in feed["customers"]:
            people.create_user(name.lower(), email, password, first_name=name)
        for name, email, password in feed["staff"]:
            people.create_superuser(name.lower(), email, password, first_name=name)
