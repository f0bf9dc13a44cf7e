# ruff: noqa: E501  a paragraph is one line, as a writer would have it
"""What the demo's CMS holds: a cover, campaigns, a summer, stories. Copy, not code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One page of the magazine. `scene` names its picture, `products` the numbers of what it shows."""

    path: str
    kicker: str
    title: str
    standfirst: str
    paragraphs: tuple[str, ...]
    quote: str
    scene: str
    accent: str
    products: tuple[str, ...]
    credit: str


_CAMPAIGNS = (
    Article(
        "/campaign/summer-table/", "The campaign", "Summer table",
        "Pull it out, carry it into the garden, and ask four people more than it seats.",
        ("There is a moment in June when the kitchen becomes too small. Nobody decides it. Somebody takes a chair outside, then the bread, then the whole table, and from that evening on dinner has no end, only a last candle.",
         "A summer table needs little, and none of it has to match. It needs a cloth that may be spilt on. A jug that two people pass with both hands. Plates in the colour of the water you would rather be in. The rest is tomatoes, and salt, and whoever comes by.",
         "We set ours with the Tidal plates from Cancale, which are never quite the same blue, and with three metres of linen from Zittau that had been washed ten times before anybody was allowed to see it.",
         "Leave the glasses out overnight. They will be there in the morning, each with a little rain in it, and the jug will have a wasp. That is how you know it went well."),
        "Dinner has no end, only a last candle.", "summer-table", "clay", ("1001", "1002", "1003", "1024", "1027", "1011"),
        "Words by Ida Sommer. Pictures cut from paper.",
    ),
    Article(
        "/campaign/sale/", "Before the harvest", "The small sale",
        "Five things we made too many of, and one we photographed with a wine stain.",
        ("We do not hold sales to make room, because we have room. We hold one a year, for the things whose makers say: there are still some here, and they are good, and the shelf wants its light back.",
         "The Ember bowls came out of the kiln redder than planned. The Saltwater napkins were woven a week too long, because the weaver was in a good mood. The Sunday cloth is perfect; only the one in the picture is not.",
         "When they are gone they are gone until next year, and nobody will send you a letter about it."),
        "Nobody will send you a letter about it.", "sale", "rose", ("1007", "1012", "1016", "1020", "1028"),
        "Prices hold until the shelf is empty.",
    ),
    Article(
        "/campaign/atelier/", "At the makers’", "Atelier",
        "Four workshops, eleven people, and a great deal of drying time.",
        ("Ask a potter how long a bowl takes and you will hear two answers. Four minutes, says the wheel. Forty years, says the potter. Both are right, and in between lies everything that is worth paying for.",
         "We spent a spring with the four houses whose work fills this magazine: with clay in Brittany, with flax in Saxony, at a lathe in Jutland and in front of a furnace in Gothenburg. We asked what they throw away. It was always more than we thought, and always for a reason that could be felt with the thumb.",
         "What they keep is here. It is made slowly, not out of principle, but because wet wood cracks and hot glass sulks. You may hurry a parcel. You may not hurry a bowl."),
        "You may hurry a parcel. You may not hurry a bowl.", "atelier", "walnut", ("1002", "1008", "1021", "1018", "1023", "1029"),
        "Words by Jon Aker. With thanks for the coffee.",
    ),
)  # fmt: skip

