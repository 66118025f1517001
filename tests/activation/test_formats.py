"""Each format has the headers its platform names, hashes what it wants hashed, and says which rows would fail."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cdp.activation.formats import FIELDS, FORMATS, warnings
from cdp.activation.values import md5, sha1, sha256

ANNA = {
    "profile_id": "p1",
    "given_name": "Anna",
    "family_name": "Schmidt",
    "birth_date": "1980-03-14",
    "gender": "female",
    "email_1": "anna.s@gmail.com",
    "phone_1": "+18005550100",
    "street": "Main Street",
    "house_number": "12",
    "postal_code": "94105-1234",
    "city": "San Francisco",
    "region": "CA",
    "country": "US",
}


def rows(name: str, *people: dict[str, str], **options: Any) -> tuple[list[list[tuple[str, str]]], list[str | None]]:
    """What each person's row carries (header, value), nulls left out, and the problems."""
    table = pa.table({field: pa.array([person.get(field) for person in people], pa.string()) for field in FIELDS})
    made = FORMATS[name].make(table, options)
    values = [column.to_pylist() for _, column in made.columns]
    headers = [header for header, _ in made.columns]
    found = [
        [(header, column[n]) for header, column in zip(headers, values, strict=True) if column[n] is not None] for n in range(len(people))
    ]
    return found, made.problem.to_pylist()


def test_google_hashes_names_and_leaves_country_and_zip() -> None:
    (row,), problems = rows("google_ads", ANNA)
    assert dict(row) == {
        "Email": sha256("annas@gmail.com"),
        "First Name": sha256("anna"),
        "Last Name": sha256("schmidt"),
        "Country": "US",
        "Zip": "94105-1234",
        "Phone": sha256("+18005550100"),
    }
    assert problems == [None]


def test_google_wants_a_whole_address_or_none() -> None:
    without_zip = {name: value for name, value in ANNA.items() if name != "postal_code"}
    (row,), _ = rows("google_ads", without_zip)
    assert [header for header, _ in row] == ["Email", "Phone"]


def test_plain_phones_for_upload_begin_with_a_digit() -> None:
    (google,), _ = rows("google_ads", ANNA, hash=False)
    (meta,), _ = rows("meta", ANNA, hash=False)
    assert dict(google)["Phone"] == dict(meta)["phone"] == "18005550100"


def test_meta_hashes_country_and_zip_too() -> None:
    (row,), _ = rows("meta", ANNA)
    assert dict(row) == {
        "email": sha256("anna.s@gmail.com"),
        "phone": sha256("18005550100"),
        "fn": sha256("anna"),
        "ln": sha256("schmidt"),
        "ct": sha256("sanfrancisco"),
        "st": sha256("ca"),
        "zip": sha256("94105"),
        "country": sha256("us"),
        "doby": sha256("1980"),
        "dobm": sha256("03"),
        "dobd": sha256("14"),
        "gen": sha256("f"),
        "extern_id": "p1",
    }


def test_liveramp_plain_and_hashed() -> None:
    (plain,), _ = rows("liveramp", ANNA)
    assert dict(plain)["ZIP"] == "941051234"
    assert dict(plain)["PHONE1"] == "8005550100"
    assert dict(plain)["ADDRESS1"] == "12 Main Street"
    (hashed,), _ = rows("liveramp", ANNA, hash=True)
    assert dict(hashed)["EMAIL1_SHA-256"] == sha256("anna.s@gmail.com")
    assert dict(hashed)["EMAIL1_MD5"] == md5("anna.s@gmail.com")
    assert dict(hashed)["PHONE1_SHA-1"] == sha1("8005550100")
    assert dict(hashed)["FIRSTNAME"] == "Anna"


def test_liveramp_gets_no_hashed_phone_of_europeans() -> None:
    (row,), _ = rows("liveramp", ANNA | {"country": "DE"}, hash=True)
    assert "PHONE1_SHA-1" not in dict(row)
    (row,), _ = rows("liveramp", ANNA | {"country": "US", "phone_1": "+493023125123", "region": "California"}, hash=True)
    assert "PHONE1_SHA-1" not in dict(row)
    assert dict(row)["STATE"] == "CA"


def test_mailchimp_address_in_one_cell() -> None:
    (row,), _ = rows("mailchimp", ANNA)
    assert dict(row)["Address"] == "12 Main Street  San Francisco  CA  94105  US"
    assert dict(row)["Birthday"] == "03/14"


def test_german_streets_have_their_number_behind() -> None:
    (row,), _ = rows("hubspot", ANNA | {"country": "DE", "street": "Gartenstraße"})
    assert dict(row)["Street Address"] == "Gartenstraße 12"


@pytest.mark.parametrize(
    ("name", "person", "reason"),
    [
        ("google_ads", {"given_name": "A"}, "no e-mail, phone or complete address to match by"),
        ("meta", {"given_name": "A", "postal_code": "1", "country": "US"}, "no e-mail or phone to match by"),
        ("mailchimp", {"phone_1": "+18005550100"}, "no e-mail address"),
        ("mailchimp", {"email_1": "jürgen@example.org"}, "an e-mail address that Mailchimp refuses"),
        ("hubspot", {"given_name": "A"}, "no e-mail address: HubSpot could not find the contact again"),
    ],
)
def test_rows_that_would_fail_say_why(name: str, person: dict[str, str], reason: str) -> None:
    assert rows(name, person, ANNA)[1] == [reason, None]


def test_chosen_fields_and_required_ones() -> None:
    found, problems = rows("fields", ANNA, {"profile_id": "p2"}, fields=["city"], required=["city"])
    assert found == [[("profile_id", "p1"), ("city", "San Francisco")], [("profile_id", "p2")]]
    assert problems == [None, "no city"]


def test_meta_is_warned_of_names_that_suggest_health() -> None:
    assert "health or finances" in warnings("meta", "diabetes_newsletter", 1000)[0]
    assert warnings("meta", "lapsed buyers", 1000) == []
