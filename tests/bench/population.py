"""People in households, as columns of numbers: the truth before anybody writes it down. A chunk depends on its seed alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .worlds import World

_PRIME = 899_999_963
_TODAY = np.datetime64("2026-01-01")


@dataclass(frozen=True)
class Life:
    """How people of a world change and look alike.

    Attributes:
        movers: share of people who live elsewhere later on (half of them with their whole household).
        newlyweds: share of name-sharing wives whose records before a date carry the maiden name.
        twins, juniors: share of children who are a twin of the one before, or bear their father's given name.
        youngest: age of the youngest customers.
        landlines, mailboxes: share of households with one for all.
        shared_mobile: share of members who give the head's mobile for theirs.
        towns, streets: how many there are for 10,000 people; few make a village, many a country.
        crowding: share of households in houses with several flats.
        firms: firms for 10,000 people, with a switchboard and a mail domain.
        offset: added to all numbers a person owns, so that two files share none by accident.
    """

    movers: float = 0.25
    newlyweds: float = 0.12
    twins: float = 0.03
    juniors: float = 0.05
    youngest: int = 16
    landlines: float = 0.5
    mailboxes: float = 0.25
    shared_mobile: float = 0.03
    towns: float = 12
    streets: float = 60
    crowding: float = 0.3
    firms: float = 30
    offset: int = 0


@dataclass(frozen=True)
class Address:
    """Where somebody lives, by number."""

    town: np.ndarray
    street: np.ndarray
    house: np.ndarray
    unit: np.ndarray

    def take(self, index: np.ndarray) -> Address:
        return Address(self.town[index], self.street[index], self.house[index], self.unit[index])

    def where(self, mask: np.ndarray, other: Address) -> Address:
        pick = np.where
        return Address(
            pick(mask, self.town, other.town),
            pick(mask, self.street, other.street),
            pick(mask, self.house, other.house),
            pick(mask, self.unit, other.unit),
        )


@dataclass(frozen=True)
class People:
    """One row a person. Times are 0 … 1 over the years the records were written; 2 is never."""

    person: np.ndarray
    household: np.ndarray
    male: np.ndarray
    given: np.ndarray
    middle: np.ndarray
    father: np.ndarray
    family: np.ndarray
    second_family: np.ndarray
    former_family: np.ndarray
    double_name: np.ndarray
    wedding: np.ndarray
    birth: np.ndarray
    twin: np.ndarray
    junior: np.ndarray
    home: Address
    new_home: Address
    move: np.ndarray
    mobile: np.ndarray
    second_mobile: np.ndarray
    landline: np.ndarray
    mailbox: np.ndarray
    firm: np.ndarray
    email_form: np.ndarray
    email_number: np.ndarray
    national_id: np.ndarray

    @property
    def count(self) -> int:
        return len(self.person)


def unique_number(index: np.ndarray, salt: int) -> np.ndarray:
    """A number below 9·10⁸ that no other index below that gets: a permutation that looks drawn."""
    return (index * np.int64(387_420_489) + np.int64(salt) * 7_368_787) % _PRIME


def draw_given(world: World, rng: np.random.Generator, male: np.ndarray, power: float = 0.8) -> np.ndarray:
    """Given names by sex, each sex with its own Zipf law."""
    females = world.given.size - world.males
    picked = np.empty(len(male), np.int64)
    for mask, first, size in ((male, 0, world.males), (~male, world.males, females)):
        weights = 1.0 / (np.arange(1, size + 1) + 6.0) ** power
        picked[mask] = first + np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(int(mask.sum()))).clip(0, size - 1)
    return picked


@dataclass(frozen=True)
class _Roles:
    """Who is who in a household: position 0 is the head."""

    household: np.ndarray
    position: np.ndarray
    kind: np.ndarray
    head: np.ndarray

    @property
    def partner(self) -> np.ndarray:
        return (self.position == 1) & np.isin(self.kind, (1, 2, 5))

    @property
    def flatmate(self) -> np.ndarray:
        return (self.position > 0) & (self.kind == 4)

    @property
    def grandparent(self) -> np.ndarray:
        return (self.position == 2) & (self.kind == 5)

    @property
    def child(self) -> np.ndarray:
        return (self.position > 0) & ~self.partner & ~self.flatmate & ~self.grandparent


def _roles(world: World, rng: np.random.Generator, count: int) -> _Roles:
    kind = rng.choice(6, size=count, p=world.household_sizes)
    extra = rng.integers(0, 3, count)
    size = np.select([kind == 0, kind == 1, kind == 2, kind == 3, kind == 4], [1, 2, 3 + extra, 2 + extra // 2, 2 + extra], 4 + extra)
    household = np.repeat(np.arange(count), size)
    keep = int(np.searchsorted(household, household[min(count, len(household)) - 1], side="right"))
    first = np.repeat(np.cumsum(size) - size, size)
    position = np.arange(len(household)) - first
    return _Roles(household[:keep], position[:keep], np.repeat(kind, size)[:keep], first[:keep])


def _births(world: World, life: Life, rng: np.random.Generator, roles: _Roles) -> tuple[np.ndarray, np.ndarray]:
    count = len(roles.household)
    age = rng.integers(20, 85, count).astype(float)
    has_children = np.isin(roles.kind, (2, 3, 5))
    age = np.where(has_children & (roles.position == 0), rng.integers(life.youngest + 22, life.youngest + 55, count), age)
    head_age = age[roles.head]
    age = np.where(roles.partner, head_age + rng.normal(0, 4, count), age)
    age = np.where(roles.child, np.maximum(head_age - rng.integers(20, 42, count), life.youngest + rng.integers(0, 8, count)), age)
    age = np.where(roles.grandparent, head_age + rng.integers(20, 34, count), age)
    days = (np.clip(age, life.youngest, 99) * 365.25 + rng.integers(0, 365, count)).astype(np.int64)
    birth = _TODAY - days.astype("timedelta64[D]")
    if world.january_first:
        guessed = rng.random(count) < world.january_first
        birth = np.where(guessed, birth.astype("datetime64[Y]").astype("datetime64[D]"), birth)
    twin = roles.child & np.roll(roles.child, 1) & (np.roll(roles.household, 1) == roles.household) & (rng.random(count) < life.twins)
    birth[twin] = birth[np.flatnonzero(twin) - 1]
    return birth, twin


def _families(world: World, rng: np.random.Generator, roles: _Roles, male: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Family name, mother's family name, and the name somebody had before a wedding (-1: never another)."""
    count = len(roles.household)
    born = world.family.draw(rng, count)
    second = world.family.draw(rng, count)
    shares = roles.partner & (rng.random(count) < world.takes_name)
    family = np.where(shares | roles.child | roles.grandparent, born[roles.head], born)
    if world.family_rule == "two":
        partner = np.minimum(roles.head + 1, count - 1)
        mother = np.where(roles.partner[partner], born[partner], second[roles.head])
        second = np.where(roles.child, mother, second)
    return family, second, np.where(shares & ~male, born, -1)


