"""The three rules that buyers know, with the worked example of their documentation, and conditions on matching."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cdp.identity import Decision, Options, Verdict, resolve
from cdp.identity.rules import Held, Identifier, Limit, Rules, RulesError

from .people import crowd, r, t

NOW = datetime(2026, 1, 31, tzinfo=UTC)
JANE = Identifier("email", "jane@example.com")
FIRST, SECOND = Identifier("user_id", "abc123"), Identifier("user_id", "abc456")


def test_two_user_ids_break_the_limit_so_the_email_is_demoted_and_the_event_makes_a_new_profile() -> None:
    holders, held = {FIRST: "p1", JANE: "p1"}, {"p1": [Held(FIRST, NOW), Held(JANE, NOW)]}
    found = Rules().match([SECOND, JANE], holders, held, NOW)
    assert found.profiles == ()
    assert found.used == (SECOND,)
    assert found.dropped == ((JANE, "limit of user_id"),)


def test_all_identifiers_of_one_profile_lead_to_it() -> None:
    assert Rules().match([FIRST, JANE], {FIRST: "p1", JANE: "p1"}, {"p1": [Held(FIRST, NOW), Held(JANE, NOW)]}, NOW).profiles == ("p1",)


def test_identifiers_of_two_profiles_merge_them() -> None:
    phone = Identifier("phone", "+4930123456")
    held = {"p1": [Held(JANE, NOW)], "p2": [Held(phone, NOW)]}
    assert Rules().match([phone, JANE], {JANE: "p1", phone: "p2"}, held, NOW).profiles == ("p1", "p2")


@pytest.mark.parametrize("value", ["0000", "0-0", "-1", "null", "Anonymous"])
def test_a_blocked_value_identifies_nobody(value: str) -> None:
    worthless = Identifier("user_id", value)
    found = Rules().match([worthless], {worthless: "p1"}, {"p1": [Held(worthless, NOW)]}, NOW)
    assert (found.profiles, found.dropped) == ((), ((worthless, "blocked"),))


def test_a_limit_counts_only_what_its_period_saw() -> None:
    rules = Rules(limits={"email": Limit(1, "weekly")})
    other = Identifier("email", "other@example.com")
    phone = Identifier("phone", "+4930123456")
    for days, expected in ((30, ("p1",)), (2, ())):
        held = {"p1": [Held(other, NOW - timedelta(days=days)), Held(phone, NOW)]}
        assert rules.match([JANE, phone], {phone: "p1"}, held, NOW).profiles == expected


def test_records_that_differ_in_what_must_not_match_stay_apart() -> None:
    facts = {"birth_date": "1970-05-05", "email": "nolde@mail.example"}
    ids = [[{"type": "passport", "value": value}] for value in ("AA111222", "ZZ987654")]
    table = t(*crowd(), r("m", "Ida Nolde", identifiers=ids[0], **facts), r("n", "Ida Nolde", identifiers=ids[1], **facts))
    rules = Rules(must_not_match=("passport",))
    assert resolve(table).cluster[-1] == resolve(table).cluster[-2]
    found = resolve(table, options=Options(rules=rules))
    assert found.cluster[-1] != found.cluster[-2]


def test_records_that_agree_in_what_must_match_are_one_unless_a_person_says_no() -> None:
    ids = [{"type": "passport", "value": "AA111222"}]
    table = t(*crowd(), r("m", "Ida Nolde", identifiers=ids), r("n", "Otto Berg", identifiers=ids))
    rules = Options(rules=Rules(must_match=(("passport",),)))
    one = resolve(table, options=rules)
    assert one.cluster[-1] == one.cluster[-2]
    two = resolve(table, options=rules, decisions=[Decision(Verdict.DIFFERENT, "m", "n")])
    assert two.cluster[-1] != two.cluster[-2]


def customer(key: str, user: str, name: str = "Jane Roe", **more: object) -> dict[str, object]:
    return r(key, name, identifiers=[{"type": "user_id", "value": user}], **more)


def test_records_whose_user_ids_break_the_limit_are_two_people_though_they_share_an_email() -> None:
    mail = {"email": "jane@example.com", "birth_date": "1990-01-01"}
    table = t(*crowd(), customer("m", "abc123", **mail), customer("n", "abc456", **mail))
    assert resolve(table).cluster[-1] == resolve(table).cluster[-2]
    found = resolve(table, options=Options(rules=Rules()))
    assert found.cluster[-1] != found.cluster[-2]


def test_a_limit_leaves_those_alone_who_keep_within_it() -> None:
    mail = {"email": "jane@example.com", "birth_date": "1990-01-01"}
    table = t(*crowd(), customer("m", "abc123", **mail), customer("n", "abc123", phone="+49301234567", **mail))
    assert resolve(table, options=Options(rules=Rules())).cluster.tolist() == resolve(table).cluster.tolist()


def test_a_decision_overrules_a_limit() -> None:
    table = t(*crowd(), customer("m", "abc123"), customer("n", "abc456"))
    found = resolve(table, options=Options(rules=Rules()), decisions=[Decision(Verdict.SAME, "m", "n")])
    assert found.cluster[-1] == found.cluster[-2]


def test_a_blocked_value_is_no_evidence_in_resolution() -> None:
    table = t(*crowd(), r("m", "", email="shared@shop.example"), r("n", "", email="shared@shop.example"))
    assert resolve(table).cluster[-1] == resolve(table).cluster[-2]
    found = resolve(table, options=Options(rules=Rules(blocked={"email": ("shared@.*",)})))
    assert found.cluster[-1] != found.cluster[-2]


def test_a_file_of_rules_is_checked_and_its_place_named() -> None:
    assert Rules.load({"version": 1, "limits": {"email": {"most": 3, "period": "annually"}}}).limit("email") == Limit(3, "annually")
    with pytest.raises(RulesError, match="limits/email/period"):
        Rules.load({"version": 1, "limits": {"email": {"most": 3, "period": "daily"}}})
