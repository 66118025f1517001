"""A format is a pure function: people as the platform knows them -> the columns that a destination takes, and why a row would fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cdp.activation import values
from cdp.activation.columns import any_of, each, each_with, flat, joined, where

SLOTS = 3
"""E-mail addresses and phone numbers of a person that are sent at most."""
FIELDS = (
    "profile_id",
    "given_name",
    "family_name",
    "organisation_name",
    "birth_date",
    "gender",
    "language",
    "email_1",
    "email_2",
    "email_3",
    "phone_1",
    "phone_2",
    "phone_3",
    "street",
    "house_number",
    "unit",
    "postal_code",
    "city",
    "region",
    "country",
)
"""Columns of the people that a format is given, all text; `street` is without the house number."""

Options = Mapping[str, Any]
Columns = tuple[tuple[str, pa.Array], ...]


@dataclass(frozen=True)
class Formatted:
    """Rows of people as a destination takes them.

    Attributes:
        columns: (header, values); a header may repeat.
        keys: numbers of the columns that the destination knows a person by, and that a removal carries.
        problem: why a row would fail, or null.
        identity: what a removal carries instead of the key columns, in their order; None: these themselves.
    """

    columns: Columns
    keys: tuple[int, ...]
    problem: pa.Array
    identity: tuple[pa.Array, ...] | None = None


@dataclass(frozen=True)
class Format:
    """How a destination wants people.

    Attributes:
        make: the pure function.
        smallest: people below which the destination serves nothing.
        batch: rows that one call may carry.
        options: what a definition may choose.
    """

    title: str
    make: Callable[[pa.Table, Options], Formatted]
    smallest: int = 0
    batch: int = 10_000
    options: tuple[str, ...] = ()


def _slots(people: pa.Table, kind: str) -> list[pa.Array]:
    return [flat(people[f"{kind}_{number}"]) for number in range(1, SLOTS + 1)]


def _problem(*reasons: tuple[pa.Array, str]) -> pa.Array:
    """The first reason whose condition holds for a row."""
    made = pa.nulls(len(reasons[0][0]), pa.string())
    for holds, reason in reversed(reasons):
        made = pc.if_else(holds, pa.scalar(reason), made)
    return made


def _cut(texts: pa.Array, start: int, stop: int) -> pa.Array:
    """Part of each text; null where the text is too short to have it."""
    return where(pc.greater_equal(pc.utf8_length(texts), stop), pc.utf8_slice_codeunits(texts, start, stop))


def _street(people: pa.Table) -> pa.Array:
    """Street and number in the order of the country."""
    american = pc.is_in(flat(people["country"]), pa.array(["US", "CA", "GB", "AU", "NZ", "IE", "FR"]))
    before = joined([people["house_number"], people["street"]], " ")
    after = joined([people["street"], people["house_number"]], " ")
    return pc.if_else(pc.fill_null(american, False), before, after)


def google_ads(people: pa.Table, options: Options) -> Formatted:
    """Customer Match: `Email,First Name,Last Name,Country,Zip,Phone`; country and zip are never hashed.

    A removal names the address only of people who are known by nothing else: a family shares it.
    """
    hashed = (values.sha256,) if options.get("hash", True) else ()
    emails = [each(column, values.google_email, *hashed) for column in _slots(people, "email")]
    plain = () if hashed else (values.meta_phone,)
    phones = [each(column, values.google_phone, *hashed, *plain) for column in _slots(people, "phone")]
    given = each(people["given_name"], values.google_given_name, *hashed)
    family = each(people["family_name"], values.google_family_name, *hashed)
    country, postal = flat(people["country"]), each(people["postal_code"], lambda text: text.strip() or None)
    whole = pc.and_(pc.and_(pc.is_valid(given), pc.is_valid(family)), pc.and_(pc.is_valid(country), pc.is_valid(postal)))
    address = [("First Name", given), ("Last Name", family), ("Country", country), ("Zip", postal)]
    columns = (
        *(("Email", column) for column in emails),
        *((header, where(whole, column)) for header, column in address),
        *(("Phone", column) for column in phones),
    )
    usable = any_of([*emails, *phones, where(whole, given)])
    reached = any_of([*emails, *phones])
    identity = (*emails, *phones, *(where(pc.invert(reached), columns[number][1]) for number in range(3, 7)))
    problem = _problem((pc.invert(usable), "no e-mail, phone or complete address to match by"))
    return Formatted(columns, (0, 1, 2, 7, 8, 9, 3, 4, 5, 6), problem, identity)


def meta(people: pa.Table, options: Options) -> Formatted:
    """Custom audiences: everything hashed, country and zip too; the external id is the profile's."""
    hashed = (values.sha256,) if options.get("hash", True) else ()
    emails = [each(column, values.meta_email, *hashed) for column in _slots(people, "email")]
    phones = [each(column, values.meta_phone, *hashed) for column in _slots(people, "phone")]
    birth = flat(people["birth_date"])
    parts = {"doby": (0, 4), "dobm": (5, 7), "dobd": (8, 10)}
    born = [(name, each(_cut(birth, *place), *hashed)) for name, place in parts.items()]
    state = each_with(people["region"], people["country"], values.meta_state)
    postal = each_with(people["postal_code"], people["country"], values.meta_zip)
    columns = (
        *(("email", column) for column in emails),
        *(("phone", column) for column in phones),
        ("fn", each(people["given_name"], values.meta_name, *hashed)),
        ("ln", each(people["family_name"], values.meta_name, *hashed)),
        ("ct", each(people["city"], values.meta_city, *hashed)),
        ("st", each(state, *hashed)),
        ("zip", each(postal, *hashed)),
        ("country", each(people["country"], str.lower, *hashed)),
        *born,
        ("gen", each(people["gender"], values.meta_gender, *hashed)),
        ("extern_id", flat(people["profile_id"])),
    )
    usable = any_of([*emails, *phones])
    return Formatted(columns, (0, 1, 2, 3, 4, 5), _problem((pc.invert(usable), "no e-mail or phone to match by")))


