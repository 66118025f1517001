"""What a principal may not see is gone before a document leaves the house: every way out goes through one `View`.

A policy speaks of fields (`emails`, `birth`, `identifiers.tax_id`, `interaction.text`); FIELD_OF says which field of the policy each
member of a canonical document belongs to. A member that it does not name is a field of its own name and so falls under `*`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema
import yaml

import schemas
from cdp.access.errors import AccessConfigError, Forbidden
from cdp.access.principal import Principal

SHIPPED = Path(__file__).with_name("policy.yaml")


class Visibility(StrEnum):
    """How much of a value is shown."""

    VISIBLE = "visible"
    MASKED = "masked"
    HIDDEN = "hidden"


_OPENNESS = (Visibility.VISIBLE, Visibility.MASKED, Visibility.HIDDEN)

_NAME = (
    "full_name",
    "display_name",
    "prefix",
    "given_name",
    "middle_name",
    "family_name",
    "suffix",
    "nickname",
    "former_names",
    "generation",
)
FIELD_OF: Mapping[str, str] = {
    **dict.fromkeys(_NAME, "name"),
    **dict.fromkeys(("organisation_name", "job_title", "employer"), "organisation"),
    **dict.fromkeys(("birth_date", "birth_place", "death_date"), "birth"),
    **dict.fromkeys(("email", "emails", "name_in_email"), "emails"),
    **dict.fromkeys(("phone", "phones"), "phones"),
    **dict.fromkeys(("address", "addresses", "city"), "addresses"),
}
INTERACTION_FIELD_OF: Mapping[str, str] = {
    name: f"interaction.{field}"
    for name, field in {
        **{name: name for name in ("text", "subject", "items", "staff", "rating", "properties")},
        "amount": "amount",
        "currency": "amount",
    }.items()
}
CUSTOMER_FIELDS = ("name", "organisation", "birth", "gender", "language", "emails", "phones", "addresses", "consents")


@dataclass(frozen=True)
class View:
    """The fields as one principal sees them."""

    layers: tuple[Mapping[str, Visibility], ...]
    departments: tuple[Mapping[str, Visibility], ...]
    defaults: Mapping[str, Visibility]

    def of(self, field: str) -> Visibility:
        """How much of `field` (a name of the policy) is shown."""
        for rules in self.layers:
            found = _lookup(rules, field)
            if found is not None:
                return found
        stated = [_lookup(rules, field) or _lookup(self.defaults, field) or Visibility.HIDDEN for rules in self.departments]
        if stated:
            return min(stated, key=_OPENNESS.index)
        return _lookup(self.defaults, field) or Visibility.HIDDEN

    def sees(self, field: str) -> bool:
        """Whether `field` is shown as it is."""
        return self.of(field) is Visibility.VISIBLE

    @cached_property
    def raw(self) -> bool:
        """Whether raw rows are shown: they hold every customer field under names of the source."""
        rules = (*self.layers, *self.departments, self.defaults)
        stated = {name for layer in rules for name in layer if name.startswith(("identifiers.", "attributes."))}
        return all(self.sees(field) for field in ("raw", *CUSTOMER_FIELDS, "identifiers.*", "attributes.*", *stated))

    @cached_property
    def unrestricted(self) -> bool:
        """Whether free search can show nothing that this principal may not see."""
        return all(self.sees(field) for field in ("name", "organisation", "emails", "phones", "addresses", "identifiers.*"))

    def require_search(self, field: str) -> None:
        """Raises Forbidden where `field` is hidden: what cannot be seen cannot be searched."""
        if self.of(field) is Visibility.HIDDEN:
            raise Forbidden(f"your department and role do not see {field}, so it cannot be searched")


def _lookup(rules: Mapping[str, Visibility], field: str) -> Visibility | None:
    group = field.partition(".")[0] + ".*"
    for name in (field, group, "*"):
        if name in rules:
            return rules[name]
    return None


@dataclass(frozen=True)
class FieldPolicy:
    """The declared rules of all departments (folded names: case does not matter) and roles."""

    defaults: Mapping[str, Visibility]
    departments: Mapping[str, Mapping[str, Visibility]]
    roles: Mapping[str, Mapping[str, Visibility]]

    def view(self, principal: Principal) -> View:
        """What `principal` sees."""
        role = self.roles.get(principal.role.value)
        return View(
            layers=() if role is None else (role,),
            departments=tuple(self.departments.get(name.casefold(), {}) for name in sorted(principal.departments or ())),
            defaults=self.defaults,
        )


def _rules(document: Mapping[str, str]) -> dict[str, Visibility]:
    return {name: Visibility(value) for name, value in document.items()}


def parse(document: Any, where: str) -> FieldPolicy:
    """The policy that `document` declares.

    Raises:
        AccessConfigError: it is not what schemas/access_policy.schema.json describes.
    """
    validator = jsonschema.Draft202012Validator(schemas.load("access_policy"))
    problems = sorted(validator.iter_errors(document), key=lambda error: list(error.absolute_path))
    if problems:
        places = "; ".join(f"{error.json_path}: {error.message}" for error in problems[:3])
        raise AccessConfigError(f"{where} is not a field policy: {places}")
    return FieldPolicy(
        _rules(document["defaults"]),
        {name.casefold(): _rules(rules) for name, rules in document.get("departments", {}).items()},
        {name: _rules(rules) for name, rules in document.get("roles", {}).items()},
    )


def load_policy(path: str | Path = "") -> FieldPolicy:
    """The policy in the file `path`; empty: the one that ships.

    Raises:
        AccessConfigError: the file cannot be read or is no field policy.
    """
    file = Path(path) if path else SHIPPED
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AccessConfigError(
            f"the field policy {file} cannot be read ({type(error).__name__}); correct it or unset access_policy"
        ) from error
    return parse(document, str(file))
