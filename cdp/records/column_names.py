"""What the name of a column speaks of is looked up in `column_names.yaml`; nothing here judges values."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from anyascii import anyascii

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_APART = re.compile(r"[^a-z0-9]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_BIRTH = ("birth", "dob", "b", "geb", "geburts", "nacimiento", "nascimento", "naissance")


@cache
def fold_name(name: str) -> str:
    """A name in lower case ASCII, its words divided by `_`."""
    return _APART.sub("_", anyascii(_CAMEL.sub("_", name.translate(_UMLAUTS))).lower()).strip("_")


def last_part(path: str) -> str:
    """The folded name at the end of a path."""
    return fold_name(path.removesuffix("[]").rpartition(".")[2])


def words_of(name: str) -> frozenset[str]:
    """The folded words of a name."""
    return frozenset(fold_name(name).split("_"))


@cache
def names(section: str) -> frozenset[str]:
    """The folded names of a section that is a list."""
    return frozenset(fold_name(name) for name in _tables()[section])


@cache
def targets(section: str) -> dict[str, frozenset[str]]:
    """The folded names of each target of a section."""
    return {target: frozenset(fold_name(name) for name in listed) for target, listed in _tables()[section].items()}


def match(name: str, known: dict[str, frozenset[str]]) -> tuple[str, float] | None:
    """The target that a path's last name speaks of, and how surely: 1 where it is one of its names, less where it ends or begins so."""
    folded = last_part(name)
    found = ((_certainty(folded, known_name), target) for target, listed in known.items() for known_name in listed)
    certainty, target = max(found, default=(0.0, ""))
    return (target, certainty) if certainty else None


def is_key(path: str) -> bool:
    """Whether a path is called as keys are: `id`, `order_no`, `kundennr`."""
    folded = last_part(path)
    return folded in names("key") or folded.split("_")[-1] in names("key_word") or _glued(folded)


def names_customer(path: str) -> bool:
    """Whether a path is called as the keys of customers are: `customer_id`, `Kundennr`, `user`."""
    words = words_of(path)
    who = words & names("customer_word")
    return (bool(who) and (bool(words & names("key_word")) or len(words) == 1)) or _glued(last_part(path))


def birth_date_parts(paths: list[str]) -> tuple[str, str, str] | None:
    """The paths of year, month and day of birth, where a source divides it."""
    known = targets("date_part")
    by_name = {last_part(path).replace("_", ""): path for path in paths}
    for stem in _BIRTH:
        parts = [
            next((by_name[f"{stem}{word}"] for word in known[part] if f"{stem}{word}" in by_name), None)
            for part in ("year", "month", "day")
        ]
        year, month, day = parts
        if year and month and day:
            return year, month, day
    return None


def _glued(folded: str) -> bool:
    """A customer's word and a key's word without a sign between."""
    return any(folded.removeprefix(word) in names("key_word") for word in names("customer_word") if folded.startswith(word))


def _certainty(folded: str, known: str) -> float:
    if folded.replace("_", "") == known.replace("_", ""):
        return 1.0
    if folded.endswith(f"_{known}"):
        return 0.8 + len(known) / 1000
    return 0.6 + len(known) / 1000 if folded.startswith(f"{known}_") else 0.0


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = yaml.safe_load(files(__package__ or "cdp.records").joinpath("column_names.yaml").read_text("utf-8"))
    return tables
