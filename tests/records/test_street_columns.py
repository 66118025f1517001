"""A column of streets that holds whole addresses tells the place too, where no other column does; columns of their own win."""

from __future__ import annotations

from typing import Any

import pytest

from cdp.records import Defaults
from tests.records.test_batch import Rows, customers, one

MAPPED = {"street": "street", "city": "city", "postal_code": "zip", "country": "country"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"street": "Harbour House, 100 Quay Way, Las Vegas, NV 89111"},
            {
                "street": "Quay Way",
                "house_number": "100",
                "unit": "Harbour House",
                "postal_code": "89111",
                "city": "Las Vegas",
                "region": "NV",
            },
        ),
        (
            {"street": "100 Quay Way, Paradise", "city": "Las Vegas", "zip": "89111"},
            {"street": "Quay Way", "house_number": "100", "unit": "Paradise", "postal_code": "89111", "city": "Las Vegas"},
        ),
        (
            {"street": "100 Quay Way, Las Vegas", "zip": "89111"},
            {"street": "Quay Way", "house_number": "100", "postal_code": "89111", "city": "Las Vegas"},
        ),
        (
            {"street": "Marktplatz 1, 1010 Wien", "country": "AT"},
            {"street": "Marktplatz", "house_number": "1", "postal_code": "1010", "city": "Wien"},
        ),
    ],
)
def test_a_street_column_with_whole_addresses(row: dict[str, str], expected: dict[str, Any]) -> None:
    rows: Rows = [dict.fromkeys(("street", "city", "zip", "country")) | {"id": "1"} | row]
    (address,) = one(customers(rows, Defaults(country="US"), addresses=MAPPED))["addresses"]
    assert {name: value for name, value in address.items() if name != "country" and value is not None} == expected


def test_a_country_that_a_row_says_is_an_address_and_the_default_is_none() -> None:
    rows: Rows = [dict.fromkeys(("street", "city", "zip", "country")) | {"id": "1"}]
    assert "addresses" not in one(customers(rows, Defaults(country="US"), addresses=MAPPED))
    (address,) = one(customers([rows[0] | {"country": "Austria"}], Defaults(country="US"), addresses=MAPPED))["addresses"]
    assert {name: value for name, value in address.items() if value is not None} == {"country": "AT"}
