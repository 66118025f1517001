"""What must hold of people found, whoever the records are of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp.identity import Decision, Kind, Model, Options, Verdict, evaluate, explain, explain_pattern, resolve, train

from .people import crowd, r, t

UNLIKE = [
    "Aron Zima",
    "Bela Yates",
    "Cleo Xu",
    "Dora Weiss",
    "Emil Vogel",
    "Fred Unger",
    "Gina Toth",
    "Hans Sauer",
    "Ivan Rossi",
    "Jana Quist",
    "Kurt Paulus",
    "Lena Olsen",
]
"""Names that have nothing in common."""


def people(table: pa.Table, **more: object) -> set[frozenset[str]]:
    """The records of each person."""
    found = resolve(table, **more)
    keys = table["record_id"].to_pylist()
    groups: dict[int, set[str]] = {}
    for key, label in zip(keys, found.cluster.tolist(), strict=True):
        groups.setdefault(label, set()).add(key)
    return {frozenset(g) for g in groups.values()}


def together(table: pa.Table, a: str, b: str, **more: object) -> bool:
    return any({a, b} <= g for g in people(table, **more))


def test_two_records_of_one_person_are_found_without_labels() -> None:
    assert people(t(*crowd())) == {frozenset((f"a{i}", f"b{i}")) for i in range(60)}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(random) -> None:
    rows = crowd(30)
    before = people(t(*rows))
    random.shuffle(rows)
    assert people(t(*rows)) == before


def test_the_same_input_and_model_give_the_same_people_and_figures() -> None:
    table = t(*crowd(30))
    model = train(table)
    one, two = resolve(table, model), resolve(table, Model.from_document(model.to_document()))
    assert one.cluster.tolist() == two.cluster.tolist()
    assert np.allclose(one.confidence, two.confidence)


def test_a_decision_that_two_are_different_holds_whatever_the_evidence() -> None:
    table = t(*crowd(20))
    assert not together(table, "a3", "b3", decisions=[Decision(Verdict.DIFFERENT, "a3", "b3")])


def test_a_decision_that_two_are_the_same_holds_whatever_the_evidence() -> None:
    assert together(t(*crowd(20)), "a3", "b7", decisions=[Decision(Verdict.SAME, "a3", "b7")])


def test_of_contradicting_decisions_the_one_that_keeps_apart_holds_and_the_other_is_told() -> None:
    table = t(*crowd(10))
    decisions = [Decision(Verdict.SAME, "a1", "a2"), Decision(Verdict.SAME, "a2", "a3"), Decision(Verdict.DIFFERENT, "a1", "a3")]
    found = resolve(table, decisions=decisions)
    row = {k: i for i, k in enumerate(table["record_id"].to_pylist())}
    assert found.cluster[row["a1"]] != found.cluster[row["a3"]]
    assert len(found.unheeded) == 1


def test_a_source_free_of_duplicates_gives_a_person_one_record_at_most() -> None:
    rows = [*crowd(20), r("c3", "Clara Conti", "shop", birth_date="1942-03-03", email="clara.conti2@mail2.example")]
    found = resolve(t(*rows), options=Options(duplicate_free=frozenset({"shop"})))
    shop = [label for label, row in zip(found.cluster.tolist(), rows, strict=True) if row["source"] == "shop"]
    assert len(shop) == len(set(shop))


def test_organisations_and_people_never_are_one() -> None:
    same = {"email": "office@abel.example", "phone": "+49301234567", "street": "1 Linden Road", "postcode": "10000"}
    rows = [*crowd(10), r("p", "Anna Abel", **same), r("o", "", kind="organisation", organisation_name="Anna Abel", **same)]
    assert not together(t(*rows), "p", "o")


def test_two_people_of_one_household_stay_two() -> None:
    home = {"street": "99 Oak Lane", "postcode": "99999", "city": "Bville", "phone": "+49305550000"}
    rows = [*crowd(), r("m", "Martha Nolde", birth_date="1970-05-05", **home), r("n", "Peter Nolde", birth_date="1968-01-30", **home)]
    assert not together(t(*rows), "m", "n")


def test_father_and_son_of_one_name_stay_two() -> None:
    home = {"street": "99 Oak Lane", "postcode": "99999", "city": "Bville"}
    rows = [*crowd(), r("m", "Peter Nolde", suffix="Jr.", **home), r("n", "Peter Nolde", suffix="Sr", **home)]
    assert not together(t(*rows), "m", "n")


@pytest.mark.parametrize("other", ["Peg Nolde", "Nolde Margaret", "Margaret Nolda", "M Nolde", "Маргарет Нолде"])
def test_forms_of_a_name_do_not_keep_one_person_apart(other: str) -> None:
    facts = {"birth_date": "1970-05-05", "email": "nolde70@mail.example", "street": "99 Oak Lane", "postcode": "99999"}
    assert together(t(*crowd(), r("m", "Margaret Nolde", **facts), r("n", other, **facts)), "m", "n")


def test_a_value_that_many_unlike_people_hold_is_no_evidence() -> None:
    rows = crowd() + [r(f"h{i}", name, phone="+49300000000", email="none@none.example") for i, name in enumerate(UNLIKE)]
    found = people(t(*rows))
    assert all(frozenset({f"h{i}"}) in found for i in range(len(UNLIKE)))


def test_links_name_their_rows_evidence_and_pattern() -> None:
    found = resolve(t(*crowd(20)))
    link = found.links.to_pylist()[0]
    assert link["row_a"] < link["row_b"]
    assert 0.5 < link["probability"] <= 1
    explained = explain_pattern(found.model, link["pattern"])
    assert explained.evidence == pytest.approx(link["evidence"])
    assert explained.start + sum(p.evidence for p in explained.parts) == pytest.approx(explained.evidence)


def test_an_explanation_is_the_same_from_either_side() -> None:
    table = t(*crowd(20))
    model = train(table)
    assert explain(model, table, 4, 5) == explain(model, table, 5, 4)
    assert explain(model, table, 4, 5).most_likely == Kind.SAME


def test_confidence_is_a_probability_for_every_person() -> None:
    found = resolve(t(*crowd(20)))
    assert len(found.confidence) == found.cluster.max() + 1
    assert ((found.confidence > 0) & (found.confidence <= 1)).all()


def test_scores_of_a_known_partition() -> None:
    scores = evaluate(np.array([0, 0, 1, 1, 1]), ["x", "x", "y", "y", "z"])
    assert (scores.pairs.precision, scores.pairs.recall) == (0.5, 1.0)
    assert (scores.exact, scores.people, scores.largest) == (1, 3, 3)


HOME = {"street": "99 Oak Lane", "postcode": "99999", "city": "Bville"}


def test_a_decision_makes_a_person_certain() -> None:
    found = resolve(t(r(1), r(2)), decisions=[Decision(Verdict.SAME, "1", "2")])
    assert found.confidence.tolist() == [1.0]


def test_twins_at_one_address_stay_two() -> None:
    facts = {"birth_date": "1990-04-04", **HOME}
    rows = [*crowd(), r("m", "Martha Nolde", gender="F", **facts), r("n", "Peter Nolde", gender="M", **facts)]
    assert not together(t(*rows), "m", "n")


def test_father_and_son_of_one_name_stay_two_by_their_birth_dates() -> None:
    rows = [*crowd(), r("m", "Peter Nolde", birth_date="1951-05-05", **HOME), r("n", "Peter Nolde", birth_date="1984-11-30", **HOME)]
    assert not together(t(*rows), "m", "n")


def test_a_date_that_cannot_be_is_compared_as_it_was_written() -> None:
    slip = [{"field": "birth_date", "value": "1970-55-05", "reason": "impossible_date"}]
    common = [r(f"x{i}", "Ida Nolde", "shop", birth_date=f"19{40 + i}-0{1 + i % 9}-11") for i in range(30)]
    rows = [*crowd(), *common, r("m", "Ida Nolde", birth_date="1970-05-05"), r("n", "Ida Nolde", issues=slip), r("o", "Ida Nolde")]
    table = t(*rows)
    model = train(table)
    fits, silent = (explain(model, table, len(rows) - 3, row) for row in (len(rows) - 2, len(rows) - 1))
    assert next(p for p in fits.parts if p.field == "birth_date").level == "near"
    assert fits.evidence > silent.evidence


def test_one_name_in_the_place_of_the_other_is_seen_where_the_other_is_lost() -> None:
    table = t(*crowd(), r("m", "Gunhild Nolde", **HOME), r("n", "Xenia Gunhild", **HOME))
    given = next(p for p in explain(train(table), table, 120, 121).parts if p.field == "given_name")
    assert given.level == "swapped"


@pytest.mark.parametrize(
    ("other", "level"), [("user97@mail.example", "number"), ("usre77@mail.example", "near"), ("user77@post.example", "name")]
)
def test_numbers_in_mailboxes_are_told_from_slips(other: str, level: str) -> None:
    table = t(*crowd(), r("m", "Ida Nolde", email="user77@mail.example"), r("n", "Ida Nolde", email=other))
    assert next(p for p in explain(train(table), table, 120, 121).parts if p.field == "email").level == level


def test_neighbouring_phone_numbers_are_told_from_slips() -> None:
    rows = [r("m", "Ida Nolde", phone="+4930555123"), r("n", "Ida Nolde", phone="+4930555124"), r("o", "Ida Nolde", phone="+4930565123")]
    table = t(*crowd(), *rows)
    model = train(table)
    found = [next(p for p in explain(model, table, 120, row).parts if p.field == "phone").level for row in (121, 122)]
    assert found == ["next", "near"]


@pytest.mark.parametrize("contact", ["emails", "phones"])
def test_where_few_names_are_in_use_a_contact_point_tells_who_is_who(contact: str) -> None:
    names = ["Mohamed Ahmad", "Yusef Cohen", "Ann Lee", "Li Chen", "Eva Novak"]
    points = [f"u{n}x@x.example" if contact == "emails" else f"+4930{1234567 + 9137 * n}" for n in range(100)]
    rows = [r(f"{n}-{copy}", names[n % 5], **{contact: [points[n]]}) for copy in range(3) for n in range(100)]
    found = people(t(*rows))
    assert len(found) == 100
    assert {len({key.partition("-")[0] for key in one}) for one in found} == {1}


def test_birth_dates_alone_make_nobody_one_person() -> None:
    table = t(*(r(i, birth_date=f"19{10 + i % 90}-01-01") for i in range(300)))
    assert len(people(table)) == 300


def test_the_model_keeps_placeholders_for_records_that_come_alone() -> None:
    model = train(t(*crowd(), *(r(f"h{i}", name, email="none@none.example") for i, name in enumerate(UNLIKE))))
    model = Model.from_document(model.to_document())
    two = t(r("m", "Mia Nolde", email="none@none.example"), r("n", "Nils Mertens", email="none@none.example"))
    assert [hub.value for hub in model.known.hubs] == ["none@none.example"]
    assert not together(two, "m", "n", model=model)
    assert "email" not in {part.field for part in explain(model, two, 0, 1).parts}


def test_the_shares_of_facts_are_part_of_an_explanation() -> None:
    table = t(*crowd(20))
    model = train(table)
    one = explain(model, table, 0, 1)
    assert one.start + sum(part.evidence for part in one.parts) == pytest.approx(one.evidence)
