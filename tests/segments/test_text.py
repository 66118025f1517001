from __future__ import annotations

import pytest
from hypothesis import given, settings

from cdp.attributes import CircularDefinition, DefinitionError, UnknownName
from cdp.attributes.language.tree import Type
from cdp.segments import document
from cdp.segments.check import check
from cdp.segments.text import parse, write
from tests.segments.conditions import conditions

ATTRIBUTES = {"open_tickets": Type.NUMBER, "n": Type.NUMBER, "favourite": Type.TEXT, "agreed": Type.LIST, "last_order_at": Type.TIME}


@given(conditions)
@settings(max_examples=200, deadline=None)
def test_text_and_document_are_read_back_as_they_were_written(condition: object) -> None:
    assert parse(write(condition)) == condition
    assert document.read(document.write(condition)) == condition


def refused(text: str, place: str, reason: str) -> None:
    """The condition is refused at a place, with a reason."""
    with pytest.raises(DefinitionError) as caught:
        check(parse(text), ATTRIBUTES, {"vip": parse("everyone")})
    assert reason in caught.value.reason
    assert caught.value.place == place


@pytest.mark.parametrize(
    "text",
    [
        "orders.count in last 90 days >= 2 and open_tickets > 0 and consent(email)",
        'not (city = Berlin or email ends with "@example.org") and country in (DE, AT)',
        "tickets[status in (open, pending) and properties.team.name != blue].count in this quarter between 1 and 3",
        "sequence(page_views[name = pricing] then orders within 7 days without tickets then not returns within 2 days) in last 1 year",
        "household any (segment(vip) and random(0, 10)) or orders[amount > @n].sum(amount) since 2026-01-01 > 10.5",
        "birth_date anniversary within next 7 days and last_seen_at before last 3 weeks and gender is missing",
        "custom.tier contains any (gold, silver) or agreed contains all (email, sms) or last_order_at after next 1 day",
    ],
)
def test_the_normal_form_is_stable(text: str) -> None:
    condition = parse(text)
    check(condition, ATTRIBUTES, {"vip": parse("everyone")})
    assert write(condition) == text


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("city = ", "line 1, column 8", "a value expected"),
        ("city =\n  and x = 1", "line 2, column 3", "a value expected"),
        ("(city = a", "line 1, column 10", "`)` expected"),
        ("orders.count in last 5 >= 2", "line 1, column 24", "a unit"),
        ("city = a age = 3", "line 1, column 10", "`and`, `or` or the end"),
        ('city = "abc', "line 1, column 8", "never closed"),
        ("open_tickets > many", "line 1, column 1", "is a number and cannot be compared with the text"),
        ("favourite = 3", "line 1, column 1", "not comparable with 3"),
        ("favourite > b", "line 1, column 1", "does not compare"),
        ("opentickets > 1", "line 1, column 1", "did you mean open_tickets"),
        ("orders[colour = red].count > 1", "line 1, column 8", "no field of an event is called 'colour'"),
        ("orders[amount > cheap].count > 1", "line 1, column 8", "is a number"),
        ("orders.sum(status) > 1", "line 1, column 1", "takes a number"),
        ("orders.count > many", "line 1, column 16", "a number expected"),
        ("segment(vips)", "line 1, column 1", "did you mean vip"),
        ("last_order_at after yesterday", "line 1, column 1", "is no date"),
        ("birth_date = 12", "line 1, column 1", "is a date"),
        ("open_tickets > @favourite", "line 1, column 1", "only like compares with like"),
        ("random(10, 5)", "line 1, column 1", "from one percentage up"),
        ("sequence(orders then not returns)", "line 1, column 1", "needs a time"),
        ("did yoga", "line 1, column 5", "no kind of event"),
        ("(" * 60 + "everyone" + ")" * 60, "line 1, column 41", "nested more than"),
        ("not " * 60 + "everyone", "line 1, column 161", "nested more than"),
        ("consent(email) = maybe", "line 1, column 18", "granted, denied or unknown"),
        ("eval(1)", "line 1, column 1", "no condition is called"),
    ],
)
def test_what_cannot_be_decided_is_refused_where_it_stands(text: str, place: str, reason: str) -> None:
    refused(text, place, reason)


