# ruff: noqa: E501  a shape reads better as a whole line
"""The demo's pictures: things for the table as flat shapes, the way a two-colour press would print them.

Every shape is drawn in a box of 400 by 400, stands on y = 332 and is centred on x = 200, so that a product picture and
a still life (`deploy.demo.scenes`) can use the same drawing. Shapes name three inks: main, shade and light.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploy.demo.markup import Html, html


@dataclass(frozen=True, slots=True)
class Tone:
    """Three inks of one colour, and the ground a product is photographed on."""

    main: str
    shade: str
    light: str
    ground: str


TONES = {
    "sea": Tone("#3d7f8d", "#285f6c", "#c6dedc", "#dfebea"),
    "bone": Tone("#e8dfcd", "#c4b69b", "#fffdf6", "#e3e4df"),
    "clay": Tone("#c9613c", "#9d4427", "#f2c9ae", "#f4e3d8"),
    "olive": Tone("#818852", "#5d6437", "#dde0ba", "#e9ebdb"),
    "ink": Tone("#2b3d57", "#16243a", "#93a9c6", "#dfe4ec"),
    "lemon": Tone("#e9bd45", "#c08f22", "#fbedb6", "#f7efd6"),
    "rose": Tone("#cf8a8a", "#a65f66", "#f4d7d2", "#f5e6e3"),
    "oak": Tone("#cf9f66", "#a57441", "#f0dab6", "#f1e8da"),
    "walnut": Tone("#7f5437", "#573521", "#c8a284", "#ebe0d7"),
    "smoke": Tone("#8ea9ad", "#5d7d83", "#eef5f4", "#e2e9e9"),
}

# The paths are long lines on purpose: a shape reads better whole.
SHAPES = {
    "plate": """
<circle cx="200" cy="200" r="132" fill="{main}"/>
<path d="M200 68a132 132 0 0 1 0 264a148 148 0 0 0 0-264Z" fill="{shade}" opacity=".35"/>
<circle cx="200" cy="200" r="119" fill="none" stroke="{light}" stroke-width="3" opacity=".75"/>
<circle cx="200" cy="200" r="84" fill="{shade}" opacity=".6"/><circle cx="204" cy="204" r="80" fill="{main}"/>
<path d="M134 158a80 80 0 0 1 60-40" fill="none" stroke="{light}" stroke-width="6" stroke-linecap="round" opacity=".8"/>
<g fill="{shade}" opacity=".5"><circle cx="103" cy="168" r="2.5"/><circle cx="126" cy="256" r="2"/><circle cx="171" cy="97" r="2"/>
<circle cx="262" cy="108" r="3"/><circle cx="297" cy="226" r="2.5"/><circle cx="236" cy="296" r="2"/><circle cx="226" cy="176" r="2"/></g>""",
    "bowl": """
<ellipse cx="200" cy="196" rx="132" ry="30" fill="{shade}"/>
<path d="M68 196C68 284 128 312 164 320V332H236V320C272 312 332 284 332 196C332 213 273 227 200 227S68 213 68 196Z" fill="{main}"/>
<path d="M332 196C332 284 272 312 236 320V332H204C262 306 290 270 291 218C316 212 332 205 332 196Z" fill="{shade}" opacity=".5"/>
<path d="M94 232C102 262 120 284 142 298" stroke="{light}" stroke-width="7" stroke-linecap="round" fill="none" opacity=".75"/>""",
    "mug": """
<path d="M262 192h18a46 46 0 0 1 0 92h-26" fill="none" stroke="{shade}" stroke-width="18"/>
<path d="M118 156H270L262 312Q261 332 240 332H148Q127 332 126 312Z" fill="{main}"/>
<path d="M123 236H266L264 266H124Z" fill="{light}" opacity=".9"/>
<path d="M270 156L262 312Q261 332 240 332H204Q232 322 234 298L240 160Z" fill="{shade}" opacity=".5"/>
<ellipse cx="194" cy="156" rx="76" ry="16" fill="{shade}"/><ellipse cx="194" cy="160" rx="64" ry="10" fill="{main}" opacity=".5"/>
<path d="M138 190V220" stroke="{light}" stroke-width="7" stroke-linecap="round" opacity=".75"/>""",
    "jug": """
