"""What the demo shop sells: four brands, thirty products. The same facts feed both systems, as a product feed would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deploy.demo.markup import euro


@dataclass(frozen=True, slots=True)
class Brand:
    """A maker: `slug` names its page, `place` and `craft` its line under the name."""

    slug: str
    name: str
    place: str
    craft: str
    line: str
    since: int


@dataclass(frozen=True, slots=True)
class Product:
    """One thing for sale. Prices are in cents of a euro; `was_cents` is 0 unless it is reduced."""

    sku: str
    name: str
    brand: Brand
    category: str
    cents: int
    shape: str
    tone: str
    text: str
    was_cents: int = 0

    @property
    def path(self) -> str:
        return f"/catalogue/{self.sku}/"

    @property
    def price(self) -> str:
        return euro(self.cents)

    @property
    def was(self) -> str:
        return euro(self.was_cents) if self.was_cents else ""

    def speaks_of(self, word: str) -> bool:
        """Whether a search for `word`, in lower case, should find it."""
        return word in f"{self.sku} {self.name} {self.brand.name} {self.category} {self.text}".lower()


KILN = Brand(
    "kiln-and-cove", "Kiln & Cove", "Cancale, Brittany", "Stoneware",
    "Clay from the bay, glazed with the ash of last winter’s orchard.", 1998,
)  # fmt: skip
LINWERK = Brand(
    "linwerk", "Linwerk", "Zittau, Saxony", "Linen",
    "Flax, forty looms, and a house rule: nothing is ironed before its tenth wash.", 1871,
)  # fmt: skip
HALD = Brand(
    "hald", "Hald", "Silkeborg, Jutland", "Wood",
    "Two brothers, one lathe, and trees that a storm had already felled.", 2009,
)  # fmt: skip
SOLBAD = Brand(
    "solbad", "Solbad", "Gothenburg", "Glass and light",
    "Glass blown in the morning, lamps lit in the evening; in between, swimming.", 1954,
)  # fmt: skip

BRANDS = {brand.slug: brand for brand in (KILN, LINWERK, HALD, SOLBAD)}

CATEGORIES = ("Ceramics", "Linen", "Wood", "Glass", "Light")

_P = Product
_ALL = (
    _P("1001", "Tidal plate", KILN, "Ceramics", 3400, "plate", "sea",
       "A dinner plate with the colour of shallow water. Every glaze runs a little differently."),
    _P("1002", "Morning jug", KILN, "Ceramics", 5800, "jug", "bone",
       "Holds a litre of milk, or the first dahlias. The spout does not drip; we tried for a year."),
    _P("1003", "Long-table cloth", LINWERK, "Linen", 12800, "cloth", "lemon",
       "Three metres of washed linen with a woven stripe, for a table that has been pulled out twice."),
    _P("1004", "Shore bowl", KILN, "Ceramics", 2900, "bowl", "sea",
       "For soup, for cereal, for keys. Sits in two hands like a warm stone."),
    _P("1005", "Cove mug", KILN, "Ceramics", 2200, "mug", "clay",
       "Three decilitres, a handle for the whole hand, and a band of bare clay to hold on to."),
    _P("1006", "Pebble plate", KILN, "Ceramics", 2800, "plate", "bone",
       "A breakfast plate, speckled like the beach it is named after."),
    _P("1007", "Ember bowl", KILN, "Ceramics", 3400, "bowl", "clay",
       "A serving bowl fired twice, until the red came up.", 4200),
    _P("1008", "Reed vase", KILN, "Ceramics", 6400, "vase", "olive",
       "A narrow neck for three stems. More would be too many."),
    _P("1009", "Ink mug", KILN, "Ceramics", 2200, "mug", "ink",
       "The Cove mug in midnight blue. It hides tea better."),
    _P("1010", "Harbour jug", KILN, "Ceramics", 6200, "jug", "ink",
       "A jug for two litres of lemonade and a very long table."),
    _P("1011", "Meadow napkins, four", LINWERK, "Linen", 3600, "napkin", "olive",
       "Four napkins of heavy linen. They get better when nobody irons them."),
    _P("1012", "Saltwater napkins, four", LINWERK, "Linen", 2700, "napkin", "sea",
       "Four napkins with a border of indigo that fades, slowly, like jeans.", 3600),
    _P("1013", "Harvest runner", LINWERK, "Linen", 5400, "runner", "clay",
       "A runner of two and a half metres, woven on the loom of 1926."),
    _P("1014", "Baker’s apron", LINWERK, "Linen", 6800, "apron", "ink",
       "Straps crossed at the back, one pocket for the scraper, one for the telephone."),
    _P("1015", "Kitchen towel", LINWERK, "Linen", 1800, "runner", "bone",
       "Dries glasses without a trace, and hands without a word."),
    _P("1016", "Sunday cloth", LINWERK, "Linen", 8900, "cloth", "rose",
       "A cloth for six in dusty rose. Wine has been spilt on it, for the photograph.", 11800),
    _P("1017", "Bread board", HALD, "Wood", 4600, "board", "oak",
       "Oak, oiled, with a groove that keeps the crumbs at home."),
    _P("1018", "Supper board", HALD, "Wood", 7200, "board", "walnut",
       "Walnut from a tree that fell in Viborg in 2013. Long enough for four cheeses."),
    _P("1019", "Salad servers", HALD, "Wood", 3200, "spoons", "oak",
       "Cut from one branch, so that they know each other."),
    _P("1020", "Stirring pair", HALD, "Wood", 1900, "spoons", "walnut",
       "One for the sauce, one for the cook.", 2400),
    _P("1021", "Turned bowl", HALD, "Wood", 8800, "bowl", "oak",
       "Turned green, dried for a year, and therefore never quite round."),
    _P("1022", "Fruit bowl", HALD, "Wood", 9600, "bowl", "walnut",
       "Wide enough for nine apples, or one melon and an argument."),
    _P("1023", "Still carafe", SOLBAD, "Glass", 4400, "carafe", "smoke",
       "Mouth-blown, three quarters of a litre, at home in the door of a refrigerator."),
    _P("1024", "Rain tumblers, four", SOLBAD, "Glass", 4000, "tumbler", "smoke",
       "Four glasses with a ripple, as on a lake when it starts."),
    _P("1025", "Amber tumblers, four", SOLBAD, "Glass", 4000, "tumbler", "lemon",
       "Four glasses that make water look like the end of August."),
    _P("1026", "Evening carafe", SOLBAD, "Glass", 4800, "carafe", "rose",
       "For wine that wants to breathe, and for people who do."),
    _P("1027", "Brass candlestick", SOLBAD, "Light", 3800, "candlestick", "lemon",
       "Cast, not bent. Heavy enough to survive a toast."),
    _P("1028", "Clay candlestick", SOLBAD, "Light", 2600, "candlestick", "clay",
       "Made together with Kiln & Cove, on a rainy Tuesday.", 3200),
    _P("1029", "Dome lamp", SOLBAD, "Light", 14900, "lamp", "bone",
       "A table lamp with a shade of opal glass: light for reading faces."),
    _P("1030", "Garden lantern", SOLBAD, "Light", 7900, "lantern", "ink",
       "Stands in the wind for a whole dinner. The handle folds away."),
)  # fmt: skip

PRODUCTS = {product.sku: product for product in _ALL}

SHORT_TAIL = ("1001", "1002", "1003")
"""The products that have an editorial page in the CMS."""


def of_brand(brand: Brand) -> list[Product]:
    """Return everything a brand makes, in the order of the catalogue."""
    return [product for product in _ALL if product.brand is brand]


def find(words: str) -> list[Product]:
    """Return the products that speak of every word of a search; of none when there is no word."""
    wanted = words.lower().split()
    return [product for product in _ALL if wanted and all(product.speaks_of(word) for word in wanted)]


def picked(skus: Iterable[str]) -> list[Product]:
    """Return the products with these numbers, in that order."""
    return [PRODUCTS[sku] for sku in skus]