_SUMMER = (
    Article(
        "/summer/", "June to August", "The summer pages",
        "Breakfast by the water, lunch on a hill, and a garden that stays up late.",
        ("For three months this part of the magazine is open, and then it closes, like the kiosk at the lake. It is short on advice. Eat outside. Take the good plates: plates do not know that they are good until somebody takes them outside.",
         "Here is a day in three meals. The first is a mug of coffee and a view. The second goes into one basket. The third begins when the lamps do."),
        "Take the good plates.", "summer", "lemon", ("1005", "1002", "1006", "1012"), "Open until the last day of August.",
    ),
    Article(
        "/summer/picnic/", "Lunch", "One basket",
        "What fits is enough, and what does not fit was a bad idea anyway.",
        ("A board is table, plate and tray. Wrap the bread in the napkins, the glasses in the bread’s warmth, and lay the knife where you will not look for it with your fingers.",
         "Carry the carafe empty. There is always a spring, or a farmhouse, or somebody who has brought too much. Walk for an hour, because a picnic that can see its car is a car park."),
        "A picnic that can see its car is a car park.", "picnic", "olive", ("1017", "1026", "1025", "1022"), "For four, or two and a dog.",
    ),
    Article(
        "/summer/evening/", "Dinner", "The late garden",
        "Light for reading faces, and nothing brighter.",
        ("Put the lantern on the ground and the candles on the table. Faces want light from below the eyes and beside the glass; no lamp on a house wall has ever made anybody confess.",
         "Cook something that can wait. Then wait. The stars come out in the order in which the guests arrive, the punctual ones first, and the best of them when you have stopped counting."),
        "No lamp on a house wall has ever made anybody confess.", "evening", "ink", ("1030", "1027", "1029", "1026"), "Bring a jacket.",
    ),
)  # fmt: skip

_STORIES = (
    Article(
        "/stories/the-long-table/", "Essay", "The long table",
        "Why the best place is never at the head.",
        ("Every long table has a geography. At one end the people who know each other, at the other the children, and in the middle, where the bread is, the ones who came with somebody. The middle is the best place. Both conversations pass through it.",
         "My grandmother owned one table for three and one for thirty, and nothing in between. The big one stood in the barn from September to May and smelled of apples when it came out. She put it across the yard with its foot in the kitchen door, so that the soup did not have to go far.",
         "She never counted plates. She counted benches, and a bench, she said, holds one more than it holds. I have tried to find the error in this for most of my life. There is none. People move up."),
        "A bench holds one more than it holds.", "the-long-table", "clay", ("1003", "1010", "1001", "1006"), "Words by Ida Sommer.",
    ),
    Article(
        "/stories/hands-of-clay/", "Portrait", "Hands of clay",
        "A morning at Kiln & Cove, where the tide decides about the glaze.",
        ("At low water Maëlle Le Goff walks out to the oyster beds with a bucket. What she brings back is grey, cold and smells of iron. Sieved and dried it will give the Tidal plates their line of blue, the one that looks as if water had just left it.",
         "She was an engineer for bridges, and still draws a handle as though a lorry would cross it. ‘A jug is a small bridge,’ she says. ‘Milk on this side, coffee over there. If it drips, the bridge is down.’",
         "The kiln burns for thirty hours. Nobody opens it early; there is a padlock, and the key hangs at the baker’s. On the second morning all of Cancale that has nothing better to do comes to look. Then it is quiet, and the plates sing: a faint, high ticking, as the glaze finds its place."),
        "A jug is a small bridge.", "hands-of-clay", "sea", ("1002", "1001", "1004", "1008"), "Words by Jon Aker.",
    ),
    Article(
        "/stories/a-week-of-linen/", "Notebook", "A week of linen",
        "Seven days, one cloth, no iron.",
        ("Monday: stiff as a letter. Tuesday: soup, a little. Wednesday: washed, hung over the door, dry before the news. Thursday: somebody draws a horse on it with a fork. Friday: fish. Saturday: eleven people, a candle falls, nobody notices.",
         "Sunday: it lies on the table as if it had grown there. The folds have gone where the elbows go. It has become quieter, like a person after a holiday, and from now on it will only get better."),
        "Stiff as a letter.", "a-week-of-linen", "olive", ("1003", "1011", "1016", "1015"), "From the notebook of the Linwerk sampling room.",
    ),
)  # fmt: skip

