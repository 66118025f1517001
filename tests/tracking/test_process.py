"""Events become interactions, records and profiles: at once, in any order the same, once each."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cdp.ingest.events import event, keys, plans
from cdp.ingest.events.event import Event
from cdp.ingest.events.people import _canonical
from cdp.ingest.events.replay import replay
from cdp.ingest.events.sources import senders
from cdp.ingest.events.visitors import PEOPLE, Sighting, absorb, owner, plain, sightings
from cdp.profiles import get, living, resolve_profiles, timeline
from tests.tracking.conftest import World, basic

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def at(minutes: int) -> str:
    return (NOW - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()


def profile_of(world: World, message_id: str) -> Any:
    found = world.receipt(message_id)
    assert found is not None
    assert found.profile_id is not None
    return found.profile_id


def test_an_unknown_visitor_has_a_profile_at_once(world: World) -> None:
    world.send("page", anonymousId="A", messageId="m", context={"page": {"title": "Home"}})
    world.process()
    with world.engine.connect() as connection:
        profile = profile_of(world, "m")
        assert get(connection, profile).id == profile
        (shown,) = timeline(connection, profile).items
    assert (shown["kind"], shown["name"], shown["channel"]) == ("page_view", "Home", "web")
    (entry,) = world.rows("select change, record_ids from profile_journal")
    assert entry.change == "created"


def test_a_visitors_events_join_the_person_once_they_identify(world: World) -> None:
    world.send("track", anonymousId="A", event="Looked", messageId="before")
    world.process()
    anonymous = profile_of(world, "before")
    world.send("identify", anonymousId="A", userId="u", messageId="login", traits={"email": "ann@example.org"})
    world.send("track", userId="u", event="Bought", messageId="after")
    world.process()
    assert {profile_of(world, m) for m in ("before", "login", "after")} == {anonymous}, "the oldest id lives on"


def test_a_second_device_joins_the_person_and_its_profile_points_there(world: World) -> None:
    world.send("identify", userId="u", anonymousId="A", messageId="1")
    world.process()
    world.send("page", anonymousId="B", messageId="2")
    world.process()
    phone = profile_of(world, "2")
    world.send("identify", userId="u", anonymousId="B", messageId="3")
    world.process()
    person = profile_of(world, "1")
    assert profile_of(world, "2") == person
    with world.engine.connect() as connection:
        assert living(connection, phone) == person
        assert [shown["kind"] for shown in timeline(connection, person).items] == ["page_view"]
    (entry,) = world.rows("select from_profile_id, record_ids from profile_journal where from_profile_id is not null")
    assert (entry.from_profile_id, len(entry.record_ids)) == (phone, 1)


def test_one_device_that_two_people_share_does_not_make_them_one(world: World) -> None:
    world.send("identify", userId="ann", anonymousId="A", messageId="1", timestamp=at(0))
    world.send("identify", userId="bob", anonymousId="A", messageId="2", timestamp=at(5))
    world.send("track", anonymousId="A", event="Looked", messageId="3", timestamp=at(6))
    world.process()
    assert profile_of(world, "1") != profile_of(world, "2")
    assert profile_of(world, "3") == profile_of(world, "1"), "the device belongs to who identified on it first"


def test_a_steward_who_parted_two_records_is_not_overruled(world: World) -> None:
    world.send("page", anonymousId="A", messageId="1")
    world.send("identify", userId="u", messageId="2")
    world.process()
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "insert into decision (judgement, record_a, record_b, principal) select 'different', min(id), max(id), 'stew' from record"
        )
    world.send("identify", userId="u", anonymousId="A", messageId="3")
    world.process()
    assert profile_of(world, "1") != profile_of(world, "2")


def test_alias_joins_a_former_id(world: World) -> None:
    world.send("page", anonymousId="A", messageId="1")
    world.send("alias", previousId="A", userId="u", messageId="2")
    world.send("track", userId="u", event="E", messageId="3")
    world.process()
    assert len({profile_of(world, m) for m in "123"}) == 1


def test_a_chain_of_former_ids_is_one_person_for_good(world: World) -> None:
    for user in ("u1", "u2", "u3"):
        world.send("track", userId=user, event="E", messageId=user)
    world.process()
    assert len({profile_of(world, m) for m in ("u1", "u2", "u3")}) == 3
    world.send("alias", previousId="u1", userId="u2")
    world.send("alias", previousId="u2", userId="u3")
    world.process()
    (person,) = {profile_of(world, m) for m in ("u1", "u2", "u3")}
    decided = world.rows(
        """select a.source_key as a, b.source_key as b from decision d join record a on a.id = d.record_a join record b on b.id = d.record_b
           where d.judgement = 'same' and d.revoked_at is null"""
    )
    assert {frozenset((row.a, row.b)) for row in decided} >= {frozenset((f"anon:{u}", f"user:{u}")) for u in ("u1", "u2")}
    resolve_profiles(world.engine, world.settings)
    assert {profile_of(world, m) for m in ("u1", "u2", "u3")} == {person}


def test_ids_of_another_department_mean_somebody_else(world: World) -> None:
    with world.engine.begin() as connection:
        app = keys.create(connection, "app", department="shop")
        desk = keys.create(connection, "desk", department="support")
    for key, message in ((world.key, "web"), (app, "app"), (desk, "desk")):
        world.client.post("/v1/track", json={"userId": "1001", "event": "E", "messageId": message}, headers=basic(key))
    world.process()
    assert profile_of(world, "web") == profile_of(world, "app")
    assert profile_of(world, "web") != profile_of(world, "desk")


def test_an_address_that_one_profile_has_places_a_new_record(world: World) -> None:
    world.send("identify", userId="u", messageId="1", traits={"email": "Ann@Example.org"})
    world.process()
    world.send("identify", anonymousId="Z", messageId="2", traits={"email": "ann@example.org"})
    world.process()
    assert profile_of(world, "1") == profile_of(world, "2")


def test_an_address_that_several_profiles_have_places_nobody(world: World) -> None:
    for user in ("u", "v"):
        world.send("identify", userId=user, messageId=user, traits={"email": "family@example.org"})
    world.process()
    world.send("identify", anonymousId="Z", messageId="z", traits={"email": "family@example.org"})
    world.process()
    assert len({profile_of(world, m) for m in "uvz"}) == 3


EVENTS: list[dict[str, Any]] = [
    {"type": "page", "anonymousId": "A", "messageId": "1", "originalTimestamp": at(1)},
    {"type": "identify", "anonymousId": "A", "userId": "u", "messageId": "2", "originalTimestamp": at(2), "traits": {"plan": "free"}},
    {"type": "identify", "userId": "u", "messageId": "3", "originalTimestamp": at(3), "traits": {"plan": "pro", "email": "a@example.org"}},
    {"type": "track", "event": "E", "anonymousId": "B", "messageId": "4", "originalTimestamp": at(4)},
    {"type": "identify", "anonymousId": "B", "userId": "u", "messageId": "5", "originalTimestamp": at(5), "traits": {"plan": None}},
    {"type": "identify", "anonymousId": "A", "userId": "v", "messageId": "6", "originalTimestamp": at(6)},
]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_matter(world: World, seed: int) -> None:
    order = random.Random(seed).sample(EVENTS, len(EVENTS))
    for sent in order:
        world.send("batch", batch=[sent])
        if seed:
            world.process()
    world.process()
    people = {profile_of(world, m) for m in "12345"}
    assert len(people) == 1
    states = {row.source_key: row.raw for row in world.rows("select source_key, raw from record")}
    assert states["user:u"]["traits"] == {"plan": None, "email": "a@example.org"}
    assert owner(states["anon:A"]) == "u"
    assert profile_of(world, "6") not in people, "v was on the device of u"


SHARED: list[dict[str, Any]] = [
    {"type": "track", "event": "E", "anonymousId": "A", "messageId": "looked", "originalTimestamp": at(1)},
    {"type": "identify", "anonymousId": "A", "userId": "ann", "messageId": "first", "originalTimestamp": at(2)},
    {"type": "identify", "userId": "ann", "messageId": "ann", "originalTimestamp": at(3)},
    {"type": "identify", "anonymousId": "A", "userId": "bob", "messageId": "bob", "originalTimestamp": at(4)},
]


@pytest.mark.parametrize("order", [(0, 3, 1, 2), (3, 0, 2, 1), (2, 3, 1, 0), (3, 1, 0, 2)])
def test_a_device_goes_to_who_turns_out_to_have_been_on_it_first(world: World, order: tuple[int, ...]) -> None:
    """An event that comes late moves the device, and makes neither profile the other's; the next resolution sees it so, too."""
    for number in order:
        world.send("batch", batch=[SHARED[number]])
        world.process()
    placed = {message: profile_of(world, message) for message in ("looked", "first", "ann", "bob")}
    assert placed["looked"] == placed["first"] == placed["ann"] != placed["bob"]
    with world.engine.connect() as connection:
        assert [shown["name"] for shown in timeline(connection, placed["ann"]).items] == ["E"]
        assert not timeline(connection, placed["bob"]).items
    named = world.rows("select profile_id from identifier where kind = 'shop_anonymous_id'")
    assert [row.profile_id for row in named] == [placed["ann"]]
    resolve_profiles(world.engine, world.settings)
    assert {message: profile_of(world, message) for message in placed} == placed


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("second", ["bob", "ann"])
def test_a_device_that_two_sources_of_a_department_see_makes_no_two_people_one(world: World, second: str, at_once: bool) -> None:
    with world.engine.begin() as connection:
        desk = keys.create(connection, "server", department="shop")
    world.send("identify", anonymousId="A", userId="ann", messageId="1")
    if not at_once:
        world.process()
    event = {"anonymousId": "A", "userId": second, "event": "Paid", "messageId": "2"}
    world.client.post("/v1/track", json=event, headers=basic(desk))
    world.process()
    assert (profile_of(world, "1") == profile_of(world, "2")) == (second == "ann")
    resolve_profiles(world.engine, world.settings)
    assert (profile_of(world, "1") == profile_of(world, "2")) == (second == "ann"), "nor does a resolution"


