"""Declared attributes: what is known of a customer by calculation, each value with when and from what."""

from cdp.attributes.definition import Definition, load, ordered
from cdp.attributes.errors import CircularDefinition, DefinitionError, UnknownName
from cdp.attributes.refresh import AttributesReport, refresh
from cdp.attributes.store import Change, declare, definitions, rates, read_file, set_rate, shipped, types

__all__ = [
    "AttributesReport",
    "Change",
    "CircularDefinition",
    "Definition",
    "DefinitionError",
    "UnknownName",
    "declare",
    "definitions",
    "load",
    "ordered",
    "rates",
    "read_file",
    "refresh",
    "set_rate",
    "shipped",
    "types",
]
