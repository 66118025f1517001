"""A mapping is checked as a whole when it is loaded, and its errors name the place."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdp.records import Mapping, MappingError, map_batch
from cdp.records.mapping import Value

CUSTOMER = {"source_key": "id", "emails": ["email", "email2"]}


def test_a_file_without_streams_maps_every_stream_alike() -> None:
    mapping = Mapping.load({"customer": CUSTOMER})
    assert mapping.stream("people").customer == mapping.stream("shops").customer
    assert mapping.stream("people").name == "people"


def test_a_file_with_streams_maps_no_other() -> None:
    mapping = Mapping.load({"streams": {"people": {"customer": CUSTOMER}}})
    with pytest.raises(MappingError, match="no stream 'shops'; it has 'people'"):
        mapping.stream("shops")


def test_a_stream_knows_its_own_defaults_better() -> None:
    mapping = Mapping.load({"country": "DE", "timezone": "Europe/Berlin", "streams": {"people": {"country": "AT", "customer": CUSTOMER}}})
    assert (mapping.stream("people").country, mapping.stream("people").timezone) == ("AT", "Europe/Berlin")


def test_yaml_words_that_are_booleans_are_what_the_source_writes(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("customer:\n  source_key: id\n  consents:\n    newsletter: {field: ok, granted: [on, 1], denied: [off, nope]}\n")
    (consent,) = Mapping.load(path).stream("any").customer.consents
    assert consent.granted is not None
    assert {"on", "1"} <= consent.granted
    assert consent.denied is not None
    assert {"off", "nope"} <= consent.denied


def test_values_forms() -> None:
    mapping = Mapping.load(
        {
            "interaction": {
                "kind": {"const": "order"},
                "at": {"field": "d", "format": "%d.%m.%Y"},
                "source_key": ["shop", "no"],
                "status": {"field": "s", "values": {"O": "open"}},
            }
        }
    )
    record = mapping.stream("x").interaction
    assert record is not None
    assert record.values("kind") == (Value(const="order"),)
    assert record.values("source_key") == (Value(fields=("shop", "no"), joined_with=":"),)
    assert record.values("status")[0].table == (("o", "open"),)
    assert record.paths() == {"d", "shop", "no", "s"}


def test_parts_of_one_list_stay_together() -> None:
    mapping = Mapping.load({"customer": {**CUSTOMER, "addresses": {"city": "addresses[].city", "street": "addresses[].line"}}})
    (address,) = mapping.stream("x").customer.addresses
    assert address.each == "addresses"
    assert dict(address.parts)["city"] == (Value(fields=("city",)),)


BAD: list[tuple[Any, str]] = [
    ({"customer": {**CUSTOMER, "emial": "x"}}, r"at customer: unknown 'emial'; known are addresses, "),
    ({"customer": {**CUSTOMER, "emails": {"feld": "x"}}}, "at customer.emails: "),
    ({"country": "Germany", "customer": CUSTOMER}, "at country: "),
    ({"customer": {"emails": "x"}}, "names no key"),
    ({"interaction": {"source_key": "id", "at": "d"}}, "at interaction: 'kind' is a required property"),
    ({}, "at the top"),
    ([], "at the top"),
    ({"timezone": "Mars/Olympus", "customer": CUSTOMER}, "timezone 'Mars/Olympus'"),
]


@pytest.mark.parametrize(("document", "message"), BAD)
def test_errors_name_the_place(document: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(MappingError, match=message):
        Mapping.load(path)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(MappingError, match=r"nowhere\.yaml: No such file"):
        Mapping.load("nowhere.yaml")


def test_a_digest_changes_with_the_mapping_of_its_stream_only() -> None:
    def digest(people: dict[str, Any], shops: dict[str, Any]) -> bytes:
        return Mapping.load({"streams": {"people": {"customer": people}, "shops": {"customer": shops}}}).digest("people")

    assert digest(CUSTOMER, CUSTOMER) == digest(CUSTOMER, {"source_key": "other"})
    assert digest(CUSTOMER, CUSTOMER) != digest({"source_key": "other"}, CUSTOMER)


def test_a_pickled_mapping_maps_alike() -> None:
    stream = Mapping.load({"country": "DE", "customer": {**CUSTOMER, "phones": "tel"}}).stream("x")
    rows = [{"id": 1, "email": "A@b.de", "tel": "030 1234567"}]
    assert map_batch(rows, pickle.loads(pickle.dumps(stream))).table == map_batch(rows, stream).table


def test_the_mappings_of_the_labelled_sets_are_valid() -> None:
    paths = sorted((Path(__file__).parents[1] / "data" / "mappings").glob("*.yaml"))
    assert paths
    for path in paths:
        assert Mapping.load(path).streams