def test_a_steward_keeps_a_device_where_it_is(world: World) -> None:
    for message in (3, 2):
        world.send("batch", batch=[SHARED[message]])
        world.process()
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            """insert into decision (judgement, record_a, record_b, principal)
               select 'different', min(id), max(id), 'stew' from record where source_key in ('anon:A', 'user:ann')"""
        )
    world.send("batch", batch=[SHARED[1]])
    world.process()
    placed = {row.source_key: row.profile_id for row in world.rows("select source_key, profile_id from record")}
    assert placed["anon:A"] == placed["user:bob"] != placed["user:ann"]


def test_the_state_of_a_person_is_the_same_in_every_order() -> None:
    seen = [Sighting("identify", "user:u", at(n % 3), {"a": n, f"b{n}": n}, owner=f"o{n % 2}") for n in range(4)]
    ends = []
    for order in itertools.permutations(seen):
        state = None
        for sighting in order:
            state = absorb(state, sighting)
        ends.append(state)
    assert all(end == ends[0] for end in ends)
    assert absorb(ends[0], seen[0]) == ends[0], "seen twice is seen once"


def test_sightings_name_every_record_an_event_speaks_of() -> None:
    raw = {"type": "group", "messageId": "m", "userId": "u", "anonymousId": "a", "groupId": "g", "receivedAt": NOW.isoformat()}
    assert [s.key for s in sightings(event.read(raw))] == ["user:u", "anon:a", "group:g"]


