"""Any number of ways to write the address of a payment page, from a seed: what `make fuzz` tries a million of.

A variant is a request target: a page of checkout or basket, spelt letter by letter, with something before it that leads
there, something behind it that some reader passes over, and sometimes the whole changed once more. Many are nonsense;
none may come to the CMS if anybody could take it for a payment page.
"""

from __future__ import annotations

import posixpath
import random
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import quote, unquote, unquote_to_bytes

from tests.edge.hostile.lenient import WORDS

_BEHIND_WORD = ("", "/", "/payment/", "/payment-details/", "/add/4711/", "/..", "/x/..", "/.", "/payment")

_BEFORE = (
    "/", "/", "/", "/", "//", "///", "/./", "/../", "/x/../", "/x/y/../../", "/x/./../", "/.../", "/;/",
    "/;x=y/", "/x;/../", "/x/..;/", "/..;/", "/x/..;x=y/", "/%2e/", "/%2e%2e/", "/x/%2e%2e/", "/x/.%2e/",
    "/x/%2e./", "/x/%2E%2E/", "/%252e/", "/x/%252e%252e/", "/x/%25%32%65%25%32%65/", "/x/%c0%ae%c0%ae/",
    "/x/%e0%80%ae%e0%80%ae/", "/x/..%00/", "/x/..%20/", "/x/..%0a/", "/%20/", "/%09/", "/%00/",
    "/x/%u002e%u002e/", "/%2f", "/%2F", "%2f", "/%252f", "/%25252f", "/%5c", "/%5C", "/%255c", "\\", "/\\",
    "\\\\", "/x\\..\\", "/x%5c..%5c", "/x%2f..%2f", "/x%2f../", "/x/..%2f", "/x%252f..%252f", "/x/..%5c",
    "/x%5c../", "/%c0%af", "/x%c0%af..%c0%af", "/%e0%80%af", "/%f0%80%80%af", "/%ef%bc%8f", "/%e2%81%84",
    "/%e2%88%95", "/x%e2%88%95..%e2%88%95", "/x/%ef%bc%8e%ef%bc%8e/", "/x/%e2%80%a5/", "/x%ef%bc%bc..%ef%bc%bc",
    "/x%c2%a5..%c2%a5", "/%ef%bb%bf", "/%e2%80%8b", "/%c2%ad", "/%c2%a0", "/%e3%80%80", "/%3b/", "/x/..%3b/",
    "/x/..%3bx/", "/x?/../", "/x#/../", "/x%3f/../", "/x%23/../", "/?/", "/#/", "/.%00./", "/x/.%0a./", "/ ",
    "/\t", "/+/", "/x/..+/", "http://shop.test/", "HTTP://SHOP.TEST/", "http://shop.test//",
    "http://shop.test/x/../", "http://shop.test:80/", "http://shop.test\\", "http://shop.test/%2e%2e/",
    "http://x@shop.test/", "http://evil.test/", "https://shop.test/", "http:///", "http:/", "http:",
    "//shop.test/", "//evil.test/../", "http://shop.test?/", "http://shop.test#/", "", "*/", "./", "../",
    "x/../",
)  # fmt: skip

_BEHIND = (
    "", "", "", "", "?", "?x=y", "?x=/../", "?/../../", "?x=%2f..%2f", "?%00", "#", "#x", "?#", "#?", "%23",
    "%3f", "%3Fx", ";", ";x", ";x=y", ";x=y/", "%3b", "%3Bx=y", "%253b", ";/../", ".", "..", "...", "%2e",
    "%2E%2e", "./", "%00", "%00/", "%00.html", "%2500", "%20", "%20/", "+", "+/", "%09", "%0a", "%0d%0a",
    "%0d%0aHost:%20x", "%0b", "%7f", "%ff", "%c3", "%e9", "%ed%a0%80", "%c2%a0", "%c2%85", "%e3%80%80",
    "%e2%80%a8", "%e1%9a%80", "%e2%80%8b", "%c2%ad", "%ef%bb%bf", "%cc%81", "%ef%bc%9bx", "%ef%bc%9fx",
    "%ef%bc%83", "::$DATA", "::$data", "%3a%3a$DATA", ":$I30:$INDEX_ALLOCATION", ":x", "%3ax", "%", "%2", "%zz",
    "%u0000", "\\", "\\..", "%5c", "%5c..%5c", "/%2e", "/%2e%2e", "/%2e%2e/checkout", "/../checkout", "//",
    "/.//", "%2f", "%2f..", "%252f", "\x00", "\t", " ", " x", "\x0b", "\x7f", "\x85", "\xa0", "\xff", "~", "~1",
    "*", "|x", "^", '"', "'", "<x>", "{x}", "`", "&x", "$", "!", ",x", "(x)", "[x]", "=", "@x", ".html", ".php",
    ".json", "/.json", "/index.php", "/index.html", "%2f%2e%2e%2fcheckout",
)  # fmt: skip

_INVISIBLE = "\u200b\u200c\u200d\u2060\u00ad\ufeff\u202e\ufe0f\u0085\u034f\u061c\u180e\u2061"
_MARKS = "\u0301\u0300\u0308\u0327\u0330\u0323\u20dd"
_ALPHABETS = (0xFF41, 0x24D0, 0x1D41A, 0x1D44E, 0x1D4EA, 0x1D5BA, 0x1D68A, 0x249C)
"""Where the letter a stands in Unicode's other alphabets: wide, in circles, bold, italic, script, sans, mono, (a)."""

