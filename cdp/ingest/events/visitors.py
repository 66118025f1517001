"""What events say of a person is a state that does not depend on their order: the latest value of each trait, the earliest of each tie.

A person that events name is a customer record of the stream `identify`, keyed `user:ID` or `anon:ID`; its raw row is the state below. A
visitor's record also names the user who first identified on it. One device that two people share so belongs to the first of them, and never
makes the two one person.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cdp.ingest.events.event import Event
from cdp.ingest.fingerprint import dump
from cdp.records.values import identifiers

PEOPLE, GROUPS = "identify", "group"
"""Streams of the records that events make."""
UPDATES = frozenset({"identify", "group", "alias"})
"""Calls that say who somebody is, and nothing that somebody did."""

State = dict[str, Any]


@dataclass(frozen=True)
class Sighting:
    """What one event says of one record.

    Attributes:
        owner: user id of the person that the visitor turned out to be.
        alias: `key` is a former id of `owner`, whether anonymous or not.
    """

    stream: str
    key: str
    at: str
    traits: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    alias: bool = False


def sightings(event: Event) -> Iterable[Sighting]:
    """The records that an event speaks of."""
    at = event.at_text
    traits = event.traits if event.type == "identify" else {}
    if event.user_id:
        yield Sighting(PEOPLE, f"user:{event.user_id}", at, traits)
    if event.anonymous_id:
        yield Sighting(PEOPLE, f"anon:{event.anonymous_id}", at, {} if event.user_id else traits, event.user_id)
    if event.type == "alias":
        yield Sighting(PEOPLE, f"anon:{event.raw['previousId']}", at, owner=event.user_id, alias=True)
    if event.type == "group":
        yield Sighting(GROUPS, f"group:{event.raw['groupId']}", at, event.traits)


def absorb(state: State | None, seen: Sighting) -> State:
    """The state after a sighting; the same whatever order sightings come in. `state` itself is not changed."""
    if state is not None and _says_nothing_new(state, seen):
        return state
    new: State = {"key": seen.key, "first_at": seen.at, "updated_at": seen.at, "traits": {}, "trait_times": {}} | (state or {})
    for name in ("traits", "trait_times", "owners"):
        if name in new:
            new[name] = dict(new[name])
    new["first_at"] = min(new["first_at"], seen.at)
    for name, value in seen.traits.items():
        if _later(new, name, seen.at, value):
            new["traits"][name] = value
            new["trait_times"][name] = seen.at
            new["updated_at"] = max(new["updated_at"], seen.at)
    if seen.owner:
        owners = new.setdefault("owners", {})
        owners[seen.owner] = min(owners.get(seen.owner, seen.at), seen.at)
    if seen.alias:
        new["alias"] = True
    return _named(new)


def _says_nothing_new(state: State, seen: Sighting) -> bool:
    """Whether a sighting is of the usual kind that changes nothing: somebody known, seen again, of whom nothing else is said."""
    if seen.traits or seen.alias or state["first_at"] > seen.at:
        return False
    return seen.owner is None or (state.get("owners") or {}).get(seen.owner, "~") <= seen.at


def _later(state: State, name: str, at: str, value: Any) -> bool:
    held = state["trait_times"].get(name)
    if held is None or held < at:
        return True
    return held == at and _order(value) > _order(state["traits"].get(name))


def _order(value: Any) -> str:
    return dump(value)


def owner(state: State) -> str | None:
    """The user who identified on this visitor first."""
    owners: Mapping[str, str] = state.get("owners") or {}
    return min(owners, key=lambda user: (owners[user], user)) if owners else None


def _named(state: State) -> State:
    """Put the ids that the record is known by where the mapping reads them."""
    kind, _, own = state["key"].partition(":")
    first = owner(state)
    users = ([own] if kind == "user" or state.get("alias") else []) + ([first] if first else [])
    device = [own] if kind == "anon" and not state.get("shared") else []
    names = {"user": users, "anonymous": device, "group": [own] if kind == "group" else []}
    state["ids"] = {name: values for name, values in names.items() if values}
    return state


def without_device(state: State) -> State:
    """The state of a visitor on whose device another source has seen somebody else: the device is no evidence of who this is."""
    return _named({**state, "shared": True})


def id_types(space: str) -> dict[str, str]:
    """Names of the identifiers of an id space: ids of one space mean the same person, ids of two mean nothing to each other."""
    slug = re.sub(r"[^a-z0-9]+", "_", space.lower()).strip("_") or "events"
    slug = slug if slug[0].isalpha() else f"s_{slug}"
    return {"user": f"{slug}_user_id", "anonymous": f"{slug}_anonymous_id", "group": f"{slug}_group_id"}


def default_mapping(space: str) -> dict[str, Any]:
    """How the traits of the published specification map to a customer, in camel and in snake case."""
    types = id_types(space)
    person = {
        "source_key": "key",
        "full_name": ["traits.name"],
        "given_name": _both("firstName"),
        "family_name": _both("lastName"),
        "prefix": ["traits.salutation"],
        "job_title": ["traits.title"],
        "organisation_name": ["traits.company.name"],
        "birth_date": ["traits.birthday", *_both("birthDate")],
        "gender": ["traits.gender"],
        "emails": ["traits.email"],
        "phones": ["traits.phone"],
        "language": ["traits.language", "traits.locale"],
        "addresses": _address(),
        "created_at": ["first_at"],
        "updated_at": ["updated_at"],
        "identifiers": {types["user"]: ["ids.user[]"], types["anonymous"]: ["ids.anonymous[]"]},
        "attributes": ["traits"],
    }
    group = {
        "source_key": "key",
        "kind": {"const": "organisation"},
        "organisation_name": ["traits.name"],
        "emails": ["traits.email"],
        "phones": ["traits.phone"],
        "addresses": _address(),
        "created_at": ["first_at"],
        "updated_at": ["updated_at"],
        "identifiers": {types["group"]: ["ids.group[]"]},
        "attributes": ["traits"],
    }
    return {"version": 1, "streams": {PEOPLE: {"customer": person}, GROUPS: {"customer": group}}}


_SETTLED = re.compile(r"[!-~]{1,500}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[.][0-9]{6}[+]00:00")


def plain(state: State, types: Mapping[str, str]) -> dict[str, Any] | None:
    """What `default_mapping` makes of somebody of whom only ids are known, as most visitors are; None where it takes the mapping to tell.

    Args:
        types: of the source's id space, as `id_types` gives them.
    """
    first, last = state["first_at"], state["updated_at"]
    if state["traits"] or not _SETTLED.fullmatch(state["key"]) or not (_INSTANT.fullmatch(first) and _INSTANT.fullmatch(last)):
        return None
    ids = [(types[name], value) for name in ("user", "anonymous") for value in state["ids"].get(name, ())]
    if len(set(ids)) < len(ids) or not all(_SETTLED.fullmatch(value) and identifiers.exact(value) for _, value in ids):
        return None
    return {
        "source_key": state["key"],
        "kind": "person",
        "identifiers": [{"type": kind, "value": value} for kind, value in ids],
        "created_at": first.removesuffix("+00:00") + "Z",
        "updated_at": last.removesuffix("+00:00") + "Z",
    }


def _both(camel: str) -> list[str]:
    snake = re.sub(r"[A-Z]", lambda match: "_" + match.group().lower(), camel)
    return [f"traits.{camel}", f"traits.{snake}"]


def _address() -> dict[str, Any]:
    parts = {"street": ["street"], "city": ["city"], "region": ["state", "region"], "country": ["country"]}
    parts["postal_code"] = ["postalCode", "postal_code", "zip"]
    return {target: [f"traits.address.{name}" for name in names] for target, names in parts.items()}
