"""A sighting is what one department wrote down about one person on one day: true then, apart from slips of the pen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from cdp.demo import stock
from cdp.demo.people import LAST_DAY, Address, Person, Temper

DEPARTMENTS = ("sales", "support", "shop", "branches", "newsletter")
_SHARE = {"sales": 0.29, "support": 0.38, "shop": 0.57, "branches": 0.34, "newsletter": 0.41}
_TWICE = {"sales": 0.07, "support": 0.15, "shop": 0.14, "branches": 0.12, "newsletter": 0.08}
_PLACEHOLDER_PHONES = ("+10000000000", "+15555555555")
_PLACEHOLDER_MAILBOX = "none@example.com"
_PLACEHOLDER_BIRTH = date(1900, 1, 1)


@dataclass(frozen=True)
class Sighting:
    """One record before its department lays it out; `key` is set by the department."""

    person: Person
    department: str
    day: date
    given: str
    middle: str
    family: str
    suffix: str
    birth: date | None
    email: str | None
    mobile: str | None
    landline: str | None
    address: Address | None
    key: str = ""


def sightings(random: Random, person: Person) -> list[Sighting]:
    """Every record of `person`, in every department, at least one; oldest first in each department."""
    if person.story in ("everywhere", "marriage", "nickname"):
        return _told(random, person)
    chosen = [name for name in DEPARTMENTS if random.random() < _share(person, name)] or [random.choice(("shop", "branches", "support"))]
    return [seen for name in chosen for seen in _in(random, person, name)]


def _share(person: Person, department: str) -> float:
    if person.organisation:
        return {"sales": 0.95, "support": 0.5, "shop": 0.3, "branches": 0.25, "newsletter": 0.0}[department]
    return _SHARE[department] * (1.25 if person.temper is Temper.LOYAL else 1.0)


def _in(random: Random, person: Person, department: str) -> list[Sighting]:
    start, end = person.joined, person.left or LAST_DAY
    times = 1 + (random.random() < _TWICE[department]) + (random.random() < 0.012)
    days = sorted(start + timedelta(days=int(random.random() ** 2 * (end - start).days)) for _ in range(times))
    return [_slips(random, _truth(person, department, day), again=number > 0) for number, day in enumerate(days)]


def _told(random: Random, person: Person) -> list[Sighting]:
    """The records of a person with a story: one in each department, spread so that the story shows."""
    seen = []
    for number, department in enumerate(DEPARTMENTS):
        early = date(2022, 6, 1) + timedelta(days=90 * number)
        late = date(2026, 7, 1) + timedelta(days=11 * number)
        changed = person.story != "everywhere" and department in ("shop", "newsletter", "branches")
        record = _truth(person, department, late if changed else early)
        if person.story == "nickname" and department in ("shop", "newsletter", "support"):
            record = replace(record, given=random.choice(stock.NICKNAMES[person.given]))
        if person.story == "marriage" and department == "shop":
            record = replace(record, email=person.mailboxes[0][1])
        if person.story == "everywhere" and department == "branches":
            record = replace(record, given=record.given[0] + ".")
        seen.append(replace(record, birth=None if department in ("support", "newsletter") else person.birth, middle=""))
    return seen


def _truth(person: Person, department: str, day: date) -> Sighting:
    asked_birth = department in ("sales", "shop", "branches")
    return Sighting(
        person,
        department,
        day,
        given=person.given,
        middle=person.middle if department == "sales" else "",
        family=person.family_name(day),
        suffix=person.suffix,
        birth=person.birth if asked_birth and not person.organisation else None,
        email=person.mailbox(day),
        mobile=person.mobile,
        landline=person.landline,
        address=person.home(day) if department in ("sales", "shop", "branches") else None,
    )


_GAPS = {
    "sales": {"birth": 0.55, "email": 0.12, "mobile": 0.25, "landline": 0.3, "address": 0.2},
    "support": {"email": 0.16, "mobile": 0.55, "landline": 0.8},
    "shop": {"birth": 0.45, "email": 0.0, "mobile": 0.3, "landline": 0.85, "address": 0.04},
    "branches": {"birth": 0.3, "email": 0.55, "mobile": 0.45, "landline": 0.25, "address": 0.08},
    "newsletter": {"mobile": 1.0, "landline": 1.0},
}
"""Department -> field -> how often it stays empty."""


def _slips(random: Random, record: Sighting, *, again: bool) -> Sighting:
    changes: dict[str, object] = {name: None for name, share in _GAPS[record.department].items() if random.random() < share}
    person = record.person
    if not person.organisation:
        changes |= _name_slips(random, record, again)
    if record.email and person.shared_mailbox and random.random() < 0.45:
        changes["email"] = person.shared_mailbox
    if record.birth and "birth" not in changes:
        changes |= _birth_slips(random, record.birth)
    if record.email and "email" not in changes and record.department != "newsletter":
        changes |= _mail_slips(random, record.email)
    for field in ("mobile", "landline"):
        number = getattr(record, field)
        if number and field not in changes and random.random() < 0.03:
            changes[field] = (
                random.choice(_PLACEHOLDER_PHONES) if random.random() < 0.5 and person.country == "US" else _digit(random, number)
            )
    made = replace(record, **changes)  # type: ignore[arg-type]  # names of fields of Sighting
    return _reachable(made)


def _reachable(record: Sighting) -> Sighting:
    """A department knows a name and one way to find the customer at least."""
    if record.department == "newsletter" or record.email or record.mobile or record.landline or record.address:
        return record
    return replace(record, email=record.person.mailbox(record.day))


def _name_slips(random: Random, record: Sighting, again: bool) -> dict[str, object]:
    changes: dict[str, object] = {}
    short = stock.NICKNAMES.get(record.given)
    if short and random.random() < (0.4 if again else 0.22):
        changes["given"] = random.choice(short)
    elif random.random() < 0.03:
        changes["given"] = record.given[0] + ("." if random.random() < 0.5 else "")
    elif random.random() < 0.035:
        changes["given"] = _typo(random, record.given)
    if random.random() < 0.04:
        changes["family"] = _typo(random, record.family)
    elif record.person.maiden and record.family != record.person.maiden and random.random() < 0.12:
        changes["family"] = f"{record.family}-{record.person.maiden}"
    if record.suffix and random.random() < 0.35:
        changes["suffix"] = ""
    return changes


def _birth_slips(random: Random, birth: date) -> dict[str, object]:
    draw = random.random()
    if draw < 0.015:
        return {"birth": _PLACEHOLDER_BIRTH}
    if draw < 0.03 and birth.day <= 12:
        return {"birth": date(birth.year, birth.day, birth.month)}
    if draw < 0.045:
        return {"birth": birth.replace(day=min(birth.day % 28 + 1, 28))}
    return {}


def _mail_slips(random: Random, email: str) -> dict[str, object]:
    draw = random.random()
    if draw < 0.012:
        return {"email": _PLACEHOLDER_MAILBOX}
    if draw < 0.024:
        local, domain = email.split("@")
        return {"email": f"{_typo(random, local)}@{domain}"}
    return {}


def _typo(random: Random, word: str) -> str:
    """One slip: two letters swapped, one left out, doubled or hit beside. The first letter stays."""
    if len(word) < 4:
        return word
    at = random.randrange(1, len(word) - 1)
    kind = random.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[:at] + word[at] + word[at:]
    return word[:at] + random.choice("aeiourstlnm") + word[at + 1 :]


def _digit(random: Random, number: str) -> str:
    """The number with two of its last digits swapped, or one changed."""
    head, tail = number[:-2], number[-2:]
    return head + (
        tail[::-1] if tail[0] != tail[1] and random.random() < 0.5 else tail[0] + str((int(tail[1]) + random.randrange(1, 9)) % 10)
    )