<path d="M252 134C336 112 344 244 272 266" fill="none" stroke="{shade}" stroke-width="19" stroke-linecap="round"/>
<path d="M150 92C148 142 106 172 106 240C106 304 142 332 200 332S294 304 294 240C294 178 252 146 256 88L258 76Q156 68 118 82Q142 84 150 100Z" fill="{main}"/>
<path d="M256 88C252 146 294 178 294 240C294 304 258 332 200 332C250 314 258 274 252 226C246 182 218 150 224 76Q242 76 258 76Z" fill="{shade}" opacity=".45"/>
<path d="M134 214C124 236 124 262 134 284" stroke="{light}" stroke-width="8" stroke-linecap="round" fill="none" opacity=".8"/>""",
    "vase": """<g transform="translate(20 33) scale(.9)">
<g stroke="{shade}" stroke-width="4" fill="none"><path d="M198 124C192 84 168 62 158 22"/><path d="M202 124C204 76 230 50 236 6"/></g>
<g fill="{main}"><path d="M172 66q-34 2-42-30q32 0 42 30Z"/><path d="M182 84q26-12 22-44q-28 14-22 44Z"/><path d="M158 30q-4-24 12-34q12 20-12 34Z"/></g>
<g fill="{shade}"><path d="M216 66q34-2 40-34q-34 4-40 34Z"/><path d="M207 92q-24-14-18-44q24 14 18 44Z" opacity=".7"/><path d="M234 20q-8-22 8-34q14 18-8 34Z"/></g>
<path d="M178 118V176C140 196 116 228 116 262C116 308 150 332 200 332S284 308 284 262C284 228 260 196 222 176V118Z" fill="{main}"/>
<path d="M222 118V176C260 196 284 228 284 262C284 308 250 332 200 332C236 318 246 288 242 256C238 218 208 196 206 170V118Z" fill="{shade}" opacity=".5"/>
<ellipse cx="200" cy="118" rx="22" ry="6" fill="{shade}"/>
<path d="M138 246C134 262 136 280 144 294" stroke="{light}" stroke-width="7" stroke-linecap="round" fill="none" opacity=".75"/></g>""",
    "carafe": """
<path d="M174 66V150C174 184 122 210 122 284C122 316 138 332 160 332H240C262 332 278 316 278 284C278 210 226 184 226 150V66Z" fill="{main}" opacity=".42"/>
<path d="M130 248C124 260 122 272 122 284C122 316 138 332 160 332H240C262 332 278 316 278 284C278 272 276 260 270 248Z" fill="{main}" opacity=".75"/>
<ellipse cx="200" cy="248" rx="70" ry="9" fill="{light}" opacity=".7"/>
<path d="M226 66V150C226 184 278 210 278 284C278 316 262 332 240 332H218C250 318 256 290 250 262C242 222 208 196 208 156V66Z" fill="{shade}" opacity=".28"/>
<ellipse cx="200" cy="66" rx="26" ry="6" fill="none" stroke="{shade}" stroke-width="3"/>
<path d="M148 226C140 246 138 266 140 290" stroke="{light}" stroke-width="6" stroke-linecap="round" fill="none"/>""",
    "tumbler": """
<path d="M128 164H272L256 316Q254 332 238 332H162Q146 332 144 316Z" fill="{main}" opacity=".4"/>
<path d="M135 230H265L256 316Q254 332 238 332H162Q146 332 144 316Z" fill="{main}" opacity=".75"/>
<ellipse cx="200" cy="230" rx="65" ry="9" fill="{light}" opacity=".75"/>
<path d="M272 164L256 316Q254 332 238 332H214Q230 326 232 304L242 164Z" fill="{shade}" opacity=".3"/>
<ellipse cx="200" cy="164" rx="72" ry="12" fill="none" stroke="{shade}" stroke-width="3"/>
<path d="M150 192L156 290" stroke="{light}" stroke-width="6" stroke-linecap="round"/>""",
    "napkin": """