@pytest.mark.parametrize(
    ("hurried", "meant"),
    [
        ("city = Mu\u0308nchen", "city = M\u00fcnchen"),
        ("City = 'Bad Tölz'", 'city = "Bad Tölz"'),
        ("City IS „Köln“", "city = Köln"),
        ("city is not “Köln”", "city != Köln"),
        ("city <> Köln", "city != Köln"),
        ("custom.Tier == gold", "custom.Tier = gold"),
        ("open_tickets is between 1 and 2", "open_tickets between 1 and 2"),
        ("open_tickets ≥ 2 or open_tickets => 2", "open_tickets >= 2 or open_tickets >= 2"),
        ("favourite is not missing and favourite is not empty", "favourite exists and favourite exists"),
        ("favourite does not exist or favourite is null", "favourite is missing or favourite is missing"),
        ("Orders.Count >= 2 in the last 90 days", "orders.count in last 90 days >= 2"),
        ("orders[Value > 5].sum(Value) between 1 and 9 in this year", "orders[value > 5].sum(value) in this year between 1 and 9"),
        ("last_order_at in the last 30 days", "last_order_at within last 30 days"),
        ("last_order_at after 2026-10-01 09:30", 'last_order_at after "2026-10-01 09:30"'),
        ("birth_date < 1980 and last_order_at >= 2026-05", 'birth_date < 1980 and last_order_at >= "2026-05"'),
        ("segment(VIP) and open_tickets > @N", "segment(vip) and open_tickets > @n"),
    ],
)
def test_what_people_write_in_a_hurry_is_read_where_it_can_mean_one_thing_only(hurried: str, meant: str) -> None:
    condition = parse(hurried)
    check(condition, ATTRIBUTES, {"vip": parse("everyone")})
    assert write(condition) == meant
    assert parse(meant) == condition == document.read(document.write(condition))


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("city = New York", "line 1, column 12", "stands in double quotes"),
        ("email = a@example.org", "line 1, column 10", "stands in double quotes"),
        ("email ends with @example.org", "line 1, column 17", '"@example.org"'),
        ("city = Bern und city = Köln", "line 1, column 13", "write and"),
        ("city = Bern & city = Köln", "line 1, column 13", "write `and`"),
        ("city in Bern, Köln", "line 1, column 9", "such as (a, b)"),
        ("city = null", "line 1, column 8", "write is missing"),
        ("city like Bern", "line 1, column 6", "write contains"),
        ("postal_code = 01067", "line 1, column 15", 'write "01067"'),
        ("open_tickets > 1,000", "line 1, column 17", "no mark between its thousands"),
        ("open_tickets > 1'000", "line 1, column 16", "no mark between its thousands"),
        ("open_tickets > 1.000", "line 1, column 16", "write 1000, or 1"),
        ("open_tickets > 12345678901234567", "line 1, column 16", "at most 15 digits"),
        ("open_tickets > n", "line 1, column 1", "write @n"),
        ("open_tickets > 3 and < 5", "line 1, column 22", "name the field again"),
        ("open_tickets between 5 and 3", "line 1, column 1", "between 3 and 5"),
        ("orders.sum(value) > €100", "line 1, column 21", "currency = EUR"),
        ("orders.sum(value) > 100 EUR", "line 1, column 25", "has no unit"),
        ("orders.sum > 100", "line 1, column 12", "sum(value)"),
        ("orders > 2", "line 1, column 1", "orders.count"),
        ("orders.total > 2", "line 1, column 1", "there are average, count"),
        ("orders.count in past 90 days > 2", "line 1, column 14", "in last 90 days"),
        ("orders.count in last month > 2", "line 1, column 22", "previous month"),
        ("orders.count between 2026-07-01 and 2026-01-01 > 2", "line 1, column 14", "ends before it begins"),
        ("last_order_at within 30 days", "line 1, column 15", "within last 30 days"),
        ("last_order_at > 01.05.2026", "line 1, column 17", "2026-05-01"),
        ("last_order_at > 05/01/2026", "line 1, column 17", "year-month-day"),
        ("last_order_at after today", "line 1, column 1", "within last 1 day"),
        ("last_order_at within last 5000 years", "line 1, column 27", "at most 200 years"),
        ("last_order_at = 0001-01-01T00:00+05:00", "line 1, column 1", "is no date"),
        ('city = "a\0"', "line 1, column 8", "NUL"),
        ("consent email", "line 1, column 9", "write consent(email)"),
        ("everybody", "line 1, column 10", "write everyone"),
        ("household(any city = Bern)", "line 1, column 1", "household any (condition)"),
        ("never(orders)", "line 1, column 1", "write never orders"),
        ("funnel(orders then returns)", "line 1, column 1", "sequence("),
    ],
)
def test_what_can_mean_several_things_is_refused_with_how_it_is_written(text: str, place: str, hint: str) -> None:
    refused(text, place, hint)


def test_a_circle_of_segments_is_named() -> None:
    known = {"a": parse("segment(b)"), "b": parse("segment(c)"), "c": parse("everyone")}
    with pytest.raises(CircularDefinition, match="c → a → b → c"):
        check(parse("not segment(a)"), {}, known, "c")


def test_a_document_is_refused_at_its_pointer() -> None:
    with pytest.raises(DefinitionError) as caught:
        document.read({"and": [{"everyone": True}, {"field": "city", "operator": "resembles", "value": "x"}]})
    assert caught.value.place == "/and/1/operator"
    with pytest.raises(UnknownName):
        document.read({"events": {"kind": "yoga"}, "operator": "equals", "value": 1})
    with pytest.raises(DefinitionError):
        document.read({"everyone": True, "extra": 1})


@pytest.mark.parametrize(
    ("document_", "place", "reason"),
    [
        ({"field": "n", "operator": "more", "value": float("inf")}, "/value", "at most 15 digits"),
        ({"field": "n", "operator": "more", "value": float("nan")}, "/value", "at most 15 digits"),
        ({"field": "city", "operator": "equals", "value": "a\0"}, "/value", "NUL"),
        ({"field": "last_order_at", "operator": "within_last", "value": "10000 years"}, "/value", "at most 200 years"),
        ({"events": {"kind": "order"}, "operator": "at_least", "value": 1, "extra": 3}, "/", "'extra' was unexpected"),
        ({"events": {"kind": "order"}, "operator": "at_least", "value": 1, "measure": "sum"}, "/", "needs the member of"),
        ({"not": {"and": [{"everyone": True}, {"random": [0, True]}]}}, "/not/and/1/random/1", "not of type 'integer'"),
    ],
)
def test_a_document_is_told_what_is_wrong_with_it(document_: dict[str, object], place: str, reason: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        document.read(document_)
    assert (caught.value.place, reason in caught.value.reason) == (place, True), caught.value
