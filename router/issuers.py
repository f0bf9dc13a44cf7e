"""What a card's number is by itself: which issuer has which, Luhn's rule, and whose numbers look alike. Pure."""

from __future__ import annotations

from typing import Final

_MANY: Final = (16, 17, 18, 19)
_RANGES: Final = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("300", "305", (14, *_MANY)),  # Diners Club
    ("3095", "3095", (14, *_MANY)),
    ("36", "36", (14, *_MANY)),
    ("38", "39", (14, *_MANY)),
    ("3528", "3589", _MANY),  # JCB
    ("60", "60", (16,)),  # Discover, RuPay, Hipercard
    ("6011", "6011", _MANY),
    ("644", "659", _MANY),
    ("62", "62", _MANY),  # UnionPay
    ("81", "82", _MANY),  # UnionPay, RuPay
    ("2200", "2204", _MANY),  # Mir
    ("5018", "5020", (13, 14, 15, *_MANY)),  # Maestro, Dankort
    ("5038", "5038", (13, 14, 15, *_MANY)),
    ("5893", "5893", (13, 14, 15, *_MANY)),
    ("6304", "6304", (13, 14, 15, *_MANY)),
    ("6759", "6763", (13, 14, 15, *_MANY)),
    ("5060", "5099", (16, 18, 19)),  # Elo, Verve, RuPay
    ("6362", "6363", (16,)),  # Elo
    ("9792", "9792", (16,)),  # Troy
)


def _issued() -> bytes:
    """Return for each first four digits a bit for every length that some issuer gives its numbers, from 13."""
    table = bytearray(10_000)
    for first, last, lengths in _RANGES:
        for prefix in range(int(first.ljust(4, "0")), int(last.ljust(4, "9")) + 1):
            for length in lengths:
                table[prefix] |= 1 << (length - 13)
    return bytes(table)


_ISSUED: Final = _issued()

_VALUES: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))

_GTIN_LENGTHS: Final = frozenset((13, 14, 18))
"""EAN-13, GTIN-14 and SSCC (a parcel): their check digit has other weights, so nine in ten cards are none."""

_MOBILES: Final = (b"4915", b"4916", b"4917", b"436")
"""Mobile phones of Germany and Austria, with their country and without a plus, have 13 digits, as no Visa card has had
for decades: of the two the phone is taken."""


def is_card(digits: bytes) -> bool:
    """Whether these digits alone are a card's number: length, issuer, Luhn, and no number of another kind."""
    return is_like_card(digits) and is_luhn(digits)


def is_like_card(digits: bytes) -> bool:
    """Whether an issuer has numbers of this length that begin so, and nobody else has this one."""
    length = len(digits)
    if not 13 <= length <= 19 or not _ISSUED[int(digits[:4])] >> (length - 13) & 1:
        return False
    if length in _GTIN_LENGTHS:
        others = sum(digits[-2::-2].translate(_VALUES))
        if (sum(digits[::-2].translate(_VALUES)) + 3 * others) % 10 == 0:
            return False
    return not (length == 13 and digits.startswith(_MOBILES))


def is_luhn(digits: bytes) -> bool:
    """Whether the last digit is right by Luhn's rule. ISO/IEC 7812-1, annex B."""
    return (sum(digits[::-2].translate(_VALUES)) + sum(digits[-2::-2].translate(_DOUBLED))) % 10 == 0
