"""The population: who exists, with whom they live, and what changed in their lives.

One seed makes one population, whatever is done with it later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from anyascii import anyascii

from cdp.demo import stock

FIRST_DAY = date(2024, 11, 1)
LAST_DAY = date(2026, 10, 31)
_OPENED = date(2021, 3, 1)


class Temper(StrEnum):
    """How a customer behaves."""

    LOYAL = "loyal"
    REGULAR = "regular"
    OCCASIONAL = "occasional"
    LEAVER = "leaver"


@dataclass(frozen=True)
class Address:
    """Where somebody lives."""

    street: str
    house_number: str
    postal_code: str
    city: str
    region: str
    country: str


@dataclass(frozen=True)
class Person:
    """One person (or organisation) as it is, whatever any department wrote down about it.

    Attributes:
        homes: (first day, address), oldest first.
        married: the day from which `family` is the name; before it, `maiden` was.
        mailboxes: own addresses with the first day of use, oldest first.
        shared_mailbox: the family's, or None.
        left: the day after which a leaver does nothing any more.
        story: what makes this person worth showing, or None.
    """

    id: int
    household: int | None
    given: str
    middle: str
    family: str
    sex: str
    birth: date
    country: str
    homes: tuple[tuple[date, Address], ...]
    mailboxes: tuple[tuple[date, str], ...]
    mobile: str | None = None
    landline: str | None = None
    shared_mailbox: str | None = None
    suffix: str = ""
    maiden: str = ""
    married: date | None = None
    organisation: str = ""
    temper: Temper = Temper.REGULAR
    joined: date = FIRST_DAY
    left: date | None = None
    likes: tuple[str, ...] = ()
    story: str | None = None

    def home(self, day: date) -> Address:
        """The address on `day` (before the first one: the first)."""
        at = bisect_right([since for since, _ in self.homes], day)
        return self.homes[max(at - 1, 0)][1]

    def mailbox(self, day: date) -> str:
        """The own e-mail address in use on `day`."""
        at = bisect_right([since for since, _ in self.mailboxes], day)
        return self.mailboxes[max(at - 1, 0)][1]

    def family_name(self, day: date) -> str:
        """The family name on `day`."""
        return self.maiden if self.married and day < self.married else self.family

    @property
    def active(self) -> tuple[date, date]:
        """First and last day of doing anything within the two years."""
        return max(self.joined, FIRST_DAY), min(self.left or LAST_DAY, LAST_DAY)


@dataclass
class _Numbers:
    """Hands out telephone numbers and mailboxes, each once."""

    random: Random
    used: set[str] = field(default_factory=set)

    def phone(self, city: stock.City) -> str | None:
        for _ in range(60):
            area = self.random.choice(city.areas)
            number = f"{area}{self.random.randrange(1000):03}" if city.country == "DE" else f"+1{area}55501{self.random.randrange(100):02}"
            if number not in self.used:
                self.used.add(number)
                return number
        return self._elsewhere(city)

    def _elsewhere(self, city: stock.City) -> str | None:
        """A number kept from an earlier home: the city's own range is used up."""
        cities = stock.CITIES_DE if city.country == "DE" else stock.CITIES
        for _ in range(400):
            other = self.random.choice(cities)
            area = self.random.choice(other.areas)
            number = f"{area}{self.random.randrange(1000):03}" if city.country == "DE" else f"+1{area}55501{self.random.randrange(100):02}"
            if number not in self.used:
                self.used.add(number)
                return number
        return None

    def mobile(self, city: stock.City) -> str | None:
        if city.country != "DE":
            return self.phone(city)
        free = [number for number in stock.MOBILE_DE if number not in self.used]
        if not free:
            return None
        self.used.add(free[0])
        return free[0]

    def mailbox(self, given: str, family: str, country: str, birth: date) -> str:
        first, last = _plain(given), _plain(family)
        forms = (
            f"{first}.{last}",
            f"{first[0]}.{last}",
            f"{first}{last}",
            f"{last}.{first}",
            f"{first}_{last}",
            f"{first}.{last}{birth.year % 100:02}",
        )
        domains = stock.MAIL_DOMAINS_DE if country == "DE" else stock.MAIL_DOMAINS
        for attempt in range(1000):
            local = self.random.choice(forms) + (str(self.random.randrange(2, 100)) if attempt > 3 else "")
            address = f"{local}@{self.random.choice(domains)}"
            if address not in self.used:
                self.used.add(address)
                return address
        raise AssertionError("a thousand mailboxes of one name are taken")


def _plain(name: str) -> str:
    folded = name.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    return "".join(letter for letter in anyascii(folded).lower() if letter.isalnum())


def population(random: Random, people: int) -> list[Person]:
    """`people` persons and organisations; the first of them are the ones that stories are told about."""
    makers = _Maker(random, _Numbers(random))
    made = [person for household in makers.stories() for person in household]
    while len(made) < people:
        made.extend(makers.organisation() if random.random() < 0.06 else makers.household())
    return [replace(person, id=number) for number, person in enumerate(made[:people], 1)]


