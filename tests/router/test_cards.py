"""Card numbers in text: what is one, what only looks like one, and that none gets past however it is cut."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from time import process_time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cards import CardWatch, carries_card, is_form, is_text
from router.issuers import is_card

VISA = "4111111111111111"

# The numbers that payment providers publish for trying out.
CARDS = {
    "Visa": VISA,
    "Visa with 13 digits": "4222222222222",
    "Visa with 19 digits": "4000000000000000006",
    "Mastercard": "5555555555554444",
    "Mastercard, the new range": "2223003122003222",
    "American Express": "378282246310005",
    "Diners Club": "36227206271667",
    "Diners Club, the old range": "30569309025904",
    "Discover": "6011111111111117",
    "JCB": "3530111333300000",
    "UnionPay": "6200000000000005",
    "UnionPay with 19 digits": "6205500000000000004",
    "Maestro": "6759649826438453",
    "Dankort": "5019717010103742",
    "Mir": "2200000000000004",
}

SPELLINGS = {
    "a form": "number={}&cvv=123",
    "a form, at its end": "cvv=123&number={}",
    "a form's text": "text=My+card+is+{}%2C+thanks%0D%0A",
    "a form's text, on a line of its own": "text=Hello%0A{}%0D%0Abye",
    "JSON in a form": "data=%7B%22card%22%3A%22{}%22%7D",
    "JSON": '{{"card": {{"number": "{}", "cvv": "123"}}}}',
    "JSON, as a number": '{{"number":{}}}',
    "JSON, in a text": '{{"text":"my card\\n{}\\nthanks"}}',
    "multipart": '--b\r\nContent-Disposition: form-data; name="number"\r\n\r\n{}\r\n--b--\r\n',
    "XML": "<card><number>{}</number></card>",
    "plain text": "{}",
    "a word before it": '{{"n": "VISA{}"}}',
    "a word behind it": "text=I+pay+by+{}EUR",
    "a filler around it": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "hexadecimal letters around it": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "a row of a table": "Lovelace,{},2027-09,123",
}


def grouped(number: str, *lengths: int, by: str = " ") -> str:
    parts, place = [], 0
    for length in lengths:
        parts.append(number[place : place + length])
        place += length
    return by.join([*parts, number[place:]] if place < len(number) else parts)


def found_in_pieces(text: bytes, cuts: list[int], form: bool) -> tuple[bool, bytes]:
    """What a watch says of a text that comes in these pieces, and what it let pass."""
    watch, passed = CardWatch(form), b""
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        passed += watch.feed(text[start:end])
    passed += watch.end()
    return watch.found, passed


# --- what is one ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("around", SPELLINGS.values(), ids=SPELLINGS)
def test_a_card_number_is_found_in_whatever_carries_it(number, around):
    assert carries_card(around.format(number).encode(), form="form" in around or "=" in around)


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1111", "4111-1111-1111-1111", "4111 1111-1111 1111", "4111  1111  1111  1111",
        "4111 - 1111 - 1111 - 1111", "411111 1111111111", "41111111 11111111", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\u00a01111\u00a01111\u00a01111", "4111\u20111111\u20111111\u20111111",
        "4111\u20131111\u20131111\u20131111",
        "4111 1111 1111 1111 09 27 123", "09/27 4111 1111 1111 1111", "3782 822463 10005", "3056 930902 5904",
        "4222 222 222 222", "4000 0000 0000 0000 006", "6759 6498 2643 8453", "No.4111111111111111.",
        "4111111111111111;4222222222222", "(4111111111111111)", "card_4111111111111111", "#4111111111111111",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", [True, False])
def test_it_is_found_as_people_write_it(written, form):
    text = urlencode({"number": written}) if form else json.dumps({"number": written})

    assert carries_card(text.encode(), form)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"%3{digit}" for digit in VISA), f"%34{VISA[1:]}", f"{VISA[:-1]}%31", "4111%201111%201111%201111",
        "4111%2D1111%2d1111-1111", "4111%C2%A01111%c2%a01111+1111", f"q=%22{VISA}%22", f"a=%00{VISA}", f"++{VISA}++",
    ],
)  # fmt: skip
def test_what_stands_for_a_digit_in_a_form_is_one(text):
    assert carries_card(text.encode(), form=True)


@pytest.mark.parametrize(
    "text",
    ["".join(f"\\u003{digit}" for digit in VISA), f"\\u0034{VISA[1:]}", "4111\\u00a01111\\u20111111\\u00201111"],
)
def test_what_stands_for_a_digit_in_json_is_one(text):
    assert carries_card(f'{{"number": "{text}"}}'.encode(), form=False)


def test_the_longest_spelling_of_a_number_is_held_back_until_it_is_whole():
    text = "\\u0020".join(f"\\u003{digit}" for digit in CARDS["Visa with 19 digits"]).encode()

    assert found_in_pieces(text, list(range(1, len(text))), form=False) == (True, b"")


# --- what only looks like one -----------------------------------------------------------------------------------------

LOOK_ALIKES = {
    "an order number": "4111111111111112",
    "an order number of an unknown issuer": "1000000000000008",
    "twelve digits": "411111111111",
    "twenty digits": "41111111111111111111",
    "a name with letters and digits before the number": "ORD2026X4111111111111111",
    "a name with letters and digits behind the number": "4111111111111111A7",
    "a German article (EAN-13)": "4006381333931",
    "a Japanese article (EAN-13)": "4901234567894",
    "a book (ISBN-13)": "9783161484100",
    "a carton (GTIN-14)": "30012345678906",
    "a parcel (SSCC)": "340123450000000000",
    "a phone number": "+49 151 23456789",
    "a mobile phone number without its plus": "4915123456786",
    "a mobile phone number of 13 digits with its plus": "+4474118882224",
    "an account (IBAN), in groups": "DE89 4111 1111 1111 1111 00",
    "an account (IBAN), of France": "FR76 3000 6000 0112 3456 7890 189",
    "an account (IBAN), joined": "DE89370400440532013000",
    "an account (IBAN), of Switzerland": "CH4409976842975891403",
    "a UUID": "41111111-1111-4111-8111-111111111111",
    "a UUID in one piece": "4111111111114111a111111111111111",
    "a digest": "d41d8cd98f00b204e9800998ecf8427e4111111111111111e",
    "a moment in seconds": "1795342206",
    "a moment in milliseconds": "1795342206000",
    "a moment in microseconds": "1795342206000000",
    "a moment in nanoseconds": "1795342206000000000",
    "a date and a time": "20261122143000",
    "a date and a time in groups": "2026-11-22 14-30-00",
    "a fraction": "0.4111111111111111",
    "a number with a fraction": "4111111111111111.5",
    "a telephone's own number (IMEI)": "490154203237518",
    "a SIM card (ICCID)": "8949220013456789012",
    "a table of numbers": "41 11 11 11 11 11 11 11 12 13 14",
    "a row of a table": "4111\t1111\t1111\t1111",
    "prices": "4111,1111,1111,1111",
    "an address (IPv4)": "4.111.111.111",
    "a version": "4111.1111.1111.1111",
    "lines": "4111\n1111\n1111\n1111",
    "a message's number": "1580661436132757506",
    "escapes that are no digits": "%E4%11%11%11%11%11%11%11",
}


@pytest.mark.parametrize("text", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
@pytest.mark.parametrize("form", [True, False])
def test_what_only_looks_like_a_card_passes(text, form):
    sent = f"n={quote(text, safe='%')}&m=1" if form else f'{{"n": {json.dumps(text)}}}'

    assert not carries_card(sent.encode(), form)


def test_three_in_a_hundred_numbers_of_sixteen_digits_are_taken_for_cards_by_chance():
    chance = random.Random(20261122)

    taken = sum(is_card(b"%016d" % chance.randrange(10**16)) for _ in range(100_000))

    assert 0.028 < taken / 100_000 < 0.033  # 0.0305 in a million; by Luhn alone it would be 0.1


def test_thirteen_digits_are_hardly_ever_taken_for_a_card():
    chance = random.Random(20261122)

    taken = sum(is_card(b"%013d" % chance.randrange(10**13)) for _ in range(100_000))

    assert taken / 100_000 < 0.011


def test_a_list_of_articles_passes_however_long():
    chance = random.Random(7)
    eans = []
    for _ in range(3_000):
        body = f"40{chance.randrange(10**10):010}"
        check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body)) % 10
        eans.append(f"{body}{check}")

    assert not carries_card("\n".join(eans).encode(), form=False)


# --- pieces -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize("written", [VISA, "4111 1111 1111 1111", "3782 822463 10005", "%34%31" + VISA[2:]])
def test_a_number_is_found_wherever_it_is_cut(written, form):
    text = f"name=Ada&number={written}&cvv=1".encode()

    for cut in range(1, len(text)):
        found, passed = found_in_pieces(text, [cut], form)
        assert found
        assert text[: text.index(b"=", 9) + 1].startswith(passed)  # nothing of the number, and nothing behind it


@pytest.mark.parametrize("text", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_what_only_looks_like_a_card_passes_wherever_it_is_cut(text):
    sent = f"name=Ada&n={text}&m=1".encode()

    for cut in range(1, len(sent)):
        assert found_in_pieces(sent, [cut], form=False) == (False, sent)


@given(st.lists(st.sampled_from([b"4111", b"1111", b" ", b"-", b"%34", b"%", b"\\u0031", b"\\", b"u", b"DE89", b"x",
                                 b"&n=", b"+", b"1", b".", b"\xc2\xa0", VISA.encode()]), max_size=40),
       st.lists(st.integers(0, 200), max_size=8), st.booleans())  # fmt: skip
@settings(deadline=None)
def test_pieces_say_what_the_whole_says_and_nothing_is_changed(parts, cuts, form):
    text = b"".join(parts)
    places = sorted(min(cut, len(text)) for cut in cuts)

    found, passed = found_in_pieces(text, places, form)

    assert text.startswith(passed)
    assert found or passed == text
    if carries_card(text, form):
        assert found


_FILLERS = ["a", "f", "x", "u", "\\", "%", "%4", " ", "\n", "&", "=", "1", "12 ", '"', "\\n", ".", "e9", "%c2", "\xc2",
            "+", "-", "\\u00", "DE89 ", "0171", "abcdef", "6"]  # fmt: skip
_FORM_GAPS = ["", " ", "-", " - ", "%20", "+", "%2D", "\u2011"]
_OTHER_GAPS = ["", " ", "-", " - ", "\\u0020", "\xa0"]


def _spelt(chance: random.Random, form: bool) -> str:
    """A card's number in one of the ways in which it could come."""
    number = chance.choice([*CARDS.values()])
    spelt = [(f"%3{digit}" if form else f"\\u003{digit}") if chance.random() < 0.1 else digit for digit in number]
    gap = chance.choice(_FORM_GAPS if form else _OTHER_GAPS)
    lengths = chance.choice([[19], [4, 4, 4, 4, 3], [4, 6, 9], [1] * 19])
    ends = [sum(lengths[:place]) for place in range(len(lengths) + 1)]
    return gap.join("".join(spelt[a:b]) for a, b in pairwise(ends) if spelt[a:b])


