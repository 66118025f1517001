"""What is worth showing: people whose records are hard to bring together, and people who are hard to tell apart.

A story names no outcome; `telling_merges` looks at what resolution made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pyarrow as pa

from cdp.demo.people import LAST_DAY, Person

RecordKey = tuple[str, str, str]
"""Source, stream, source key."""

TITLES = {
    "everywhere": "Five departments, one customer",
    "marriage": "A new name",
    "nickname": "A nickname and a move",
    "twins": "Twins kept apart",
    "namesakes": "Father and son kept apart",
}
_APART = ("twins", "namesakes")


@dataclass(frozen=True)
class Story:
    """One person, or two that must stay two."""

    kind: str
    text: str
    people: tuple[int, ...]


@dataclass(frozen=True)
class Telling:
    """A story as it came out.

    Attributes:
        records: of each person of the story.
        profiles: the profile (or profiles) that they are in now, most records first.
        right: whether the records of each person are one profile, and no profile has anybody else's.
    """

    kind: str
    title: str
    text: str
    records: tuple[tuple[RecordKey, ...], ...]
    profiles: tuple[str, ...]
    right: bool


def stories(everybody: Sequence[Person]) -> tuple[Story, ...]:
    """The stories of a population, in the order of `TITLES`."""
    told = [person for person in everybody if person.story]
    found = [Story(person.story or "", _alone(person), (person.id,)) for person in told if person.story not in _APART]
    found += [Story(first.story or "", _together(first), (first.id, second.id)) for first, second in _pairs(told)]
    order = list(TITLES)
    return tuple(sorted(found, key=lambda story: order.index(story.kind)))


def _pairs(told: Sequence[Person]) -> Iterator[tuple[Person, Person]]:
    for first, second in pairwise(told):
        if first.story in _APART and first.story == second.story and first.household == second.household:
            yield first, second


def _alone(person: Person) -> str:
    name = f"{person.given} {person.family}"
    if person.story == "marriage":
        return f"{person.given} {person.maiden} married in June 2025, is {name} now and moved; only the web shop still has the old mailbox."
    if person.story == "nickname":
        since, home = person.homes[-1]
        where = f"within {home.city}" if home.city == person.homes[0][1].city else f"from {person.homes[0][1].city} to {home.city}"
        return f"{name} goes by a nickname and moved {where} in {since:%B %Y}."
    return f"{name} buys, writes, calls, visits and reads the newsletter: a record in each department."


def _together(first: Person) -> str:
    home = first.home(LAST_DAY).city
    if first.story == "twins":
        return f"Two {first.family}s in {home} with one birthday, one address and one line: two people."
    return f"{first.given} {first.family} senior and junior live in one house in {home}: one name, two people."


def telling_merges(told: Sequence[Story], truth: pa.Table, profile_of: Mapping[RecordKey, str]) -> tuple[Telling, ...]:
    """The best example of each kind: one that came out right where there is one, with as many records as can be.

    Args:
        told: the stories of the company.
        truth: `DemoWorld.truth`.
        profile_of: the profile that each customer record is in.
    """
    records: dict[int, list[RecordKey]] = {}
    persons: dict[str, set[int]] = {}
    for row in truth.select(["source", "stream", "source_key", "person_id"]).to_pylist():
        key = (row["source"], row["stream"], row["source_key"])
        if key in profile_of:
            records.setdefault(row["person_id"], []).append(key)
            persons.setdefault(profile_of[key], set()).add(row["person_id"])
    best: dict[str, Telling] = {}
    for story in told:
        if all(person in records for person in story.people):
            outcome = _outcome(story, records, persons, profile_of)
            if story.kind not in best or _rank(outcome) > _rank(best[story.kind]):
                best[story.kind] = outcome
    return tuple(best[kind] for kind in TITLES if kind in best)


def _outcome(
    story: Story, records: Mapping[int, list[RecordKey]], persons: Mapping[str, set[int]], profile_of: Mapping[RecordKey, str]
) -> Telling:
    own = tuple(tuple(sorted(records[person])) for person in story.people)
    homes = [[profile_of[key] for key in keys] for keys in own]
    counts = {profile: sum(home.count(profile) for home in homes) for home in homes for profile in home}
    right = all(len(set(home)) == 1 and persons[home[0]] == {person} for home, person in zip(homes, story.people, strict=True))
    profiles = tuple(sorted(counts, key=lambda profile: (-counts[profile], profile)))
    return Telling(story.kind, TITLES[story.kind], story.text, own, profiles, right)


def _rank(telling: Telling) -> tuple[bool, int, int]:
    return telling.right, min(len(keys) for keys in telling.records), sum(len(keys) for keys in telling.records)
