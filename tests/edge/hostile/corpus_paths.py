"""Ways to spell a path so that one server reads it as checkout or basket and another does not.

`{w}` is the word, `{c}` its first letter and `{r}` the rest; what follows the word is put behind. OURS means that the
edge reads it as the word too: it goes to commerce, spelt plainly. REFUSED means 400.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

OURS, REFUSED = "commerce", "refused"


@dataclass(frozen=True, slots=True)
class Spelling:
    name: str
    spell: Callable[[str], str]
    verdict: str

    def __str__(self) -> str:
        return self.name


def _as(name: str, template: str, verdict: str = REFUSED) -> Spelling:
    return Spelling(name, lambda word: template.format(w=word, c=word[0], r=word[1:], x=f"{ord(word[0]):02x}"), verdict)


def _by(name: str, change: Callable[[str], str], verdict: str = REFUSED) -> Spelling:
    return Spelling(name, lambda word: "/" + change(word), verdict)


def _letters(base: int) -> Callable[[str], str]:
    """Every letter as the one at the same place of another alphabet of Unicode's."""
    return lambda word: quote("".join(chr(base + ord(letter) - ord("a")) for letter in word))


def _inside(sign: str) -> Callable[[str], str]:
    return lambda word: quote(word[:2] + sign + word[2:])


def _overlong(word: str) -> str:
    """The first letter in two bytes, as UTF-8 forbids."""
    return f"%{0xC0 | ord(word[0]) >> 6:02x}%{0x80 | ord(word[0]) & 0x3F:02x}{word[1:]}"


