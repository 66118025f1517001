"""Known answers, one table for each kind of value."""

from __future__ import annotations

from typing import Any

import pytest

from cdp.records.values import (
    Unclean,
    address_lines,
    addresses,
    consents,
    countries,
    dates,
    emails,
    genders,
    identifiers,
    languages,
    money,
    names,
    phones,
    text,
    times,
)
from cdp.records.values.vocabulary import CHANNEL, INTERACTION_KIND

NAMES = {
    "Dr. Anna-Lena von der Heide": ("Dr.", "Anna-Lena", None, "von der Heide", None, None),
    "García López, María José": (None, "María", "José", "García López", None, None),
    "SMITH, JOHN JR": (None, "John", None, "Smith", "Jr", None),
    "John Smith, Jr.": (None, "John", None, "Smith", "Jr.", None),
    "Smith, Jr., John": (None, "John", None, "Smith", "Jr.", None),
    "Mr. John Q. Public III": ("Mr.", "John", "Q.", "Public", "III", None),
    "maria de la cruz": (None, "Maria", None, "de la Cruz", None, None),
    "MCDONALD, RONALD": (None, "Ronald", None, "McDonald", None, None),
    "van der Berg, Jan": (None, "Jan", None, "van der Berg", None, None),
    "Prof. Dr. med. Hans Müller": ("Prof. Dr. med.", "Hans", None, "Müller", None, None),
    "Иванова Мария Петровна": (None, "Мария", "Петровна", "Иванова", None, None),
    'John "Jack" Smith': (None, "John", None, "Smith", None, "Jack"),
    "Madonna": (None, "Madonna", None, None, None, None),
    "Herr Schmidt": ("Herr", None, None, "Schmidt", None, None),
    "Kim Ma": (None, "Kim", None, "Ma", None, None),
    "thomas clifford, 1st baron clifford": (None, "Thomas", None, "Clifford", "1st Baron Clifford", None),
    "李小龙": (None, "李小龙", None, None, None, None),
}


@pytest.mark.parametrize(("written", "parts"), NAMES.items())
def test_full_name(written: str, parts: tuple[str | None, ...]) -> None:
    assert names.parse(written) == parts


def test_two_family_names_where_people_have_them() -> None:
    name = names.parse("María José Pérez García", two_family_names=True)
    assert name is not None
    assert (name.given, name.middle, name.family) == ("María", "José", "Pérez García")


def test_family_name_first_where_the_mapping_says_so() -> None:
    name = names.parse("O'BRIEN PATRICK", family_first=True)
    assert name is not None
    assert (name.given, name.family) == ("Patrick", "O'Brien")