Spell = Callable[[random.Random, str], str]


def _overlong(rng: random.Random, letter: str) -> str:
    code = ord(letter)
    return rng.choice(
        (
            f"%{0xC0 | code >> 6:02x}%{0x80 | code & 0x3F:02x}",
            f"%e0%{0x80 | code >> 6:02x}%{0x80 | code & 0x3F:02x}",
        )
    )


def _twice(_: random.Random, letter: str) -> str:
    return "".join(f"%25{ord(digit):02x}" for digit in f"{ord(letter):02x}")


_SPELLINGS: tuple[Spell, ...] = (
    lambda _, letter: letter.upper(),
    lambda _, letter: f"%{ord(letter):02x}",
    lambda _, letter: f"%{ord(letter):02X}",
    lambda _, letter: f"%{ord(letter.upper()):02x}",
    lambda _, letter: f"%25{ord(letter):02x}",
    lambda _, letter: f"%2525{ord(letter):02x}",
    lambda _, letter: f"%252525{ord(letter):02X}",
    lambda _, letter: f"%%{ord(f'{ord(letter):02x}'[0]):02x}{f'{ord(letter):02x}'[1]}",
    lambda _, letter: f"%u00{ord(letter):02x}",
    lambda _, letter: f"\\x{ord(letter):02x}",
    lambda _, letter: f"&#{ord(letter)};",
    _twice,
    _overlong,
    lambda rng, letter: quote(chr(rng.choice(_ALPHABETS) + ord(letter) - ord("a"))),
    lambda rng, letter: letter + quote(rng.choice(_INVISIBLE)),
    lambda rng, letter: letter + quote(rng.choice(_MARKS)),
    lambda rng, letter: quote(unicodedata.normalize("NFC", letter + rng.choice(_MARKS))),
    lambda rng, letter: letter + rng.choice(("%00", "%ff", "%c3", "%20", "\x00", "+", "\\", "/", "%0a", ";", "%")),
    lambda _, letter: quote({"k": "\u212a", "s": "\u017f"}.get(letter, letter.upper())),
)


def _whole(rng: random.Random, target: str) -> str:
    """Change all of it, as one who tries things out does."""
    change = rng.randrange(7)
    if change == 0:
        return target.replace("%", "%25")
    if change == 1:
        return target.replace("/", rng.choice(("\\", "%2f", "%5c", "//", "/./", "%252f", "%ef%bc%8f")))
    if change == 2:
        return target.swapcase()
    if change == 3:
        place = rng.randint(0, len(target))
        return target[:place] + rng.choice(_BEHIND) + target[place:]
    if change == 4:
        place = rng.randint(0, len(target))
        return target[:place] + chr(rng.randrange(256)) + target[place:]
    if change == 5:
        return "".join(f"%{ord(sign):02x}" if rng.random() < 0.4 and ord(sign) < 256 else sign for sign in target)
    return target + rng.choice(_BEFORE) + rng.choice(_BEHIND)


def variant(rng: random.Random) -> bytes:
    """Return one request target; it holds no line end."""
    letters = rng.choice((0.0, 0.0, 0.1, 0.3, 1.0))
    one = rng.choice(_SPELLINGS)
    word = "".join(
        (one if rng.random() < 0.7 else rng.choice(_SPELLINGS))(rng, letter) if rng.random() < letters else letter
        for letter in rng.choice(WORDS)
    )
    before = "/" if rng.random() < 0.4 else rng.choice(_BEFORE)
    if rng.random() < 0.1:
        before += rng.choice(_BEFORE).lstrip("/")
    behind = "" if rng.random() < 0.4 else rng.choice(_BEHIND)
    target = before + word + rng.choice(_BEHIND_WORD) + behind
    while rng.random() < 0.15:
        target = _whole(rng, target)
    return target.encode("latin-1", "replace").replace(b"\r", b"%0d").replace(b"\n", b"%0a") or b"/"


def variants(seed: int) -> Iterator[bytes]:
    """Yield different targets without end, the same ones for the same seed."""
    rng = random.Random(f"payment pages {seed}")
    seen: set[int] = set()
    while True:
        target = variant(rng)
        known = hash(target)
        if known not in seen:
            seen.add(known)
            yield target


# --- how two real servers read a path ---------------------------------------------------------------------------------


def names_payment(path: str) -> bool:
    """Whether a path that a server has made its own is a payment page's, letters large or small."""
    return any(path.lower() == f"/{word}" or path.lower().startswith(f"/{word}/") for word in WORDS)


def python_reads(target: str) -> str:
    """Return the path that Python's own server takes a target for (http.server, translate_path)."""
    path = target.partition("?")[0].partition("#")[0]
    try:
        path = unquote(path, errors="surrogatepass")
    except UnicodeDecodeError:
        path = unquote(path)
    return "/" + "/".join(name for name in posixpath.normpath(path).split("/") if name not in ("", ".", ".."))


def is_common(path: str) -> bool:
    """Whether it takes no Unicode and no file system to read a path as a payment page.

    Only decoding (up to three times), slashes of either kind, dot segments, parameters, what a NUL cuts off, and case.
    """
    text = path
    for _ in range(3):
        plain = text.partition("?")[0].partition("#")[0].partition("\0")[0].replace("\\", "/")
        plain = "/".join(name.partition(";")[0] for name in plain.split("/"))
        if names_payment("/" + posixpath.normpath(plain).lstrip("/.")):
            return True
        text = unquote_to_bytes(text).decode("latin-1")
    return False
