"""What must hold of people found, whoever the records are of."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdp.identity import Decision, Kind, Model, Options, Verdict, evaluate, explain, explain_pattern, resolve, train

from .people import crowd, r, t


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
    names = [
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
    rows = crowd() + [r(f"h{i}", name, phone="+49300000000", email="none@none.example") for i, name in enumerate(names)]
    found = people(t(*rows))
    assert all(frozenset({f"h{i}"}) in found for i in range(len(names)))


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