CLEAN: list[tuple[Any, dict[str, Any], str, Any]] = [
    (names.clean, {}, "ANNA-LENA", "Anna-Lena"),
    (names.clean, {}, "deVries", "deVries"),
    (names.clean, {}, "JP", "JP"),
    (names.clean, {}, "null", "Null"),
    (names.clean, {}, " n/a ", None),
    (emails.clean, {}, " A@B.de ", "a@b.de"),
    (emails.clean, {}, "Max <max@x.com>", "max@x.com"),
    (emails.clean, {}, "mailto:x@y.org", "x@y.org"),
    (emails.clean, {}, "ü@bücher.de", "ü@bücher.de"),
    (emails.clean, {}, "none", None),
    (emails.clean, {}, "nobody", "!invalid_email"),
    (emails.clean, {}, "x..y@z.de", "!invalid_email"),
    (phones.clean, {"country": "DE"}, "030 1234567", "+49301234567"),
    (phones.clean, {"country": "DE"}, "+49 (0)30 1234567", "+49301234567"),
    (phones.clean, {"country": "DE"}, "0049 30 1234567", "+49301234567"),
    (phones.clean, {"country": "DE"}, "1712345678.0", "+491712345678"),
    (phones.clean, {"country": "DE"}, "030-1234567 ext. 12", "+49301234567"),
    (phones.clean, {"country": "US"}, "(702) 919-1300", "+17029191300"),
    (phones.clean, {"country": "US"}, "011 44 20 7946 0958", "+442079460958"),
    (phones.clean, {"country": "IT"}, "06 6982 1234", "+390669821234"),
    (phones.clean, {"country": "DE"}, "123", "!invalid_phone"),
    (phones.clean, {"country": "DE"}, "0000000000", None),
    (phones.clean, {}, "702-919-1300", "!phone_without_country"),
    (dates.clean, {}, "1980-02-29", "1980-02-29"),
    (dates.clean, {}, "1981-02-29", "!impossible_date"),
    (dates.clean, {}, "31.02.2000", "!impossible_date"),
    (dates.clean, {}, "1.3.1980", "1980-03-01"),
    (dates.clean, {}, "12/11/1978", "1978-12-11"),
    (dates.clean, {"day_first": True}, "12/11/1978", "1978-11-12"),
    (dates.clean, {"day_first": True}, "11/25/1978", "1978-11-25"),
    (dates.clean, {"format": "%d-%m-%y"}, "01-03-80", "1980-03-01"),
    (dates.clean, {}, "19560409", "1956-04-09"),
    (dates.clean, {}, "29221", "1980-01-01"),
    (dates.clean, {}, "1980", "1980"),
    (dates.clean, {}, "05/1980", "1980-05"),
    (dates.clean, {}, "1980-00-00", "1980"),
    (dates.clean, {}, "0000-00-00", None),
    (dates.clean, {}, "12. März 1980", "1980-03-12"),
    (dates.clean, {}, "12 de marzo de 1980", "1980-03-12"),
    (dates.clean, {}, "12 марта 1980 г.", "1980-03-12"),
    (dates.clean, {}, "3 février 1992", "1992-02-03"),
    (dates.clean, {}, "yesterday", "!unknown_date"),
    (times.clean, {}, "2024-01-02T03:04:05Z", 1704164645000000),
    (times.clean, {}, "2024-01-02 03:04:05+02:00", 1704157445000000),
    (times.clean, {"timezone": "Europe/Berlin"}, "2024-01-02", 1704150000000000),
    (times.clean, {"timezone": "Europe/Berlin"}, "02.01.2024 um 10:00 Uhr", 1704186000000000),
    (times.clean, {}, "1/2/2024 3:04 PM", 1704207840000000),
    (times.clean, {}, "1704164645", 1704164645000000),
    (times.clean, {}, "1704164645123", 1704164645123000),
    (times.clean, {}, "45293.5", 1704196800000000),
    (times.clean, {}, "31.02.2024 10:00", "!impossible_date"),
    (countries.clean, {}, "Österreich", "AT"),
    (countries.clean, {}, "Estados Unidos", "US"),
    (countries.clean, {}, "Россия", "RU"),
    (countries.clean, {}, "GBR", "GB"),
    (countries.clean, {}, "UK", "GB"),
    (countries.clean, {}, "Atlantis", "!unknown_country"),
    (money.clean, {}, "1.234,56 €", "1234.56"),
    (money.clean, {}, "($5.00)", "-5.00"),
    (money.clean, {}, "CHF 1'000.-", "1000"),
    (money.clean, {}, "1,234", "1234"),
    (money.clean, {}, "0,999", "0.999"),
    (money.clean, {}, "1.000.000", "1000000"),
    (money.clean, {}, "-0.00", "0.00"),
    (money.clean, {}, "12 apples", "!invalid_amount"),
    (money.clean_currency, {}, "€", "EUR"),
    (genders.clean, {}, "Frau", "female"),
    (genders.clean, {}, "2", "female"),
    (genders.clean, {}, "prefer not to say", None),
    (genders.clean, {}, "bla", "!unknown_gender"),
    (languages.clean, {}, "de_AT", "de-AT"),
    (languages.clean, {}, "zh-hans-cn", "zh-Hans-CN"),
    (languages.clean, {}, "Französisch", "fr"),
    (languages.clean, {}, "Klingonish", "!unknown_language"),
    (identifiers.clean, {}, "12-34.5", "12345"),
    (identifiers.clean, {}, "123.0", "123"),
    (identifiers.clean, {}, "007", "007"),
    (identifiers.exact, {}, " u-1 ", "u-1"),
    (identifiers.exact, {}, "003D000000Aa", "003D000000Aa"),
    (identifiers.exact, {}, "null", None),
    (identifiers.site, {}, "https://www.Acme.example/", "acme.example"),
    (consents.clean, {}, "Ja", "granted"),
    (consents.clean, {}, "0", "denied"),
    (consents.clean, {}, "maybe", "!unknown_consent"),
    (consents.clean, {"granted": frozenset({"a"}), "denied": frozenset({"b"})}, "ja", "!unknown_consent"),
    (addresses.clean_postal_code, {"country": "GB"}, "sw1a1aa", "SW1A 1AA"),
    (addresses.clean_postal_code, {"country": "DE"}, "1067", "01067"),
    (text.fold, {}, "a\u200bb", "ab"),
    (text.fold, {}, "👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
    (text.fold, {}, "e\u0301", "é"),
    (text.fold, {}, "שלום\u200f", "שלום"),
    (text.fold, {}, "می\u200cخواهم", "می\u200cخواهم"),
    (text.fold, {}, "  a \t\u00a0 b ", "a b"),
    (INTERACTION_KIND.clean, {}, "Page View", "page_view"),
    (INTERACTION_KIND.clean, {}, "dance", "!unknown_kind"),
    (CHANNEL.clean, {}, "store", "in_person"),
]


@pytest.mark.parametrize(("clean", "hints", "written", "expected"), CLEAN)
def test_clean(clean: Any, hints: dict[str, Any], written: str, expected: Any) -> None:
    if isinstance(expected, str) and expected.startswith("!"):
        with pytest.raises(Unclean, match=expected[1:]):
            clean(written, **hints)
    else:
        assert clean(written, **hints) == expected


def test_extension_is_kept_aside() -> None:
    assert phones.parse("030-1234567 ext. 12", "DE") == ("+49301234567", "12")


STREETS = {
    "12b Main St Apt 4": ("Main St", "12b", "Apt 4"),
    "Hauptstraße 12 b": ("Hauptstraße", "12b", None),
    "Calle Mayor, 5": ("Calle Mayor", "5", None),
    "Flat 3, 10 High Street": ("High Street", "10", "Flat 3"),
    "Straße des 17. Juni 135": ("Straße des 17. Juni", "135", None),
    "350 5th Avenue": ("5th Avenue", "350", None),
    "Rua das Flores, nº 12, apto 3": ("Rua das Flores", "12", "apto 3"),
    "ул. Ленина, д. 5": ("ул. Ленина", "5", None),
    "PO Box 123": ("PO Box 123", None, None),
    "12, rue de la Paix": ("rue de la Paix", "12", None),
    "1 1/2 Elm St": ("Elm St", "1 1/2", None),
    "5th Avenue": ("5th Avenue", None, None),
    "1420 Avenida Florida": ("Avenida Florida", "1420", None),
    "77 Ocean Flatbush": ("Ocean Flatbush", "77", None),
    "200 Main Ste B-4": ("Main", "200", "Ste B-4"),
    "6371 E Foothill Dr": ("E Foothill Dr", "6371", None),
    "200 Main #12": ("Main", "200", "#12"),
}


@pytest.mark.parametrize(("written", "parts"), STREETS.items())
def test_street_line(written: str, parts: tuple[str | None, ...]) -> None:
    assert addresses.split_street(written) == parts


ADDRESSES = {
    "123 Main Street, Las Vegas NV 89132": ("Main Street", "123", None, "89132", "Las Vegas", "NV", None),
    "1515 Adela Ln, Las Vegas, NV, 89111, USA": ("Adela Ln", "1515", None, "89111", "Las Vegas", "NV", "US"),
    "Hauptstr. 12b, 10115 Berlin": ("Hauptstr.", "12b", None, "10115", "Berlin", None, None),
    "10 Downing Street, London SW1A 2AA": ("Downing Street", "10", None, "SW1A 2AA", "London", None, None),
    "12 rue de la Paix\n75002 Paris\nFrance": ("rue de la Paix", "12", None, "75002", "Paris", None, "FR"),
    "Rua Augusta 1500, São Paulo, SP, 01304-001, Brasil": ("Rua Augusta", "1500", None, "01304-001", "São Paulo", "SP", "BR"),
    "Berlin": (None, None, None, None, "Berlin", None, None),
    "Flat 2, 14 Rose Lane, Norwich NR21 0HX": ("Rose Lane", "14", "Flat 2", "NR21 0HX", "Norwich", None, None),
    "Harbour House, 100 Quay Way, Las Vegas, NV 89111": ("Quay Way", "100", "Harbour House", "89111", "Las Vegas", "NV", None),
    "Suite 900, 1450 N Oak Rd": ("N Oak Rd", "1450", "Suite 900", None, None, None, None),
    "3 Mill Road, Loughborough, Leicestershire, United Kingdom, LE11 1UU": (
        "Mill Road",
        "3",
        None,
        "LE11 1UU",
        "Loughborough",
        "Leicestershire",
        "GB",
    ),
    "12 Main St, Springfield, Ohio 44444, USA": ("Main St", "12", None, "44444", "Springfield", "Ohio", "US"),
    "77 W. 32nd St Palm Harbor, FL 60527": ("W. 32nd St", "77", None, "60527", "Palm Harbor", "FL", None),
    "10000 Quay Way, Las Vegas, NV": ("Quay Way", "10000", None, None, "Las Vegas", "NV", None),
    "PO Box 12987": ("PO Box 12987", None, None, None, None, None, None),
    "Musterweg 3 a\nD-80331 München": ("Musterweg", "3a", None, "80331", "München", None, None),
    "ул. Ленина, д. 5, кв. 12, Москва, 119019": ("ул. Ленина", "5", "кв. 12", "119019", "Москва", None, None),
    "Las Vegas, NV 89111": (None, None, None, "89111", "Las Vegas", "NV", None),
}


@pytest.mark.parametrize(("written", "parts"), ADDRESSES.items())
def test_address_line(written: str, parts: tuple[str | None, ...]) -> None:
    assert address_lines.parse(written) == parts
