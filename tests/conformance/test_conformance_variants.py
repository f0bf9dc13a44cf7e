"""The spellings of payment pages: many, the same for a seed, and none past the rules. REQUIREMENTS, 24 and 30."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.conformance.boundary import Sample, through_the_rules
from tests.conformance.variants import is_common, names_payment, python_reads, variants


def test_the_same_seed_gives_the_same_variants_and_each_once():
    first, second = (list(islice(variants(7), 2000)) for _ in range(2))

    assert first == second
    assert len(set(first)) == 2000


def test_no_variant_comes_to_the_cms_that_anybody_takes_for_a_payment_page():
    landed = through_the_rules(seed=1, count=5_000)

    assert landed.bypasses == []
    assert min(landed.where["cms"], landed.where["commerce"]) > 20


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/checkout/", "/checkout"),
        ("/x/%2e%2e/checkout?a", "/checkout"),
        ("/x%2f..%2fcheckout", "/checkout"),
        ("//checkout", "/checkout"),
        ("/%2563heckout", "/%63heckout"),
    ],
)
def test_a_path_is_read_as_pythons_own_server_reads_it(target, path):
    assert python_reads(target) == path


@pytest.mark.parametrize(
    ("path", "common"),
    [("/CHECKOUT", True), ("/%2563heckout", True), ("/x;/../checkout", True), ("/x\\..\\basket", True),
     ("/check%C2%ADout", False), ("/checkout.", False), ("/checkouts", False)],
)  # fmt: skip
def test_what_takes_no_unicode_and_no_file_system_is_common(path, common):
    assert is_common(path) is common


def test_a_payment_page_at_the_cms_is_counted_by_who_reads_it():
    found = Sample()

    found.take(b"/x", b"HTTP/1.1 200 OK\r\n\r\ncms\n//basket\n/basket\n")
    found.take(b"/x", b"HTTP/1.1 200 OK\r\n\r\ncms\n/x%2f..%2fbasket\n/x%2f..%2fbasket\n")
    found.take(b"/x", b"HTTP/1.1 200 OK\r\n\r\ncms\n/basket%C2%AD\n/basket\xc2\xad\n")
    found.take(b"/x", b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")

    assert (found.tried, found.where["cms"], found.where["refused"]) == (4, 3, 1)
    assert (len(found.by_cms), len(found.by_python), len(found.by_anybody)) == (1, 2, 3)
    assert names_payment("/Basket/add")
