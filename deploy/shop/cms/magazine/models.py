"""The magazine: a cover, stories (campaigns and makers), and the pages of a few articles."""

from typing import ClassVar

from django.db import models
from modelcluster.fields import ParentalManyToManyField
from wagtail.admin.panels import FieldPanel
from wagtail.blocks import BlockQuoteBlock, RawHTMLBlock, RichTextBlock
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.snippets.models import register_snippet

ACCENTS = [(name, name) for name in ("clay", "rose", "walnut", "olive", "lemon", "ink", "sea")]


@register_snippet
class Product(models.Model):
    """An article of the shop, as its product feed tells of it. `number` is the shop's own."""

    number = models.PositiveIntegerField(primary_key=True)
    sku = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)
    brand = models.CharField(max_length=120)
    price = models.DecimalField(max_digits=9, decimal_places=2)
    path = models.CharField(max_length=200)
    picture = models.ForeignKey("wagtailimages.Image", models.PROTECT, related_name="+")

    def __str__(self):
        return self.name


class MagazinePage(Page):
    """What every page of the magazine has."""

    kicker = models.CharField(max_length=120, blank=True)
    standfirst = models.TextField(blank=True)
    accent = models.CharField(max_length=12, choices=ACCENTS, default="clay")
    picture = models.ForeignKey("wagtailimages.Image", models.PROTECT, related_name="+", null=True, blank=True)
    body = StreamField([("text", RichTextBlock()), ("quote", BlockQuoteBlock()), ("html", RawHTMLBlock())], blank=True)
    shows = ParentalManyToManyField(Product, blank=True)

    content_panels: ClassVar = [
        *Page.content_panels,
        *map(FieldPanel, ("kicker", "standfirst", "accent", "picture", "body", "shows")),
    ]

    class Meta:  # noqa: D106  Django's
        abstract = True


class CoverPage(MagazinePage):
    """The home page."""

    def get_context(self, request):
        """Add the stories of all parts of the magazine."""
        stories = StoryPage.objects.live().descendant_of(self).exclude(picture=None).select_related("picture")
        return {**super().get_context(request), "stories": stories.specific()}


class StoryPage(MagazinePage):
    """A campaign, a maker, or, without a picture, a list of such pages."""


class ProductPage(MagazinePage):
    """The magazine's page of an article, at the very path of the shop's own."""

    product = models.ForeignKey(Product, models.PROTECT, related_name="+")

    content_panels: ClassVar = [*MagazinePage.content_panels, FieldPanel("product")]
