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
    with pytest.raises(DefinitionError) as caught:
        check(parse(text), ATTRIBUTES, {"vip": parse("everyone")})
    assert reason in caught.value.reason
    assert caught.value.place == place


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