CAMPAIGNS = {article.path: article for article in _CAMPAIGNS}
SUMMER = {article.path: article for article in _SUMMER}
STORIES = {article.path: article for article in _STORIES}
ARTICLES = CAMPAIGNS | SUMMER | STORIES


@dataclass(frozen=True, slots=True)
class Feature:
    """The editorial part of a short-tail product page: what the shop's own page has no room for."""

    title: str
    standfirst: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    scene: str
    accent: str


FEATURES = {
    "1001": Feature(
        "The plate that the tide left behind",
        "Dip a plate in a bay twice a day for ten thousand years and this is the blue you get. We made it in thirty hours.",
        ("No two are alike, and that is not a phrase: the ash in the glaze comes from whichever trees were pruned that winter, and pear burns greener than apple. Lay six side by side and you have a coastline.",
         "The rim is a finger wide, so that a sauce stays and a thumb does not enter it. The foot is left bare. Turn the plate over and you can feel where three fingers held it in the glaze."),
        (("Measures", "27 cm across, 2.4 cm high"), ("Made of", "Stoneware, ash glaze"), ("Care", "Dishwasher, yes; oven to 180 °C"), ("Made in", "Cancale, Brittany")),
        "kiln-and-cove", "sea"),
    "1002": Feature(
        "A year of pouring",
        "Sixty-one spouts were made and thrown away. The sixty-second does not drip.",
        ("It begins with the lip: sharp enough to cut the stream, soft enough to drink from, should nobody be looking. Then the throat, which lets the air in before the milk gets impatient. Then the handle, which is placed where a full jug wants to be held and not where an empty one looks best.",
         "Most people use it for flowers. We have decided not to be hurt."),
        (("Holds", "1.1 litres to the brim"), ("Made of", "Stoneware, milk-white glaze"), ("Care", "Dishwasher, yes"), ("Made in", "Cancale, Brittany")),
        "hands-of-clay", "clay"),
    "1003": Feature(
        "Three metres of summer",
        "A cloth for the table that has been pulled out twice, and for the people who made that necessary.",
        ("The flax stood in a field outside Zittau until July. It was pulled, not cut; left to the dew; spun wet, woven slowly, and washed ten times by people who are paid to be patient.",
         "The stripe is woven in, not printed, which means that it is there from below as well: children under the table have confirmed this."),
        (("Measures", "160 × 300 cm"), ("Made of", "Linen, 245 g/m²"), ("Care", "60 °C; do not iron, or do, it will not mind"), ("Made in", "Zittau, Saxony")),
        "the-long-table", "lemon"),
}  # fmt: skip

BRAND_PAGES: dict[str, tuple[str, str, str]] = {
    "kiln-and-cove": ("sea", "The clay is older than the bay, the bay is older than the village, and the village is older than the argument about who makes the better jug. Since 1998 the argument has been over.",
                      "They fire four times a year, when the wind is from the sea. What survives is signed underneath with a small wave; what does not lines the path to the beach, which is by now the finest pavement in Brittany."),
    "linwerk": ("olive", "Forty looms, of which the youngest is from 1961. They are loud, proud and repaired with parts of each other. Whoever starts here learns to hear a broken thread before seeing one.",
                "The house rule hangs over the door of the finishing room: nothing is ironed before its tenth wash. By then nobody wants to."),
    "hald": ("walnut", "In December 2013 a storm laid nine hundred trees across the hills round Silkeborg. Aksel and Mikkel Hald had a lathe, a trailer and no plan. They are on tree three hundred and twelve.",
             "Every board carries the number of its tree. You can write to them and ask where it stood. They will send you a photograph of the gap."),
    "solbad": ("ink", "Glass is blown from five in the morning, because the furnace likes it and the harbour is empty at ten. Then everybody swims. Then come the lamps.",
               "The founder’s bathing cap hangs in the hall. Visitors are asked not to try it on, and are seldom able to resist."),
}  # fmt: skip
"""For each brand: the accent of its page and two paragraphs."""
