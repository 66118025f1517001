"""What is proposed for samples as departments keep them, and that it maps them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from cdp.records import Mapping, Proposal, map_batch, preview, propose


def sample(count: int = 20, **fields: Any) -> list[dict[str, Any]]:
    return [{name: value.format(n=n) if isinstance(value, str) else value for name, value in fields.items()} for n in range(count)]


def body(proposal: Proposal) -> dict[str, Any]:
    return dict(proposal.mapping[proposal.kind])


def test_a_german_customer_file() -> None:
    person = {
        "Anrede": "Frau",
        "Vorname": "Eva",
        "Nachname": "Stein",
        "Geburtsdatum": "13/04/1980",
        "Handy": "0171 23456{n:02d}",
        "EMail": "e{n}@x.de",
    }
    address = {"Straße": "Weg 1", "PLZ": "10115", "Ort": "Berlin"}
    rows = sample(Kundennr="{n}", **person, **address, Newsletter="ja", Kundenkarte="9{n}")
    proposal = propose(rows, "DE")
    assert proposal.mapping == {
        "country": "DE",
        "customer": {
            "source_key": "Kundennr",
            "prefix": "Anrede",
            "given_name": "Vorname",
            "family_name": "Nachname",
            "addresses": {"street": "Straße", "postal_code": "PLZ", "city": "Ort"},
            "birth_date": {"field": "Geburtsdatum", "day_first": True},
            "phones": "Handy",
            "emails": "EMail",
            "consents": {"newsletter": "Newsletter"},
            "identifiers": {"loyalty": "Kundenkarte"},
        },
    }


def test_other_languages() -> None:
    spanish = body(
        propose(
            sample(id="{n}", Nombre="Eva", Apellidos="García López", Móvil="612 34 56 {n:02d}", Correo="e{n}@x.es", Ciudad="Madrid"), "ES"
        )
    )
    assert (spanish["given_name"], spanish["family_name"], spanish["phones"], spanish["emails"]) == (
        "Nombre",
        "Apellidos",
        "Móvil",
        "Correo",
    )
    russian = body(propose(sample(ID="{n}", Имя="Анна", Фамилия="Иванова", Телефон="+7 916 123-45-{n:02d}", Город="Москва"), "RU"))
    assert (russian["given_name"], russian["family_name"], russian["phones"], russian["addresses"]) == (
        "Имя",
        "Фамилия",
        "Телефон",
        {"city": "Город"},
    )
    french = body(propose(sample(id="{n}", Prénom="Eva", Nom="Durand", Naissance="13/04/1980", Ville="Paris"), "FR"))
    assert (french["given_name"], french["family_name"], french["addresses"]) == ("Prénom", "Nom", {"city": "Ville"})
    portuguese = body(propose(sample(id="{n}", Nome="Eva", Sobrenome="Silva", Telefone="(11) 91234-56{n:02d}", CEP="01304-001"), "BR"))
    assert (portuguese["given_name"], portuguese["family_name"], portuguese["phones"]) == ("Nome", "Sobrenome", "Telefone")


def test_values_speak_where_names_do_not() -> None:
    proposal = propose(sample(a="{n}", b="e{n}@x.de", c="+49 171 23456{n:02d}"), "DE")
    assert body(proposal) == {"source_key": "a", "emails": "b", "phones": "c"}


def test_values_refuse_what_a_name_says() -> None:
    assert "phones" not in body(propose(sample(id="{n}", phone="yes please")))
    assert "birth_date" not in body(propose(sample(id="{n}", dob="unknown to us")))


def test_orders_with_items() -> None:
    rows = sample(Bestellnr="B{n}", Kundennr="7", Bestelldatum="03.04.2024", Betrag="12,50 €", Positionen=[{"ArtNr": "x", "Menge": 2}])
    assert body(propose(rows, "DE")) == {
        "source_key": "Bestellnr",
        "customer_key": "Kundennr",
        "kind": {"const": "order"},
        "at": "Bestelldatum",
        "amount": "Betrag",
        "items": {"each": "Positionen", "sku": "ArtNr", "quantity": "Menge"},
    }


def test_tickets_by_their_stream_and_the_address_of_who_asks() -> None:
    proposal = propose(
        sample(ticket_id="{n}", requester_email="e{n}@x.de", subject="Help", status="open", created_at="2024-01-01T00:00:00Z"),
        stream="tickets",
    )
    assert proposal.kind == "interaction"
    assert (body(proposal)["kind"], body(proposal)["customer_key"]) == ({"const": "ticket"}, "requester_email")


def test_nested_objects_are_gone_into() -> None:
    proposal = propose(sample(id="{n}", properties={"email": "e@x.de", "firstname": "Eva"}))
    assert (body(proposal)["emails"], body(proposal)["given_name"]) == ("properties.email", "properties.firstname")


def test_a_birth_date_in_three_fields() -> None:
    assert body(propose(sample(id="{n}", by="1980", bm="2", bd="3")))["birth_date"] == {"year": "by", "month": "bm", "day": "bd"}


def test_every_field_has_a_guess_with_its_reason() -> None:
    rows = sample(id="{n}", email="e{n}@x.de", shoe="42")
    guesses = {guess.field: guess for guess in propose(rows).fields}
    assert set(guesses) == {"id", "email", "shoe"}
    assert guesses["shoe"].target is None
    assert all(guess.reason and 0 <= guess.confidence <= 1 for guess in guesses.values())


def test_a_few_bad_rows_do_not_make_a_name_the_key() -> None:
    rows = [
        *sample(6, id="{n}", last="Lee{n}", email="e{n}@x.de"),
        {"id": "1", "last": "Other", "email": "o@x.de"},
        {"id": "", "last": "No"},
    ]
    proposal = propose(rows)
    assert (body(proposal)["source_key"], body(proposal)["family_name"]) == ("id", "last")
    (guess,) = [guess for guess in proposal.fields if guess.field == "id"]
    assert "2 of 8 rows lack it or repeat it, and will be refused" in guess.reason
    repeated = propose([row | {"id": "7"} for row in rows[:6]])
    assert body(repeated)["source_key"] != "id"


def test_a_sample_without_a_key_says_so() -> None:
    proposal = propose([{"a": "x"}, {"a": "x"}])
    (guess,) = proposal.fields
    assert (guess.target, guess.confidence) == ("source_key", 0.1)
    assert "no column identifies a row" in guess.reason


def test_a_proposal_maps_its_sample() -> None:
    rows = sample(id="{n}", name="Eva Stein", email="e{n}@x.de", since="2024-01-02", extra="x")
    for given in (rows, pa.Table.from_pylist(rows)):
        proposal = propose(given, "DE")
        batch = map_batch(given, Mapping.load(proposal.mapping).stream("any"))
        assert batch.table.num_rows == len(rows)


def test_a_preview_shows_rows_and_refusals_in_order() -> None:
    shown = preview([{"id": None}, {"id": 1, "n": "EVA"}], {"customer": {"source_key": "id", "given_name": "n"}})
    assert "no key" in shown[0]["refused"]
    assert shown[1] == {"source_key": "1", "kind": "person", "given_name": "Eva"}


def test_the_country_is_told_by_phones_and_the_names_of_columns() -> None:
    german = propose(sample(Kundennr="{n}", Vorname="Änne", Telefon="030 12345{n:02d}", PLZ="10115"), "US")
    assert (german.mapping["country"], german.homeland.reason) == ("DE", "the names of its columns and its phone numbers")
    assert body(german)["phones"] == "Telefon"
    assert propose(sample(id="{n}", phone="+33 1 42 34 56 {n:02d}", zip="75002"), "US").mapping["country"] == "FR"
    assert propose(sample(id="{n}", phone="020 7946 09{n:02d}", postcode="SW1A 2AA"), "US").mapping["country"] == "GB"


def test_the_country_is_the_default_where_nothing_speaks_against_it() -> None:
    for rows in (sample(id="{n}", phone="(212) 555-01{n:02d}", zip="10001"), sample(id="{n}", name="Eva"), sample(id="{n}", Vorname="Eva")):
        assert propose(rows, "US").homeland == ("US", None)
    assert propose(sample(Vorname="Eva", Nachname="{n}", PLZ="10115"), "US", country="AT").mapping["country"] == "AT"