@pytest.mark.parametrize("seed", range(40))
def test_whatever_stands_around_it_no_cut_lets_anything_of_a_number_pass(seed):
    chance = random.Random(seed)
    tried = 0
    while tried < 25:
        form = chance.random() < 0.5
        before, behind = ("".join(chance.choices(_FILLERS, k=chance.randrange(60))).encode() for _ in range(2))
        before *= chance.choice([1, 1, 1, 8])
        text = before + _spelt(chance, form).encode() + behind
        if carries_card(before, form) or not carries_card(text, form) or carries_card(text[len(before) + 1 :], form):
            continue  # it begins before, is part of something else, or begins behind
        tried += 1
        cuts = sorted(chance.randrange(len(text)) for _ in range(chance.randrange(12)))

        found, passed = found_in_pieces(text, cuts, form)

        assert found
        assert before.startswith(passed)


def test_in_a_long_run_of_digits_nothing_waits_for_its_end():
    watch = CardWatch(form=False)

    passed = sum(len(watch.feed(b"7" * 1000)) for _ in range(100))

    assert passed >= 99_000 - 1024


def test_what_cannot_belong_to_a_number_is_not_held_back():
    assert CardWatch(form=False).feed(b'{"type": "ping"}\n') == b'{"type": "ping"}\n'