@dataclass
class _Maker:
    random: Random
    numbers: _Numbers
    households: int = 0

    def city(self) -> stock.City:
        return self.random.choice(stock.CITIES_DE if self.random.random() < 0.12 else stock.CITIES)

    def address(self, city: stock.City) -> Address:
        pick = self.random
        if city.country == "DE":
            street = pick.choice(stock.STREETS_DE) + pick.choice(stock.STREET_KINDS_DE)[0]
            return Address(street, str(pick.randrange(1, 140)), f"{city.postal}{pick.randrange(115, 999)}", city.name, "", "DE")
        street = f"{pick.choice(stock.STREETS)} {pick.choice(stock.STREET_KINDS)[0]}"
        return Address(street, str(pick.randrange(2, 4800)), f"{city.postal}{pick.randrange(1, 99):02}", city.name, city.region, "US")

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.random.randrange(max((last - first).days, 1)))

    def names(self, country: str, sex: str) -> str:
        if country == "DE":
            return self.random.choice(stock.FEMALE_DE if sex == "f" else stock.MALE_DE)
        return self.random.choice(stock.FEMALE if sex == "f" else stock.MALE)

    def family(self, country: str) -> str:
        return self.random.choice(stock.FAMILY_DE if country == "DE" else stock.FAMILY)

    def homes(self, city: stock.City, moved: bool) -> tuple[tuple[date, Address], ...]:
        first = (_OPENED, self.address(city))
        if not moved:
            return (first,)
        there = city if self.random.random() < 0.6 else self.random.choice(stock.CITIES_DE if city.country == "DE" else stock.CITIES)
        return (first, (self.day(date(2024, 1, 1), date(2026, 6, 30)), self.address(there)))

    def person(self, home: _Home, sex: str, birth: date, **known: object) -> Person:
        pick = self.random
        given = str(known.pop("given", "")) or self._new_name(home, sex)
        home.given.add(given)
        family = str(known.pop("family", "")) or home.family
        maiden = str(known.get("maiden", ""))
        boxes = [(_OPENED, self.numbers.mailbox(given, maiden or family, home.city.country, birth))]
        if maiden or pick.random() < 0.12:
            changed = known.get("married")
            since = changed if isinstance(changed, date) else self.day(FIRST_DAY, LAST_DAY)
            boxes.append((since, self.numbers.mailbox(given, family, home.city.country, birth)))
        temper = pick.choices(tuple(Temper), (16, 36, 36, 12))[0]
        joined = self.day(_OPENED, FIRST_DAY) if pick.random() < 0.6 else self.day(FIRST_DAY, LAST_DAY - timedelta(days=30))
        left = self.day(max(joined, FIRST_DAY) + timedelta(days=60), LAST_DAY) if temper is Temper.LEAVER else None
        made = Person(
            id=0,
            household=home.id,
            given=given,
            middle=self.names(home.city.country, sex) if pick.random() < 0.4 else "",
            family=family,
            sex=sex,
            birth=birth,
            country=home.city.country,
            homes=home.homes,
            mailboxes=tuple(boxes),
            mobile=self.numbers.mobile(home.city) if pick.random() < 0.85 else None,
            landline=home.landline,
            shared_mailbox=home.mailbox,
            temper=temper,
            joined=joined,
            left=left,
            likes=tuple(pick.sample(stock.CATEGORIES, pick.choice((1, 2, 2, 3)))),
        )
        return replace(made, **known)  # type: ignore[arg-type]  # the callers below name fields of Person

    def home(self, size: int, *, moved: bool | None = None, city: stock.City | None = None) -> _Home:
        pick = self.random
        place = city or self.city()
        family = self.family(place.country)
        self.households += 1
        mailbox = None
        if size > 1 and pick.random() < 0.22:
            domain = pick.choice(stock.MAIL_DOMAINS_DE if place.country == "DE" else stock.MAIL_DOMAINS)
            mailbox = f"family.{_plain(family)}{self.households}@{domain}"
        landline = self.numbers.phone(place) if pick.random() < 0.45 else None
        return _Home(self.households, place, family, self.homes(place, pick.random() < 0.16 if moved is None else moved), landline, mailbox)

    def birth(self, first: int, last: int) -> date:
        return self.day(date(first, 1, 1), date(last, 12, 31))

    def household(self) -> Iterator[Person]:
        shape = self.random.choices(("single", "couple", "family", "twins", "namesakes"), (42, 30, 24, 2.5, 1.5))[0]
        if shape == "single":
            return iter([self.person(self.home(1), self.random.choice("fm"), self.birth(1942, 2006))])
        if shape == "couple":
            return self.couple(self.home(2))
        if shape == "namesakes":
            return self.namesakes(self.home(3))
        return self.parents_and_children(self.home(4), shape == "twins")

    def couple(self, home: _Home) -> Iterator[Person]:
        year = self.random.randrange(1945, 1999)
        sexes = ("f", "m") if self.random.random() < 0.93 else ("f", "f")
        wedding = self.random.random()
        known: dict[str, object] = {}
        if wedding < 0.16:
            known = {"maiden": self.family(home.city.country), "married": self.day(date(2024, 6, 1), date(2026, 6, 30))}
        elif wedding < 0.34:
            known = {"family": self.family(home.city.country)}
        yield self.person(home, sexes[0], self.birth(year - 3, year + 3), **known)
        yield self.person(home, sexes[1], self.birth(year - 4, year + 2))

    def parents_and_children(self, home: _Home, twins: bool) -> Iterator[Person]:
        year = self.random.randrange(1955, 1980)
        yield self.person(home, "f", self.birth(year - 3, year + 3))
        yield self.person(home, "m", self.birth(year - 4, year + 2))
        birth = self.birth(year + 22, min(year + 34, 2007))
        sex = self.random.choice("fm")
        if twins:
            first, second = self._two_names(home.city.country, sex)
            yield self.person(home, sex, birth, given=first, story="twins")
            yield self.person(home, sex, birth, given=second, story="twins")
            return
        for years in range(self.random.choice((1, 1, 2, 3))):
            yield self.person(home, self.random.choice("fm"), birth + timedelta(days=years * 700 + self.random.randrange(300)))

    def _new_name(self, home: _Home, sex: str) -> str:
        """A given name that nobody at home has."""
        while (name := self.names(home.city.country, sex)) in home.given:
            pass
        return name

    def _two_names(self, country: str, sex: str) -> tuple[str, str]:
        first = self.names(country, sex)
        while (second := self.names(country, sex)) == first:
            pass
        return first, second

    def namesakes(self, home: _Home) -> Iterator[Person]:
        """Father and son of one name."""
        given = self.names(home.city.country, "m")
        year = self.random.randrange(1948, 1972)
        yield self.person(home, "m", self.birth(year, year), given=given, suffix="Sr.", story="namesakes")
        yield self.person(home, "m", self.birth(year + 23, year + 34), given=given, suffix="Jr.", story="namesakes")
        yield self.person(home, "f", self.birth(year - 3, year + 3))

    def organisation(self) -> Iterator[Person]:
        city = self.city()
        trade, word = self.random.choice(stock.TRADES)
        family = self.family(city.country)
        legal = "GmbH" if city.country == "DE" else self.random.choice(stock.LEGAL[:4])
        name = f"{family} {trade} {legal}"
        box = f"{self.random.choice(('info', 'office', 'orders'))}@{_plain(family)}-{word}.example"
        home = _Home(0, city, family, self.homes(city, False), self.numbers.phone(city), None)
        made = self.person(home, "", self.birth(1980, 1990), given="X", organisation=name, household=None, mobile=None)
        yield replace(
            made,
            given="",
            middle="",
            mailboxes=((_OPENED, box),),
            temper=Temper.LOYAL if self.random.random() < 0.4 else Temper.REGULAR,
            left=None,
        )

    def stories(self) -> Iterator[list[Person]]:
        """Households that every demo company has, so that there is something to tell."""
        denver, portland, berlin = stock.CITIES[0], stock.CITIES[1], stock.CITIES_DE[0]
        long_ago = {"joined": date(2022, 5, 4), "left": None, "temper": Temper.LOYAL}
        for number in range(4):
            home = self.home(2, moved=False, city=(denver, portland, berlin, denver)[number])
            yield [self.person(home, "f", self.birth(1962, 1984), story="everywhere", mobile=self.numbers.mobile(home.city), **long_ago)]
        for number in range(4):
            home = self.home(2, moved=True, city=(portland, denver, berlin, portland)[number])
            maiden = self.family(home.city.country)
            bride = self.person(home, "f", self.birth(1986, 1998), maiden=maiden, married=date(2025, 6, 14), story="marriage", **long_ago)
            yield [bride, self.person(home, "m", self.birth(1984, 1997))]
        for given in ("Robert", "Elizabeth", "Margaret", "William"):
            home = self.home(1, moved=True, city=denver)
            sex = "m" if given in stock.MALE else "f"
            yield [
                self.person(
                    home, sex, self.birth(1955, 1980), given=given, story="nickname", mobile=self.numbers.mobile(home.city), **long_ago
                )
            ]
        for _ in range(3):
            yield list(self.parents_and_children(self.home(4, moved=False, city=denver), twins=True))
            yield list(self.namesakes(self.home(3, moved=False, city=portland)))


@dataclass(frozen=True)
class _Home:
    id: int
    city: stock.City
    family: str
    homes: tuple[tuple[date, Address], ...]
    landline: str | None
    mailbox: str | None
    given: set[str] = field(default_factory=set)
