"""How values are written on pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.templating import address_line, ago, initials, label, money, percent, soft, text_of


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (
            {"street": "Lindenweg", "house_number": "12", "postal_code": "10999", "city": "Berlin", "country": "DE"},
            "Lindenweg 12, 10999 Berlin, DE",
        ),
        (
            {
                "street": "Oak St",
                "house_number": "7",
                "unit": "4B",
                "postal_code": "97271",
                "city": "Portland",
                "region": "OR",
                "country": "US",
            },
            "7 Oak St 4B, Portland, OR 97271, US",
        ),
        ({"country": "FR"}, "FR"),
        ({}, ""),
    ],
)
def test_address_is_written_as_its_country_does(address: dict[str, str], line: str) -> None:
    assert address_line(address) == line


@pytest.mark.parametrize(("value", "text"), [(1, "100 %"), (0.99999, "> 99.9 %"), (0.9, "90 %"), (0.123, "12.3 %"), (None, "–")])
def test_probability_is_never_rounded_up_to_certainty(value: float | None, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5 s ago"), (90, "1 min ago"), (3 * 3600, "3 h ago"), (26 * 3600, "1 d ago"), (47 * 3600, "1 d ago")]
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert text in ago(datetime.now(UTC) - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (True, "yes"), (["a", "b"], "a, b"), ({"given_name": "A", "x": None}, "Given name A"), (1.5, "1.5")]
)
def test_any_value_is_one_line(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_names_money_and_initials() -> None:
    assert [label("given_name"), label("attributes.vat_id"), label("emails")] == ["Given name", "VAT ID", "E-mail"]
    assert [money("1234.5", "EUR"), money("n/a")] == ["1,234.50 EUR", "n/a"]
    assert [initials("Anna Maria Berg"), initials("Berg"), initials(None), initials("")] == ["AB", "B", "?", "?"]


def test_soft_line_stays_escaped() -> None:
    assert soft("<b>@x") == "&lt;b&gt;<wbr>@x"
