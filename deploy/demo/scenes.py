# ruff: noqa: E501  a shape reads better as a whole line
"""The magazine's pictures: still lifes put together from the things the shop sells, a backdrop and a table.

A scene is drawn in 1200 by 800 and cut to whatever frame the page has, so what matters stands around x = 600.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.demo.art import TONES, inked
from deploy.demo.markup import Html, html

TABLE = 610
"""Where things stand, from the top."""

_WAVES = "".join(
    f'<path d="M{-60 + shift} {y}q30-10 60 0t60 0t60 0t60 0" opacity="{0.25 + y % 40 / 100:.2f}"/>'
    for y in range(416, 600, 22)
    for shift in range((y * 7) % 190, 1260, 420)
)
_FLAX = "".join(
    f'<path d="M{x} 620Q{x + lean} {height + 120} {x + lean} {height}" fill="none" stroke="#6f8450" stroke-width="4"/>'
    f'<g fill="#5f7fb8"><circle cx="{x + lean}" cy="{height}" r="13"/><circle cx="{x + lean + 15}" cy="{height + 9}" r="10"/>'
    f'<circle cx="{x + lean - 14}" cy="{height + 8}" r="10"/></g><circle cx="{x + lean}" cy="{height + 4}" r="5" fill="#f7e7a1"/>'
    for x, lean, height in ((20 + 47 * n, (n * 37) % 50 - 25, 330 + (n * 83) % 190) for n in range(26))
)
_STARS = "".join(
    f'<circle cx="{(n * 197) % 1200}" cy="{(n * 89) % 420}" r="{1.5 + n % 3}" opacity="{0.4 + n % 4 / 8}"/>'
    for n in range(46)
)
_BULBS = "".join(
    f'<circle cx="{x}" cy="{98 + (x - 600) ** 2 / -7200 + 62:.0f}" r="17" opacity=".25"/>'
    f'<circle cx="{x}" cy="{98 + (x - 600) ** 2 / -7200 + 62:.0f}" r="8"/>'
    for x in range(60, 1200, 108)
)

BACKDROPS = {
    "sea": (
        '<circle cx="{sun_x}" cy="{sun_y}" r="{sun_r}" fill="{sun}"/><path d="M0 400H1200V800H0Z" fill="{far}"/>'
        f'<g fill="none" stroke="{{sky}}" stroke-width="5" stroke-linecap="round">{_WAVES}</g>'
        '<path d="M860 400l34-96v96ZM850 400l-26-62v62Z" fill="{near}"/><path d="M806 404h108q-14 24-54 24t-54-24Z" fill="{ink}"/>'
    ),
    "hills": (
        '<circle cx="{sun_x}" cy="{sun_y}" r="{sun_r}" fill="{sun}"/>'
        '<path d="M0 430Q260 250 560 400T1200 330V800H0Z" fill="{far}"/><path d="M0 540Q360 380 760 510T1200 450V800H0Z" fill="{near}"/>'
        '<g fill="{ink}" opacity=".8"><path d="M150 520q-22-120 8-170q30 50 8 170ZM206 530q-20-90 6-136q26 46 8 136ZM1004 500q-22-120 8-176q30 56 8 176Z"/></g>'
    ),
    "window": (
        '<path d="M330 800V350A270 270 0 0 1 870 350V800Z" fill="{far}"/><circle cx="{sun_x}" cy="{sun_y}" r="{sun_r}" fill="{sun}"/>'
        '<path d="M330 520Q480 440 640 500T870 470V800H330Z" fill="{near}"/>'
        '<path d="M330 800V350A270 270 0 0 1 870 350V800M600 80V800M330 350H870" fill="none" stroke="{ink}" stroke-width="14"/>'
        '<path d="M80 800V300L250 260V800ZM1120 800V300L950 260V800Z" fill="{ink}" opacity=".12"/>'
    ),
    "shelves": (
        '<path d="M0 0H1200V800H0Z" fill="{far}" opacity=".35"/><path d="M80 250H1120V268H80ZM80 30H1120V46H80Z" fill="{ink}"/>'
        '<g opacity=".92">{shelf}</g><circle cx="{sun_x}" cy="{sun_y}" r="{sun_r}" fill="{sun}" opacity=".85"/>'
    ),
    "flax": f'<circle cx="{{sun_x}}" cy="{{sun_y}}" r="{{sun_r}}" fill="{{sun}}"/><path d="M0 420Q500 350 1200 430V800H0Z" fill="{{far}}"/>{_FLAX}',
    "night": (
        f'<g fill="#fff3cf">{_STARS}</g><circle cx="{{sun_x}}" cy="{{sun_y}}" r="{{sun_r}}" fill="{{sun}}"/>'
        '<path d="M0 520Q300 380 640 490T1200 430V800H0Z" fill="{far}"/>'
        f'<path d="M-20 96Q600 220 1220 96" fill="none" stroke="{{ink}}" stroke-width="4"/><g fill="#f9cf6b">{_BULBS}</g>'
    ),
    "stripes": (
        '<g fill="{far}"><path d="M0 0H120V800H0ZM240 0H360V800H240ZM480 0H600V800H480ZM720 0H840V800H720ZM960 0H1080V800H960Z"/></g>'
        '<circle cx="{sun_x}" cy="{sun_y}" r="{sun_r}" fill="{sun}"/>'
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """A still life. `inks` are sky, far, near, ink and table; `sun` is x, y, radius and colour.

    `things` are (shape, tone, x of its middle, scale), from the back to the front; `lemons` are (x, radius).
    """

    title: str
    backdrop: str
    inks: tuple[str, str, str, str, str]
    sun: tuple[int, int, int, str]
    things: tuple[tuple[str, str, int, float], ...]
    lemons: tuple[tuple[int, int], ...] = ()
    cloth: str = ""


def _thing(shape: str, tone: str, x: int, base: int, scale: float) -> Html:
    return html(
        '<ellipse cx="{mid}" cy="{base}" rx="{wide}" ry="{high}" fill="#1d1a17" opacity=".2"/>'
        '<g transform="translate({left:.0f} {top:.0f}) scale({scale})">{drawing}</g>',
        mid=x + 20 * scale, base=base + 2, wide=round(126 * scale), high=round(13 * scale),
        left=x - 200 * scale, top=base - 332 * scale, scale=scale, drawing=inked(shape, tone),
    )  # fmt: skip


def _lemon(x: int, radius: int) -> Html:
    inks = TONES["lemon"]
    return html(
        '<ellipse cx="{x}" cy="{y}" rx="{shadow}" ry="7" fill="#1d1a17" opacity=".2"/>'
        '<g transform="translate({x} {mid}) rotate({turn})"><ellipse rx="{long}" ry="{r}" fill="{main}"/>'
        '<path d="M{long} -7q14 7 0 14ZM-{long} -7q-12 7 0 14Z" fill="{shade}"/>'
        '<path d="M-{half} -{half}q{half} -{dip} {r} -2" fill="none" stroke="{light}" stroke-width="5" stroke-linecap="round"/></g>',
        x=x, y=TABLE + 26, mid=TABLE + 26 - radius, shadow=round(radius * 1.2), turn=x % 40 - 20, r=radius,
        long=round(radius * 1.28), half=radius // 2, dip=radius // 4,
        main=inks.main, shade=inks.shade, light=inks.light,
    )  # fmt: skip


def still_life(scene: Scene, css: str = "scene") -> Html:
    """Return the scene as inline SVG, which fills its frame and is cut where it does not fit."""
    sky, far, near, ink, table = scene.inks
    x, y, radius, sun = scene.sun
    shelf = [
        _thing(shape, tone, place, 250, 0.46)
        for shape, tone, place in (
            ("vase", "olive", 190), ("plate", "bone", 330), ("jug", "sea", 470), ("mug", "ink", 590), ("bowl", "clay", 730),
            ("carafe", "smoke", 870), ("plate", "sea", 1000),
        )
    ]  # fmt: skip
    return html(
        '<svg class="{css}" viewBox="0 0 1200 800" preserveAspectRatio="xMidYMid slice" role="img" aria-label="{title}"'
        ' focusable="false"><rect width="1200" height="800" fill="{sky}"/>{backdrop}'
        '<rect y="{edge}" width="1200" height="220" fill="{table}"/><rect y="{edge}" width="1200" height="7" fill="#fff" opacity=".35"/>'
        "{cloth}{things}{lemons}</svg>",
        css=css, title=scene.title, sky=sky, edge=TABLE - 30, table=table,
        backdrop=html(BACKDROPS[scene.backdrop], sky=sky, far=far, near=near, ink=ink, sun=sun,
                      sun_x=x, sun_y=y, sun_r=radius, shelf=shelf),
        cloth=_runner(scene.cloth) if scene.cloth else "",
        things=[_thing(shape, tone, place, TABLE, scale) for shape, tone, place, scale in scene.things],
        lemons=[_lemon(place, size) for place, size in scene.lemons],
    )  # fmt: skip


def _runner(tone: str) -> Html:
    inks = TONES[tone]
    return html(
        '<path d="M250 580H950L1080 800H120Z" fill="{main}"/><path d="M300 580H330L200 800H160ZM870 580H900L1040 800H1000Z" fill="{light}"/>'
        '<path d="M345 580H352L228 800H218ZM848 580H855L982 800H972Z" fill="{shade}" opacity=".6"/>',
        main=inks.main, shade=inks.shade, light=inks.light,
    )  # fmt: skip


SCENES = {
    "cover": Scene(
        "A table by the sea: a jug, a bowl, plates and lemons in the morning sun", "sea",
        ("#f6d9b8", "#3d7f8d", "#fff6e3", "#1f3f4b", "#e9e0cf"), (440, 330, 150, "#e8623a"),
        (("plate", "sea", 800, 0.9), ("jug", "bone", 640, 1.05), ("bowl", "clay", 420, 0.8), ("tumbler", "smoke", 925, 0.55),
         ("candlestick", "lemon", 255, 0.95)),
        ((760, 30), (690, 26), (548, 28)), "bone"),
    "summer-table": Scene(
        "A jug and glasses in front of an arched window, hills outside", "window",
        ("#f0e3d0", "#bcd9d8", "#88925a", "#fffaf0", "#c9613c"), (700, 250, 74, "#f0b23e"),
        (("jug", "ink", 600, 1.0), ("bowl", "lemon", 420, 0.75), ("tumbler", "smoke", 762, 0.55), ("mug", "bone", 900, 0.5),
         ("candlestick", "bone", 265, 0.8)),
        ((480, 26), (690, 24)), "lemon"),
    "sale": Scene(
        "A few things on a table in front of a striped awning", "stripes",
        ("#fbe9df", "#e8735a", "#fff", "#7c2f22", "#f7d7c4"), (600, 330, 235, "#fbe9df"),
        (("bowl", "clay", 470, 0.85), ("cloth", "rose", 745, 0.8), ("candlestick", "clay", 600, 1.1)), ((330, 28),)),
    "atelier": Scene(
        "A potter’s shelves, and on the bench the work of the day", "shelves",
        ("#e9e2d6", "#b9a98f", "#fff", "#6b4a31", "#8a6a4b"), (1030, 390, 62, "#e9bd45"),
        (("vase", "clay", 430, 0.85), ("bowl", "bone", 620, 0.8), ("jug", "sea", 800, 0.8), ("spoons", "oak", 275, 0.6),
         ("mug", "clay", 955, 0.48))),
    "picnic": Scene(
        "A lunch in the hills: bread board, carafe and fruit", "hills",
        ("#cfe3e2", "#a9b77b", "#7d8850", "#4c5a36", "#f3ead8"), (880, 210, 86, "#f3c64e"),
        (("board", "oak", 440, 0.85), ("carafe", "rose", 620, 0.95), ("bowl", "walnut", 800, 0.7), ("tumbler", "lemon", 300, 0.5)),
        ((540, 25), (700, 28), (905, 25)), "sea"),
    "evening": Scene(
        "A garden at night, lanterns and a string of lamps over the table", "night",
        ("#1f2b46", "#16203a", "#0f1830", "#0b1226", "#7a4f38"), (930, 180, 62, "#f6e7c1"),
        (("lantern", "clay", 430, 0.9), ("carafe", "rose", 620, 0.9), ("candlestick", "lemon", 765, 0.85), ("tumbler", "rose", 880, 0.45),
         ("bowl", "oak", 270, 0.6)), (), "rose"),
    "summer": Scene(
        "Morning at the sea, a breakfast for two", "sea",
        ("#fdeec9", "#6fa9b0", "#fffaf0", "#2b5a66", "#f7efe0"), (610, 300, 190, "#f4b23c"),
        (("mug", "clay", 430, 0.62), ("mug", "sea", 300, 0.62), ("jug", "bone", 590, 0.85), ("plate", "bone", 800, 0.7)),
        ((690, 28), (925, 24)), "sea"),
    "the-long-table": Scene(
        "A long table set for many, under the trees", "hills",
        ("#f7dfc4", "#c98d5f", "#9a5f3c", "#5e3a27", "#fbf4e6"), (420, 260, 120, "#fff0c9"),
        (("plate", "sea", 250, 0.55), ("plate", "bone", 420, 0.55), ("jug", "ink", 600, 0.9), ("plate", "sea", 770, 0.55),
         ("plate", "bone", 940, 0.55)), ((510, 24), (690, 24)), "lemon"),
    "hands-of-clay": Scene(
        "A single stoneware jug on the bench of the kiln house", "shelves",
        ("#dfe8e6", "#7fa7ac", "#fff", "#31535b", "#c4b69b"), (250, 420, 70, "#c9613c"),
        (("jug", "sea", 590, 1.1), ("bowl", "sea", 820, 0.62), ("bowl", "bone", 390, 0.5))),
    "a-week-of-linen": Scene(
        "Folded linen in front of a field of flax in flower", "flax",
        ("#e3ecf2", "#b9c98e", "#fff", "#3f5a34", "#efe6d2"), (880, 200, 84, "#f6d978"),
        (("cloth", "lemon", 500, 0.95), ("napkin", "sea", 750, 0.62), ("spoons", "walnut", 920, 0.6))),
    "kiln-and-cove": Scene(
        "Stoneware of Kiln & Cove at the edge of the bay", "sea",
        ("#dfeae9", "#2f6875", "#fff", "#173c46", "#d9cdb5"), (300, 240, 96, "#f2c9ae"),
        (("vase", "olive", 380, 0.85), ("plate", "sea", 580, 0.9), ("jug", "ink", 780, 0.8), ("mug", "clay", 930, 0.5))),
    "linwerk": Scene(
        "Linen of Linwerk, folded, with flax in flower behind", "flax",
        ("#fbf1d3", "#c9cf93", "#fff", "#3f5a34", "#e8dfcd"), (330, 210, 100, "#e9bd45"),
        (("cloth", "lemon", 430, 0.85), ("cloth", "rose", 720, 0.8), ("napkin", "olive", 930, 0.5))),
    "hald": Scene(
        "Boards, bowls and spoons of Hald on a bench", "window",
        ("#e7dac6", "#cbd7c4", "#6d7c52", "#7f5437", "#b98b5a"), (480, 230, 60, "#fbe3a3"),
        (("board", "walnut", 600, 1.0), ("bowl", "oak", 400, 0.75), ("bowl", "walnut", 830, 0.7), ("spoons", "oak", 250, 0.7))),
    "solbad": Scene(
        "Glass and lamplight of Solbad at dusk", "night",
        ("#33466b", "#243352", "#16203a", "#101a30", "#8a6f63"), (270, 190, 54, "#f3d5c2"),
        (("lamp", "bone", 600, 1.0), ("carafe", "smoke", 390, 0.85), ("lantern", "ink", 830, 0.75), ("tumbler", "lemon", 965, 0.45))),
}  # fmt: skip
