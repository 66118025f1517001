"""Mixes of sources, as companies and offices keep them: who writes what down, how well, how often twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .faults import Placeholders
from .population import Life
from .writing import Habit


@dataclass(frozen=True)
class Mix:
    """Sources by name, the lives of their people, what staff write into gaps, and what the columns are called (unnamed: as they are)."""

    sources: Mapping[str, Habit]
    life: Life = field(default_factory=Life)
    placeholders: Placeholders = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def _columns(**rates: float) -> Mapping[str, float]:
    return rates


_NAME = {"first_name": 0.99, "last_name": 0.99}
_PLACE = {"address": 0.95, "zip": 0.93, "city": 0.95}

COMPANY = Mix(
    sources={
        "sales": Habit(
            0.55,
            _NAME | _PLACE | _columns(email=0.8, phone=0.85, dob=0.5, middle_name=0.3),
            repeats=0.15,
            scripts=(0.8, 0.1, 0.1),
            switchboard=0.03,
        ),
        "support": Habit(
            0.45,
            {"full_name": 0.95} | _columns(email=0.75, phone=0.7),
            repeats=0.25,
            nicknames=0.2,
            case="mixed",
            typos=0.05,
            names="full",
            phone="any",
            scripts=(0.4, 0.3, 0.3),
        ),
        "shop": Habit(
            0.5,
            _NAME | _PLACE | _columns(email=1.0, phone=0.5),
            repeats=0.1,
            case="mixed",
            mailbox=0.3,
            phone="any",
            scripts=(0.6, 0.2, 0.2),
        ),
        "newsletter": Habit(
            0.4,
            {"first_name": 0.6, "last_name": 0.3} | _columns(email=1.0),
            repeats=0.03,
            nicknames=0.25,
            case="lower",
            typos=0.02,
            scripts=(0.3, 0.3, 0.4),
        ),
        "branches": Habit(
            0.35,
            _NAME | _PLACE | _columns(phone=0.8, dob=0.7),
            repeats=0.1,
            typos=0.07,
            case="upper",
            landline=0.5,
            swaps=0.02,
            date="%d/%m/%Y",
            scripts=(0.1, 0.4, 0.5),
            placeholders=0.1,
        ),
    },
    placeholders={
        "email": ("none@none.example", "info@ourshop.example", "x@x.xx", "noemail@mail.example"),
        "phone": ("0000000000", "9999999999", "0800 555 1000", "1234567890"),
        "dob": ("1900-01-01", "1970-01-01", "2000-01-01"),
        "last_name": ("Unknown", "Customer", "-"),
        "first_name": ("N/A", "Test", "Guest"),
        "address": ("unknown", "see notes"),
    },
)
"""Five departments: the usual job."""

REGISTERS = Mix(
    sources={
        "register_a": Habit(
            0.93,
            _NAME | {"address": 0.99, "zip": 0.99} | _columns(dob=0.97, gender=0.99),
            clean=True,
            repeats=0,
            typos=0.06,
            scans=True,
            case="upper",
            nicknames=0.02,
            dates=0.05,
            stale=0.0,
        ),
        "register_b": Habit(
            0.88,
            _NAME | {"address": 0.98, "zip": 0.98} | _columns(dob=0.95, gender=0.98, middle_name=0.4),
            clean=True,
            repeats=0,
            typos=0.04,
            case="as_is",
            nicknames=0.1,
            dates=0.04,
            stale=0.3,
        ),
    },
    life=Life(movers=0.12, youngest=0, twins=0.06, juniors=0.03, towns=8, streets=90, mailboxes=0, landlines=0),
)
"""Two registers of households, children and all, each free of duplicates."""

CLINIC = Mix(
    sources={
        "patients": Habit(
            1.0,
            {"full_name": 1.0} | _columns(dob=0.9, gender=0.97, phone=0.75, city=0.8, address=0.5),
            repeats=0.8,
            names="family_first",
            typos=0.1,
            nicknames=0.06,
            initials=0.04,
            swaps=0.03,
            dates=0.06,
            landline=0.45,
            phone="any",
            stale=0.4,
            date="%d.%m.%Y",
            scripts=(0.7, 0.2, 0.1),
        )
    },
    life=Life(movers=0.35, youngest=0, twins=0.08, juniors=0.06, shared_mobile=0.35, landlines=0.7, towns=5, streets=40),
    placeholders={"phone": ("999999999", "0", "000"), "dob": ("1901-01-01", "1911-11-11"), "address": ("no fixed abode", "homeless")},
    renamed={"full_name": "patient", "dob": "born", "gender": "sex", "phone": "contact_no"},
)
"""One source with many duplicates, no e-mail, a family's phone on every member."""