def _unless_european(phone: str) -> str | None:
    return None if values.european_phone(phone) else phone


def liveramp(people: pa.Table, options: Options) -> Formatted:
    """Names and addresses in plain; with `hash`, e-mails in three hashes and phones in SHA-1 (not of the EEA, nor of people there)."""
    emails = [each(column, values.liveramp_email) for column in _slots(people, "email")]
    phones = [each(column, values.liveramp_phone) for column in _slots(people, "phone")]
    columns: list[tuple[str, pa.Array]] = [
        ("FIRSTNAME", flat(people["given_name"])),
        ("LASTNAME", flat(people["family_name"])),
        ("ADDRESS1", _street(people)),
        ("ADDRESS2", flat(people["unit"])),
        ("CITY", flat(people["city"])),
        (
            "STATE",
            each_with(people["region"], people["country"], lambda text, land: (values.us_state(text) if land == "US" else None) or text),
        ),
        ("ZIP", each(people["postal_code"], values.liveramp_zip)),
    ]
    if options.get("hash", False):
        resident = pc.fill_null(pc.is_in(flat(people["country"]), pa.array(sorted(values.EEA))), False)
        for number, column in enumerate(emails, 1):
            columns += [
                (f"EMAIL{number}_{name}", each(column, rule))
                for name, rule in (("SHA-256", values.sha256), ("MD5", values.md5), ("SHA-1", values.sha1))
            ]
        numbers = [each(slot, _unless_european) for slot in _slots(people, "phone")]
        columns += [
            (f"PHONE{number}_SHA-1", each(where(pc.invert(resident), column), values.liveramp_phone, values.sha1))
            for number, column in enumerate(numbers, 1)
        ]
        keys: tuple[int, ...] = (7, 10, 13)
    else:
        columns += [(f"EMAIL{number}", column) for number, column in enumerate(emails, 1)]
        columns += [(f"PHONE{number}", column) for number, column in enumerate(phones, 1)]
        keys = (7, 8, 9, 10, 11, 12)
    named = pc.and_(pc.and_(pc.is_valid(columns[0][1]), pc.is_valid(columns[1][1])), pc.is_valid(columns[6][1]))
    usable = any_of([*(column for _, column in columns[7:]), where(named, columns[0][1])])
    return Formatted(tuple(columns), keys, _problem((pc.invert(usable), "no e-mail, phone or postal address to match by")))