def _addresses(life: Life, rng: np.random.Generator, count: int, scale: int) -> Address:
    towns = max(3, int(life.towns * scale / 10_000))
    town = (rng.random(count) ** 1.8 * towns).astype(np.int64)
    per_town = max(5, int(life.streets / life.towns * 10))
    street = town * 31 + (rng.random(count) ** 1.5 * per_town).astype(np.int64)
    house = 1 + (rng.random(count) ** 1.6 * 160).astype(np.int64)
    crowded = rng.random(count) < life.crowding
    return Address(town, street, np.where(crowded, 1 + house % 12 * 4, house), np.where(crowded, 1 + rng.integers(0, 40, count), 0))


def make_people(world: World, life: Life, count: int, first_person: int, scale: int, seed: tuple[int, ...]) -> People:
    """About `count` people (the last household is whole), numbered from `first_person`; `scale` is the size of the whole world."""
    rng = np.random.default_rng(seed)
    roles = _roles(world, rng, count)
    n = len(roles.household)
    households = int(roles.household[-1]) + 1
    male = rng.random(n) < 0.5
    male = np.where(roles.partner, ~male[roles.head], male)
    given = draw_given(world, rng, male)
    father = np.where(male[roles.head], given[roles.head], -1)
    junior = roles.child & male & (father >= 0) & (rng.random(n) < life.juniors)
    given = np.where(junior, father, given)
    birth, twin = _births(world, life, rng, roles)
    family, second, former = _families(world, rng, roles, male)
    person = first_person + np.arange(n)
    house_number = first_person + roles.household
    move_alone = rng.random(n) < life.movers / 2
    move_house = (rng.random(households) < life.movers / 2)[roles.household]
    moved_home = _addresses(life, rng, households, scale).take(roles.household)
    own_home = _addresses(life, rng, n, scale)
    mobile = unique_number(person, 1 + life.offset)
    mobile = np.where((roles.position > 0) & (rng.random(n) < life.shared_mobile), mobile[roles.head], mobile)
    move_time = np.where(move_house & ~move_alone, rng.random(households)[roles.household], np.where(move_alone, rng.random(n), 2.0))
    married = (former >= 0) & (rng.random(n) < life.newlyweds)
    return People(
        person=person,
        household=house_number,
        male=male,
        given=given,
        middle=np.where(rng.random(n) < world.middle_share, draw_given(world, rng, male), -1),
        father=np.where(roles.child & (father >= 0), father, draw_given(world, rng, np.ones(n, bool))),
        family=family,
        second_family=second,
        former_family=former,
        double_name=(former >= 0) & (rng.random(n) < world.double_name),
        wedding=np.where(married, rng.random(n), 2.0),
        birth=birth,
        twin=twin | np.roll(twin, -1),
        junior=junior,
        home=_addresses(life, rng, households, scale).take(roles.household),
        new_home=own_home.where(move_alone, moved_home),
        move=move_time,
        mobile=mobile,
        second_mobile=np.where(rng.random(n) < 0.2, unique_number(person, 2 + life.offset), -1),
        landline=np.where((rng.random(households) < life.landlines)[roles.household], unique_number(house_number, 3 + life.offset), -1),
        mailbox=np.where((rng.random(households) < life.mailboxes)[roles.household], house_number, -1),
        firm=np.where(rng.random(n) < 0.6, (rng.random(n) ** 2 * max(5, life.firms * scale / 10_000)).astype(np.int64), -1),
        email_form=rng.integers(0, 8, n),
        email_number=rng.integers(1, 99_999, n),
        national_id=unique_number(person, 4 + life.offset),
    )