<path d="M200 104L318 218L200 332L82 218Z" fill="{shade}"/><path d="M200 92L312 206L200 320L88 206Z" fill="{main}"/>
<path d="M200 112L292 206L200 300L108 206Z" fill="none" stroke="{light}" stroke-width="4"/>
<path d="M200 92L312 206H200Z" fill="{shade}" opacity=".45"/><path d="M200 92V206H88Z" fill="{light}" opacity=".35"/>
<path d="M200 92V320" stroke="{shade}" stroke-width="2" opacity=".6"/>""",
    "cloth": """
<path d="M74 232L116 176H348L326 232Z" fill="{main}"/><path d="M74 232L116 176H348L326 232Z" fill="{light}" opacity=".28"/>
<path d="M88 232H326V264H88Q72 264 72 248T88 232Z" fill="{main}"/><path d="M92 266H326V298H92Q76 298 76 282T92 266Z" fill="{shade}"/>
<path d="M86 300H326V332H86Q70 332 70 316T86 300Z" fill="{main}"/><path d="M326 232L348 176V276L326 332Z" fill="{shade}"/>
<path d="M326 265L348 209M326 299L348 243" stroke="{light}" stroke-width="2" opacity=".6"/>
<g fill="{light}"><path d="M246 232L276 176H290L262 232V332H246ZM272 232L300 176H306L280 232V332H272Z" opacity=".85"/></g>
<path d="M86 265H326M82 299H326" stroke="{shade}" stroke-width="2"/>""",
    "runner": """
<path d="M70 84H330" stroke="#8a7a66" stroke-width="9" stroke-linecap="round"/>
<path d="M132 80H268V318H132Z" fill="{main}"/><path d="M222 80H268V318H236C228 240 232 150 222 80Z" fill="{shade}" opacity=".35"/>
<g stroke="{light}"><path d="M132 250H268M132 268H268" stroke-width="8"/><path d="M132 288H268" stroke-width="3"/></g>
<path d="M132 80H268V104H132Z" fill="{shade}" opacity=".55"/>
<g stroke="{shade}" stroke-width="3" stroke-linecap="round"><path d="M138 318v14M156 318v14M174 318v14M192 318v14M210 318v14M228 318v14M246 318v14M262 318v14"/></g>""",
    "apron": """
<path d="M160 112C154 44 246 44 240 112" fill="none" stroke="{shade}" stroke-width="9"/>
<path d="M112 208C70 214 64 230 52 244M288 208C330 214 336 230 348 244" fill="none" stroke="{shade}" stroke-width="8" stroke-linecap="round"/>
<path d="M156 110H244C246 156 262 184 296 204L304 332H96L104 204C138 184 154 156 156 110Z" fill="{main}"/>
<path d="M244 110C246 156 262 184 296 204L304 332H250C258 250 232 190 226 110Z" fill="{shade}" opacity=".45"/>
<path d="M146 236H254V296Q254 304 246 304H154Q146 304 146 296Z" fill="none" stroke="{light}" stroke-width="3" stroke-dasharray="7 5"/>
<path d="M206 236V304" stroke="{light}" stroke-width="3" stroke-dasharray="7 5"/>""",
    "board": """
<path d="M176 140V82Q176 52 200 52T224 82V140H258Q288 140 288 168V304Q288 332 258 332H142Q112 332 112 304V168Q112 140 142 140Z" fill="{main}"/>
<circle cx="200" cy="82" r="10" fill="{shade}"/>
<g fill="none" stroke="{shade}" stroke-width="3" opacity=".55"><path d="M142 166C150 220 134 268 144 312"/><path d="M172 160C178 226 164 260 172 316"/>
<path d="M236 160C228 210 250 262 238 316"/><path d="M262 166C256 214 268 270 258 310"/><path d="M204 190c-14 26-12 60 0 84c12-24 14-58 0-84Z"/></g>
<path d="M126 182V292" stroke="{light}" stroke-width="6" stroke-linecap="round" opacity=".7"/>""",
    "spoons": """