@pytest.mark.parametrize("before", [b"7", b"7 ", b"%37", b"\\u0037"])
@pytest.mark.parametrize("length", range(1000, 1060, 7))
def test_the_end_of_a_run_longer_than_what_is_held_is_no_number_of_its_own(before, length):
    text = before * (length // len(before)) + VISA.encode()
    glued = before != b"7 "  # a blank before the number makes it one

    found, _ = found_in_pieces(text + b"&", list(range(100, len(text), 100)), form=False)

    assert found is not glued


# --- effort -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unit",
    [b"4111 ", b"1234 ", b"4111111111111112 ", b"1          ", b"%34", b"%31%20", b"\\u0034", b"4-", b"4", b"abcdef",
     b"%", b"\\", b"3100 310031 31003 ", b"\xc2\xa0"],
)  # fmt: skip
def test_time_is_linear_in_whatever_somebody_sends(unit):
    def seconds(size):
        text, best = (unit * size)[:size], 9.0
        for _ in range(3):
            watch, start = CardWatch(form=False), process_time()
            for place in range(0, size, 16384):
                watch.feed(text[place : place + 16384])
            watch.end()
            best = min(best, process_time() - start)
        return best

    assert seconds(160_000) < max(30 * seconds(20_000), 0.05)
    assert seconds(160_000) < 0.5  # 0.3 MB a second on a slow and busy machine


def test_who_sends_number_after_number_to_keep_the_edge_busy_is_sent_away():
    assert carries_card(b"4111 1111 1111 1112 " * 1000)


# --- which bodies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain;charset=UTF-8",
     "application/json", "application/ld+json", "application/vnd.api+json", "image/svg+xml", "application/whatever"],
)  # fmt: skip
def test_bodies_that_may_be_text_are_looked_at(kind):
    assert is_text(kind)


@pytest.mark.parametrize("kind", ["image/png", "Video/MP4", "application/octet-stream", "application/pdf; v=1"])
def test_pictures_and_films_are_not(kind):
    assert not is_text(kind)


def test_a_blank_may_be_a_plus_in_forms_only():
    assert is_form("application/x-www-form-urlencoded; charset=utf-8")
    assert is_form("")
    assert not is_form("application/json")
    assert carries_card(b"4111+1111+1111+1111", form=True)
    assert not carries_card(b"4111+1111+1111+1111", form=False)