BANK = Mix(
    sources={
        "accounts": Habit(
            0.8,
            _NAME | _PLACE | _columns(dob=1.0, national_id=0.97, phone=0.9, email=0.6, middle_name=0.6),
            repeats=0.03,
            typos=0.01,
            placeholders=0.0,
            clean=True,
            scripts=(0.9, 0.05, 0.05),
        ),
        "cards": Habit(
            0.5,
            {"full_name": 1.0} | _columns(national_id=0.6, phone=0.8, phone2=0.3),
            repeats=0.4,
            case="upper",
            initials=0.1,
            names="full",
            scripts=(0, 0.5, 0.5),
            one_family_name=0.7,
        ),
        "insurance": Habit(
            0.4,
            _NAME | _PLACE | _columns(dob=0.95, email=0.5, phone=0.6, gender=0.9),
            repeats=0.2,
            typos=0.04,
            stale=0.45,
            date="%d/%m/%Y",
            scripts=(0.3, 0.3, 0.4),
        ),
        "leads": Habit(
            0.3,
            {"full_name": 0.9} | _columns(email=0.8, phone=0.7),
            repeats=0.3,
            names="full",
            nicknames=0.3,
            case="lower",
            phone="any",
            work_email=0.3,
            switchboard=0.1,
            scripts=(0.3, 0.3, 0.4),
        ),
    },
    life=Life(movers=0.4, newlyweds=0.3, firms=60, crowding=0.6),
    placeholders={"phone": ("111111111",), "email": ("noemail@bank.example", "na@na.na"), "national_id": ("000000000", "999999999")},
)
"""A bank and what it bought: a national id in two of four sources, leads from anywhere."""

AGENTS = Mix(
    sources={
        "agents": Habit(
            0.8,
            {"full_name": 1.0} | _columns(phone=0.92, address=0.5, city=0.9, dob=0.35, gender=0.7),
            repeats=0.4,
            names="initial",
            nicknames=0.25,
            typos=0.06,
            phone="any",
            landline=0.05,
            scripts=(0.5, 0.5),
        ),
        "app": Habit(
            0.5,
            _NAME | _columns(phone=1.0, email=0.7),
            repeats=0.15,
            nicknames=0.3,
            case="mixed",
            phone="international",
            landline=0.0,
            mailbox=0.05,
            swaps=0.04,
            scripts=(0.3, 0.7),
        ),
        "loans": Habit(
            0.35,
            {"full_name": 1.0} | _PLACE | _columns(phone=0.9, dob=0.95, national_id=0.85, gender=1.0),
            repeats=0.1,
            names="full",
            nicknames=0.12,
            scripts=(0.8, 0.2),
            dates=0.05,
        ),
    },
    life=Life(movers=0.3, shared_mobile=0.3, youngest=18, landlines=0.15, mailboxes=0.05, towns=20, streets=80),
    placeholders={"phone": ("9999999999", "1234567890"), "dob": ("1980-01-01", "1990-01-01")},
)
"""Field agents, an app and loans: one mobile in a family, few names, initials."""

CLUB = Mix(
    sources={
        "members": Habit(
            0.7,
            _NAME | _PLACE | _columns(dob=0.8, email=0.6, phone=0.7, phone2=0.4),
            repeats=0.06,
            typos=0.02,
            landline=0.6,
            stale=0.3,
            scripts=(0.95, 0.0, 0.05),
        ),
        "tickets": Habit(
            0.6,
            {"full_name": 1.0} | _columns(email=1.0, phone=0.3, zip=0.6),
            repeats=0.7,
            names="full",
            nicknames=0.2,
            case="mixed",
            mailbox=0.25,
            scripts=(0.4, 0.2, 0.4),
            phone="any",
        ),
        "donors": Habit(
            0.25,
            _NAME | _PLACE | _columns(phone=0.2, email=0.2),
            repeats=0.1,
            initials=0.12,
            case="upper",
            stale=0.5,
            scripts=(0.2, 0.2, 0.6),
            typos=0.05,
        ),
    },
    life=Life(movers=0.3, newlyweds=0.25, twins=0.05, juniors=0.08, crowding=0.5, mailboxes=0.35),
    placeholders={"phone": ("-", "0"), "email": ("keine@email.example",), "dob": ("1899-12-31",)},
    renamed={
        "first_name": "vorname",
        "last_name": "nachname",
        "dob": "geburtsdatum",
        "address": "strasse",
        "zip": "plz",
        "city": "ort",
        "phone": "telefon",
        "phone2": "mobil",
    },
)
"""A club: members' families, tickets bought on one mailbox, old donors by initial."""

MIXES: Mapping[str, Mix] = {"company": COMPANY, "registers": REGISTERS, "clinic": CLINIC, "bank": BANK, "agents": AGENTS, "club": CLUB}