<g transform="rotate(-9 150 332)"><path d="M142 180H160L164 322Q164 332 151 332T138 322Z" fill="{main}"/>
<ellipse cx="151" cy="124" rx="40" ry="62" fill="{main}"/><ellipse cx="153" cy="120" rx="28" ry="48" fill="{shade}" opacity=".5"/></g>
<g transform="rotate(9 250 332)"><path d="M240 180H258L262 322Q262 332 249 332T236 322Z" fill="{shade}"/>
<path d="M209 92Q209 62 249 62T289 92V126Q289 186 249 186T209 126Z" fill="{main}"/><path d="M229 62V112M249 60V120M269 62V112" stroke="{shade}" stroke-width="7"/></g>""",
    "candlestick": """
<path d="M200 34C220 60 222 76 200 90C178 76 180 60 200 34Z" fill="#f3b33d"/><path d="M200 58C209 70 210 78 200 86C190 78 191 70 200 58Z" fill="#fff3cf"/>
<path d="M186 94H214V216H186Z" fill="#f6efe1"/><path d="M202 94H214V216H202Z" fill="#d9ccb3" opacity=".8"/>
<path d="M168 212H232L224 232H214C212 262 216 280 226 296C252 300 268 312 270 332H130C132 312 148 300 174 296C184 280 188 262 186 232H176Z" fill="{main}"/>
<path d="M232 212L224 232H214C212 262 216 280 226 296C252 300 268 312 270 332H208C220 312 200 270 204 212Z" fill="{shade}" opacity=".55"/>""",
    "lantern": """
<path d="M146 128C146 40 254 40 254 128" fill="none" stroke="{shade}" stroke-width="8"/>
<path d="M136 158H264V312H136Z" fill="#f8d98a" opacity=".55"/><circle cx="200" cy="240" r="54" fill="#fbe3a3" opacity=".8"/>
<path d="M200 196C214 216 216 228 200 240C184 228 186 216 200 196Z" fill="#ee9d2f"/><path d="M184 244H216V312H184Z" fill="#fffaf0"/>
<path d="M160 112H240L276 160H124Z" fill="{main}"/><path d="M240 112L276 160H214L208 112Z" fill="{shade}" opacity=".6"/>
<g fill="{main}"><path d="M128 158H142V314H128ZM258 158H272V314H258ZM195 158H205V190H195Z"/><path d="M118 308H282V332H118Z"/></g><path d="M210 308H282V332H210Z" fill="{shade}" opacity=".6"/>""",
    "lamp": """
<path d="M108 200L60 326H340L292 200Z" fill="#fbe7ae" opacity=".5"/>
<path d="M192 190H208V318H192Z" fill="#b08a3e"/><path d="M132 332Q134 308 200 308T268 332Z" fill="#c79d49"/><path d="M206 308Q262 310 268 332H214Q216 318 206 308Z" fill="#8f6d2b" opacity=".6"/>
<path d="M88 200C88 118 138 74 200 74S312 118 312 200Z" fill="{main}"/><path d="M312 200C312 118 262 74 200 74C244 92 262 140 258 200Z" fill="{shade}" opacity=".5"/>
<ellipse cx="200" cy="200" rx="112" ry="13" fill="#fff3cf"/><path d="M118 168C124 136 140 116 162 104" stroke="{light}" stroke-width="8" stroke-linecap="round" fill="none"/>
<circle cx="200" cy="68" r="9" fill="#c79d49"/>""",
}  # fmt: skip


def inked(shape: str, tone: str) -> Html:
    """Return a shape printed in a tone, without a box around it."""
    inks = TONES[tone]
    return html(SHAPES[shape].replace("\n", ""), main=inks.main, shade=inks.shade, light=inks.light)


def picture(shape: str, tone: str, title: str = "", css: str = "picture") -> Html:
    """Return a product picture: the shape on its ground with its shadow. Without a title it is decoration."""
    named = html('role="img" aria-label="{title}"', title=title) if title else Html('aria-hidden="true"')
    return html(
        '<svg class="{css}" viewBox="0 0 400 400" {named} focusable="false">'
        '<rect width="400" height="400" fill="{ground}"/><path d="M0 300H400V400H0Z" fill="#fff" opacity=".38"/>'
        '<ellipse cx="212" cy="332" rx="128" ry="13" fill="#1d2430" opacity=".16"/>{drawing}</svg>',
        css=css, named=named, ground=TONES[tone].ground, drawing=inked(shape, tone),
    )  # fmt: skip