@pytest.mark.parametrize(
    ("original", "sent", "expected"),
    [
        ("2026-11-22T11:00:00Z", "2026-11-22T11:00:05Z", NOW - timedelta(seconds=5)),
        ("2031-01-01T00:00:00+00:00", "2031-01-01T00:01:00.000Z", NOW - timedelta(minutes=1)),
        ("1999-01-01T00:00:00Z", "1999-01-01T00:00:00Z", NOW),
        ("2026-11-22T11:00:00+02:00", None, NOW - timedelta(hours=3)),
        (None, "2026-11-22T11:00:05Z", NOW),
        ("nonsense", None, NOW),
        ("2030-01-01T00:00:00Z", None, NOW),
        (1763812800000, None, datetime(2025, 11, 22, 12, tzinfo=UTC)),
    ],
)
def test_a_wrong_clock_is_corrected(original: Any, sent: Any, expected: datetime) -> None:
    raw = {"type": "page", "messageId": "m", "anonymousId": "a", "receivedAt": NOW.isoformat(), "timestamp": original, "sentAt": sent}
    read: Event = event.read(raw)
    assert read.at == expected
    assert bool(read.issues) == (original in ("nonsense", "2030-01-01T00:00:00Z"))


def test_an_order_is_an_order(world: World) -> None:
    products = [{"sku": "x", "price": "2.50", "quantity": 3}, {"product_id": "y"}]
    order = {"order_id": "o-1", "total": "7.50", "currency": "eur", "products": products}
    world.send("track", userId="u", event="Order Completed", properties=order)
    world.send("track", userId="u", event="order_refunded", properties={"total": 2})
    world.send("track", userId="u", event="Email Opened", properties={"campaign_name": "May"})
    world.process()
    order_row, refund, touch = world.rows("select * from interaction order by id")
    assert (order_row.kind, str(order_row.amount), order_row.currency, order_row.status) == ("order", "7.5000", "EUR", "completed")
    assert order_row.canonical["items"][0] == {"sku": "x", "quantity": "3", "unit_price": "2.50", "amount": "7.50"}
    assert refund.kind == "return"
    assert (touch.kind, touch.channel, touch.canonical["campaign"]) == ("campaign_touch", "email", "May")