SPELLINGS: list[Spelling] = [
    # plain, and what RFC 3986, 6.2.2 makes plain
    _as("plainly", "/{w}", OURS),
    _as("one letter encoded", "/%{x}{r}", OURS),
    _by("every letter encoded", lambda word: "".join(f"%{ord(letter):02X}" for letter in word), OURS),
    _by("every letter encoded in small digits", lambda word: "".join(f"%{ord(letter):02x}" for letter in word), OURS),
    # case
    _by("in capitals", str.upper),
    _by("with a capital", str.capitalize),
    _by("with the last letter large", lambda word: word[:-1] + word[-1].upper()),
    _by("with a capital, encoded", lambda word: f"%{ord(word[0].upper()):02x}{word[1:]}"),
    # encoded more than once
    _as("encoded twice", "/%25{x}{r}"),
    _as("encoded three times", "/%2525{x}{r}"),
    _as("encoded twice, the second time in parts", "/%25%36%33{r}"),
    _as("encoded twice, the percent sign whole and the digits apart", "/%%36%33{r}"),
    _as("as IIS encodes", "/%u00{x}{r}"),
    _as("as C encodes", "/\\x{x}{r}"),
    # not UTF-8
    _by("overlong", _overlong),
    _as("with an overlong slash before", "/%c0%af{w}"),
    _as("with overlong dots before", "/x/%c0%ae%c0%ae/{w}"),
    _as("with a slash in three bytes", "/%e0%80%af{w}"),
    _as("with a broken byte in it", "/{c}%ff{r}"),
    _as("with half a letter behind", "/{w}%c3"),
    _as("with a surrogate", "/{w}%ed%a0%80"),
    _as("in Latin-1", "/{w}%e9"),
    # Unicode
    _by("in full width", _letters(0xFF41)),
    _by("in circles", _letters(0x24D0)),
    _by("in bold", _letters(0x1D41A)),
    _by("in script", _letters(0x1D4EA)),
    _by("in parentheses are other letters", lambda word: quote(chr(0xFF41 + ord(word[0]) - 97)) + word[1:]),
    _by("with an accent", lambda word: quote(word.replace("e", "é"))),
    _by("with an accent apart", lambda word: quote(word.replace("e", "e\u0301"))),
    _by("with a dot below that has no letter of its own", lambda word: quote(word[0] + "\u0330" + word[1:])),
    _by("with the Kelvin sign", lambda word: quote(word.replace("k", "\u212a"))),
    _by("with a space without width", _inside("\u200b")),
    _by("with a joiner without width", _inside("\u200d")),
    _by("with a word joiner", _inside("\u2060")),
    _by("with a soft hyphen", _inside("\u00ad")),
    _by("with a byte order mark in it", _inside("\ufeff")),
    _by("with a mark of direction", _inside("\u202e")),
    _by("with a variation selector", _inside("\ufe0f")),
    _by("with a C1 control in it", _inside("\u0085")),
    _as("with a byte order mark before", "/%ef%bb%bf{w}"),
    _as("with a full-width slash before", "/%ef%bc%8f{w}"),
    _as("with a fraction slash and dots", "/x%e2%81%84..%e2%81%84{w}"),
    _as("with division slashes and dots", "/x%e2%88%95..%e2%88%95{w}"),
    _as("with full-width slashes and dots", "/x%ef%bc%8f..%ef%bc%8f{w}"),
    _as("with full-width dots", "/x/%ef%bc%8e%ef%bc%8e/{w}"),
    _as("with a two-dot leader", "/x/%e2%80%a5/{w}"),
    _as("with full-width backslashes and dots", "/x%ef%bc%bc..%ef%bc%bc{w}"),
    _as("with yen signs and dots", "/x%c2%a5..%c2%a5{w}"),
    _as("with a full-width percent sign", "/%ef%bc%85{x}{r}"),
    _as("with a full-width semicolon", "/{w}%ef%bc%9bx"),
    _as("with a full-width question mark", "/{w}%ef%bc%9fx"),
    # slashes and backslashes
    _as("with two slashes before", "//{w}"),
    _as("with three slashes before", "///{w}"),
    _as("with an encoded slash before", "/%2f{w}"),
    _as("with a backslash before", "/\\{w}"),
    _as("with a backslash for the slash", "\\{w}"),
    _as("with an encoded backslash before", "/%5c{w}"),
    _as("behind an encoded slash", "/x%2f..%2f{w}"),
    _as("behind an encoded slash, twice encoded", "/x%252f..%252f{w}"),
    _as("behind backslashes", "/x\\..\\{w}"),
    _as("behind encoded backslashes", "/x%5c..%5c{w}"),
    # dot segments
    _as("behind a dot", "/./{w}"),
    _as("behind two dots", "/x/../{w}"),
    _as("above the root", "/../{w}"),
    _as("behind an encoded dot", "/%2e/{w}"),
    _as("behind encoded dots", "/x/%2e%2e/{w}"),
    _as("behind encoded dots in capitals", "/x/%2E%2E/{w}"),
    _as("behind a dot and an encoded dot", "/x/.%2e/{w}"),
    _as("behind dots encoded twice", "/x/%252e%252e/{w}"),
    _as("behind dots encoded in parts", "/x/%25%32%65%25%32%65/{w}"),
    _as("behind three dots", "/.../{w}"),
    _as("behind dots with a parameter", "/x/..;/{w}"),
    _as("behind dots with an encoded parameter", "/x/..%3b/{w}"),
    _as("behind a name with a parameter and dots", "/x;y=z/../{w}"),
    _as("behind a parameter alone", "/;/{w}"),
    _as("behind a blank", "/%20/{w}"),
    _as("behind blank dots", "/x/..%20/{w}"),
    _as("behind dots and a NUL", "/x/..%00/{w}"),
    _as("behind blank dots, before dots with a soft hyphen", "/x/..%20/{w}/..%c2%ad"),
    _as("behind dots with a parameter, before dots with a wide sign", "/x/..%3b/{w}/..%ef%bc%9fx"),
    _as("behind dots with a parameter, before dots with two wide signs", "/x/..%3b/{w}/..%e2%88%95%ef%bc%9fx"),
    _as("behind wide backslashes, before dots with a byte order mark", "/x%ef%bc%bc..%ef%bc%bc{w}/..%ef%bb%bf"),
    # what stands at the end of a name
    _as("with a parameter", "/{w};x=y"),
    _as("with an encoded parameter", "/{w}%3bx=y"),
    _as("with an encoded question mark", "/{w}%3f"),
    _as("with an encoded hash", "/{w}%23"),
    _as("with a hash", "/{w}#x"),
    _as("with a NUL", "/{w}%00"),
    _as("with a NUL and a suffix", "/{w}%00.html"),
    _as("with a line feed", "/{w}%0a"),
    _as("with a line break", "/{w}%0d%0a"),
    _as("with a tab", "/{w}%09"),
    _as("with a DEL", "/{w}%7f"),
    _as("with a dot behind", "/{w}."),
    _as("with dots behind", "/{w}..."),
    _as("with an encoded dot behind", "/{w}%2e"),
    _as("with a blank behind", "/{w}%20"),
    _as("with a blank before", "/%20{w}"),
    _as("with dots and blanks behind", "/{w}.%20.%20"),
    _as("with a plus behind", "/{w}+"),
    _as("with a hard space behind", "/{w}%c2%a0"),
    _as("with a wide space behind", "/{w}%e3%80%80"),
    _as("with a line separator behind", "/{w}%e2%80%a8"),
    _as("with an ogham space behind", "/{w}%e1%9a%80"),
    _as("as a data stream", "/{w}::$DATA"),
    _as("as an encoded data stream", "/{w}%3a%3a$data"),
    _as("as an index", "/{w}:$I30:$INDEX_ALLOCATION"),
    _as("as an index in small letters", "/{w}:$i30:$index_allocation"),
    # raw bytes
    _as("with a raw blank", "/{w} x"),
    _as("with a percent sign that encodes nothing", "/{w}%"),
    _as("with a percent sign and one digit", "/{w}%2"),
    _as("with wrong digits", "/{w}%zz"),
    _as("in angle brackets", "/<{w}>"),
    _as("in braces", "/{{{w}}}"),
    _as("with a bar", "/{w}|x"),
    _as("with a caret", "/{w}^x"),
    _as("with a quote", '/{w}"x'),
]

BEHIND = ["", "/", "/payment-details/?x=/"]
"""What follows the word."""

INNOCENT = [
    "/", "/checkouts/", "/checkout-guide/", "/checkout_old", "/checkout.html", "/check-out/", "/my/checkout/",
    "/x/basket", "/basketball/", "/checkou", "/CheckoutGuide/", "/BASKETBALL", "/%C3%9Cber-uns/", "/k%C3%A4se/",
    "/100%25-wool/", "/SALE/", "/a.b/c.", "/page?next=/checkout/", "/page?../checkout/", "/page?a=%2fcheckout",
    "/~checkout", "/a+b", "/a%20b/", "/%E6%97%A5%E6%9C%AC/", "/bask%C3%A9tball/", "/p/Checkout/", "/x:y", "/a,b",
    "/%C3%A9t%C3%A9/Basket%20/", "/what%3F", "/no%231/", "/a%3Bb", "/checkout-%3Fx", "/%EF%BC%A1%EF%BC%A2/",
]  # fmt: skip
"""Paths that only look like it, or not even that: the CMS gets them."""
