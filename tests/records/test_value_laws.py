"""Laws of all cleaners: what is clean stays as it is, and nothing but Unclean is ever raised."""

from __future__ import annotations

from typing import Any

import phonenumbers
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cdp.records import settled
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

CLEANERS = [
    names.clean,
    emails.clean,
    dates.clean,
    countries.clean,
    genders.clean,
    languages.clean,
    identifiers.clean,
    consents.clean,
    money.clean,
    identifiers.exact,
    identifiers.site,
    money.clean_currency,
    text.clean,
    text.clean_lines,
    text.clean_key,
    addresses.clean_postal_code,
]
WRITTEN = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789.,-+/: ()€$ ", max_size=20),
    st.text(alphabet="abcABCßİéЖ文'’-. @,\u200d\u0301", max_size=30),
    st.dates().map(lambda day: day.strftime("%d.%m.%Y")),
)


def _or_reason(clean: Any, written: str) -> Any:
    try:
        return clean(written)
    except Unclean:
        return None


@pytest.mark.parametrize("clean", CLEANERS, ids=lambda clean: f"{clean.__module__.rpartition('.')[2]}.{clean.__name__}")
@given(written=WRITTEN)
@settings(max_examples=150, deadline=None)
def test_cleaning_twice_is_cleaning_once(clean: Any, written: str) -> None:
    once = _or_reason(clean, written)
    assert once is None or clean(once) == once


@given(written=WRITTEN)
@settings(max_examples=200, deadline=None)
def test_parsers_raise_nothing_else(written: str) -> None:
    for parse in (
        names.parse,
        address_lines.parse,
        address_lines.street_line,
        addresses.split_street,
        money.parse,
        times.clean,
        lambda number: phones.clean(number, "DE"),
    ):
        _or_reason(parse, written)


_SEPARATED = st.text(alphabet="0123456789 -/()", min_size=4, max_size=18)


@given(
    written=st.one_of(_SEPARATED, _SEPARATED.map(lambda number: f"+{number}")),
    country=st.sampled_from(["DE", "US", "GB", "FR", "ES", "IT", "AU", "RU", "CH"]),
)
@example(written="49301234567", country="DE")
@example(written="0039 06 6982", country="IT")
@example(written="8 916 123 45 67", country="RU")
@settings(max_examples=300, deadline=None)
def test_usual_phones_are_read_as_phonenumbers_reads_them(written: str, country: str) -> None:
    column = phones.usual_numbers(pa.array([written]), country)
    fast = None if column is None else column[0].as_py()
    if fast is not None:
        number = phonenumbers.parse(written, country)
        assert fast == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert phonenumbers.is_possible_number(number)
        assert phones.clean(written, country) == fast


@pytest.mark.parametrize(
    ("written", "country"), [("(212) 555-0100", "US"), ("+1 212 555 0100", "US"), ("030 1234567", "DE"), ("612345678", "ES")]
)
def test_usual_phones_are_read_as_a_column(written: str, country: str) -> None:
    column = phones.usual_numbers(pa.array([written, None, "no number"]), country)
    assert column is not None
    assert column.to_pylist() == [phones.clean(written, country), None, None]


def test_the_patterns_of_every_region_are_read() -> None:
    for country in phonenumbers.SUPPORTED_REGIONS:
        phones.usual_numbers(pa.array(["1234567"]), country)


@pytest.mark.parametrize("clean", list(settled.FORMS), ids=lambda clean: f"{clean.__module__.rpartition('.')[2]}.{clean.__name__}")
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_settled_text_is_its_own_standard_form(clean: Any, data: st.DataObject) -> None:
    form = settled.FORMS[clean]
    written = data.draw(st.one_of(st.from_regex(form.pattern.replace("^", r"\A").replace("$", r"\Z")), WRITTEN))
    (kept,) = settled.settled(pa.array([written]), clean).to_pylist()
    assert kept is None or clean(written) == written == kept


@given(
    number=st.integers(0, 9999),
    words=st.lists(st.sampled_from(["Main", "st", "APT", "Flatbush", "Top", "A", "Ste", "Stevens", "Straße", "Box", "5b"]), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_a_plain_street_is_divided_as_any_other(number: int, words: list[str]) -> None:
    for line in (" ".join([str(number), *words]), " ".join([*words, str(number)])):
        assert addresses.split_street(line) == addresses._divided(line)


@given(
    lines=st.lists(
        st.none()
        | st.from_regex(r"\A[0-9]{1,3}[a-zA-Z]? [A-Za-z]{2,8}( [A-Za-z]{1,5}){0,2}( (Apt|apt|APT) [0-9]{1,2})?\Z")
        | st.lists(st.sampled_from(["12", "5b", "Main", "St", "Apt", "4", "Straße", "suite", "Box"]), max_size=5).map(" ".join),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=200, deadline=None)
def test_a_column_of_streets_is_divided_as_each_of_its_lines(lines: list[str | None]) -> None:
    *parts, others = (column.to_pylist() for column in addresses.plain_lines(pa.array(lines, pa.string())))
    for line, divided, other in zip(lines, zip(*parts, strict=True), others, strict=True):
        assert (divided, other) == ((None, None, None), line) or (divided, other) == (addresses.split_street(line or ""), None)