def test_a_group_is_an_organisation(world: World) -> None:
    world.send("group", userId="u", groupId="g", traits={"name": "Acme Ltd"})
    world.process()
    rows = world.rows("select r.stream, p.kind, r.canonical from record r join profile p on p.id = r.profile_id order by r.stream")
    assert [(row.stream, row.kind) for row in rows] == [("group", "organisation"), ("identify", "person")]
    assert rows[0].canonical["organisation_name"] == "Acme Ltd"


PLAN = {
    "on_violation": "hold",
    "unplanned_events": "flag",
    "track": {"Bought": {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}},
}


@pytest.mark.parametrize(("action", "interactions"), [("allow", 2), ("flag", 2), ("hold", 1)])
def test_a_plan_allows_flags_or_holds(world: World, action: str, interactions: int) -> None:
    with world.engine.begin() as connection:
        plans.store(connection, "web", PLAN | {"on_violation": action})
    world.send("track", userId="u", event="Bought", messageId="good", properties={"total": 1})
    world.send("track", userId="u", event="Bought", messageId="bad", properties={"total": "secret"})
    done = world.process()
    assert (done.interactions, done.violations) == (interactions, 1)
    with world.engine.connect() as connection:
        (counted,) = plans.violations(connection)
    assert (counted.event, counted.field, counted.rule, counted._mapping["count"]) == ("Bought", "/properties/total", "type", 1)
    assert counted.samples == [{"message_id": "bad", "action": action}]
    assert "secret" not in counted.message
    bad = world.receipt("bad")
    assert bad is not None
    assert bad.status == ("held" if action == "hold" else "processed")
    issues = [row.canonical.get("issues") for row in world.rows("select canonical from interaction where source_key = 'bad'")]
    assert issues == {"allow": [None], "flag": [[{"field": "/properties/total", "value": "", "reason": "plan:type"}]], "hold": []}[action]


def test_an_unplanned_event_is_a_violation(world: World) -> None:
    with world.engine.begin() as connection:
        plans.store(connection, "web", PLAN)
    world.send("track", userId="u", event="Baught")
    world.process()
    (row,) = world.rows("select rule, event from event_violation")
    assert (row.rule, row.event) == ("unplanned", "Baught")


def test_what_is_held_can_be_corrected_and_replayed(world: World) -> None:
    with world.engine.begin() as connection:
        plans.store(connection, "web", PLAN)
    world.send("track", userId="u", event="Bought", messageId="bad", properties={"total": "x"})
    world.send("batch", batch=[{"type": "track", "event": "E", "messageId": "nobody"}])
    world.process()
    held, refused = world.receipt("bad"), world.receipt("nobody")
    assert held is not None
    assert refused is not None
    assert (held.status, refused.status) == ("held", "refused")
    assert held.quarantine_id is not None
    assert refused.quarantine_id is not None
    (raw,) = world.rows("select raw from quarantine where id = :id", id=held.quarantine_id)
    corrections = {
        held.quarantine_id: {**raw.raw, "properties": {"total": 5}},
        refused.quarantine_id: {"type": "track", "event": "E", "messageId": "nobody", "userId": "u"},
    }
    with world.engine.begin() as connection:
        assert replay(connection, [held.quarantine_id]).reasons == [f"{held.quarantine_id}: /properties/total is not of type number"]
    with world.engine.begin() as connection:
        assert replay(connection, None, corrections).accepted == 2
    assert world.process().interactions == 2
    assert {world.receipt(m).status for m in ("bad", "nobody")} == {"processed"}