def mailchimp(people: pa.Table, options: Options) -> Formatted:
    """One address a member; the postal address in one cell, its parts divided by two spaces, the country last."""
    email = each(people["email_1"], values.mailchimp_email)
    postal = each_with(people["postal_code"], people["country"], lambda text, country: text[:5] if country == "US" else text)
    lines = [_street(people), flat(people["unit"]), flat(people["city"]), flat(people["region"]), postal, flat(people["country"])]
    whole = pc.and_(pc.is_valid(lines[0]), pc.is_valid(lines[2]))
    clip = values.mailchimp_text
    columns = (
        ("Email Address", email),
        ("First Name", each(people["given_name"], clip)),
        ("Last Name", each(people["family_name"], clip)),
        ("Address", each(where(whole, joined(lines, "  ")), clip)),
        ("Phone", flat(people["phone_1"]) if options.get("mode") in ("people", "api") else each(people["phone_1"], values.meta_phone)),
        ("Birthday", each(people["birth_date"], values.mailchimp_birthday)),
    )
    missing = pc.is_null(flat(people["email_1"]))
    unusable = pc.and_(pc.invert(missing), pc.is_null(email))
    return Formatted(columns, (0,), _problem((missing, "no e-mail address"), (unusable, "an e-mail address that Mailchimp refuses")))


def hubspot(people: pa.Table, options: Options) -> Formatted:
    """Contacts by e-mail; headers are the names of HubSpot's own properties."""
    email = each(people["email_1"], values.meta_email)
    columns = (
        ("Email", email),
        ("First Name", flat(people["given_name"])),
        ("Last Name", flat(people["family_name"])),
        (
            "Phone Number",
            flat(people["phone_1"]) if options.get("mode") in ("people", "api") else each(people["phone_1"], values.meta_phone),
        ),
        ("Company Name", flat(people["organisation_name"])),
        ("Street Address", _street(people)),
        ("City", flat(people["city"])),
        ("State/Region", flat(people["region"])),
        ("Postal Code", flat(people["postal_code"])),
        ("Country/Region", flat(people["country"])),
    )
    return Formatted(columns, (0,), _problem((pc.is_null(email), "no e-mail address: HubSpot could not find the contact again")))


def fields(people: pa.Table, options: Options) -> Formatted:
    """The fields and attributes that the definition names, as the platform holds them; the profile's id comes first."""
    names = ["profile_id", *(name for name in options.get("fields", FIELDS) if name != "profile_id")]
    columns = tuple((name, flat(people[name])) for name in names)
    needed = options.get("required", ())
    reasons = [(pc.is_null(flat(people[name])), f"no {name}") for name in needed]
    return Formatted(columns, (0,), _problem(*reasons) if reasons else pa.nulls(people.num_rows, pa.string()))


FORMATS: Mapping[str, Format] = {
    "google_ads": Format("Google Ads Customer Match", google_ads, smallest=100, options=("hash",)),
    "meta": Format("Meta custom audience", meta, smallest=100, options=("hash",)),
    "liveramp": Format("LiveRamp", liveramp, options=("hash",)),
    "mailchimp": Format("Mailchimp", mailchimp, batch=500),
    "hubspot": Format("HubSpot", hubspot, batch=100),
    "fields": Format("Chosen fields", fields, batch=1000, options=("fields", "required")),
}


def attributes_of(options: Options) -> tuple[str, ...]:
    """The attributes among the names that the options of the format `fields` give."""
    named = (*options.get("fields", ()), *options.get("required", ()))
    return tuple(dict.fromkeys(name for name in named if name not in FIELDS))


def columns_of(name: str, options: Options) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Headers and key columns of a format with these options."""
    empty = pa.table({field: pa.array([], pa.string()) for field in (*FIELDS, *attributes_of(options))})
    made = FORMATS[name].make(empty, options)
    return tuple(header for header, _ in made.columns), made.keys


def warnings(name: str, audience: str, people: int) -> Sequence[str]:
    """What a marketer should know before sending."""
    found = []
    format = FORMATS[name]
    if 0 < people < format.smallest:
        found.append(f"{format.title} serves an audience only from {format.smallest} people on; this one has {people}")
    words = set(audience.lower().replace("_", " ").replace("-", " ").split())
    if name == "meta" and words & _SENSITIVE:
        found.append(f"the name {audience!r} suggests health or finances: Meta flags and blocks such audiences; choose another name")
    return found


_SENSITIVE = frozenset(
    {
        *("health", "medical", "disease", "diabetes", "cancer", "pregnant", "pregnancy", "depression", "therapy", "patient", "patients"),
        *("credit", "debt", "loan", "loans", "bankrupt", "income", "mortgage", "insolvent", "financial"),
    }
)