def test_an_event_whose_receipt_was_lost_is_still_stored_once(world: World) -> None:
    world.send("track", userId="u", event="E", messageId="1")
    world.process()
    with world.engine.begin() as connection:
        connection.exec_driver_sql("delete from event_receipt")
    world.send("batch", batch=[{"type": "track", "userId": "u", "event": "E", "messageId": message} for message in "12"])
    assert world.process().interactions == 1
    assert [row.source_key for row in world.rows("select source_key from interaction order by id")] == ["1", "2"]


def test_an_event_that_cannot_be_processed_stops_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from cdp.ingest.events import documents

    real = documents.interaction

    def breaks(read: Event, *rest: Any) -> dict[str, Any]:
        if read.message_id == "poison":
            raise ValueError("boom")
        return real(read, *rest)

    monkeypatch.setattr(documents, "interaction", breaks)
    for message in ("a", "poison", "b", "c"):
        world.send("track", userId="u", event="E", messageId=message)
    done = world.process()
    assert (done.interactions, done.held) == (3, 1)
    assert world.receipt("poison").reason == "processing_failed"


def test_user_ids_are_exact(world: World) -> None:
    for user in ("u-1", "U1", "u1", " u-1 "):
        world.send("identify", userId=user, messageId=user)
    world.process()
    assert len({profile_of(world, user) for user in ("u-1", "U1", "u1")}) == 3
    assert profile_of(world, " u-1 ") == profile_of(world, "u-1"), "white space around an id is nothing"
    resolve_profiles(world.engine, world.settings)
    assert len({profile_of(world, user) for user in ("u-1", "U1", "u1")}) == 3


def test_texts_that_copy_must_not_take_for_its_own_signs(world: World) -> None:
    odd = 'tab\there\nline\r\\N "quoted" \\. back\\slash {a,"b"} ü 😀'
    assert world.send("identify", userId=odd, messageId="who", traits={"name": odd}).status_code == 200
    assert world.send("track", userId=odd, event=odd, messageId=odd[:90], properties={odd: odd}).status_code == 200
    assert world.process().held == 0
    (row,) = world.rows("select source_key, customer_key, name, status, raw, canonical from interaction")
    assert (row.source_key, row.customer_key, row.name, row.status) == (odd[:90], f"user:{odd}", odd, None)
    assert row.raw["properties"] == row.canonical["properties"] == {odd: odd}
    (person,) = world.rows("select source_key, raw from record where stream = 'identify'")
    assert (person.source_key, person.raw["traits"]["name"]) == (f"user:{odd}", odd)
    assert world.rows("select from identifier where value = :odd", odd=odd)


IDS = (
    "u-1",
    "U1",
    " u ",
    "17",
    "0012",
    "null",
    "N/A",
    "-",
    "a b",
    "Größe",
    "x\u200by",
    "tab\tid",
    '"',
    "\\",
    "~" * 500,
    "0",
    "none",
    "@",
    "é",
)


def test_of_a_plain_visitor_the_short_way_says_what_the_mapping_says(world: World) -> None:
    chance = random.Random(3)
    states = {}
    for group, other in enumerate(IDS):
        for mine in IDS:
            key = f"{chance.choice(('anon', 'user'))}:{mine}"
            state = absorb(None, Sighting(PEOPLE, key, instant(group), {}, chance.choice((None, other)), chance.random() < 0.2))
            states[group, PEOPLE, key] = absorb(state, Sighting(PEOPLE, key, instant(-5), {}, chance.choice((None, mine))))
    with world.engine.connect() as connection:
        (sender,) = senders(connection, world.settings, {row.id for row in world.rows("select id from source")}).values()
    assert sender.id_types
    short = {key: found for key, state in states.items() if (found := plain(state, sender.id_types))}
    assert len(short) > 50
    by_mapping = replace(sender, id_types=None)
    assert short == _canonical({key[0]: by_mapping for key in short}, {key: states[key] for key in short})


def instant(minutes: int) -> str:
    return (NOW + timedelta(minutes=minutes)).isoformat(timespec="microseconds")
