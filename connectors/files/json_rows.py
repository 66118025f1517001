"""JSON Lines and JSON arrays come as objects, one by one; a line that is no object is refused and the rest is kept."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any

import orjson

from connectors.contract import ContractError, Refused
from connectors.files.delimited import raw_value

CHUNK = 1 << 20
LONGEST = 64 << 20
"""Most characters of one element of an array."""

_LONG = re.compile(rb"\d{19}")
"""Integers that orjson might round."""

Item = tuple[int, dict[str, Any] | None, Refused | None]
"""Number, and either the object or why there is none."""


def lines(raw: IO[bytes], place: str) -> Iterator[Item]:
    """The objects of JSON Lines, numbered by line; blank lines are passed over."""
    for number, line in enumerate(raw, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_constant=_no_constant) if _LONG.search(line) else orjson.loads(line)
        except (ValueError, RecursionError) as error:
            message = f"{place}, line {number}: no JSON ({type(error).__name__}). Write one object a line, as UTF-8"
            yield number, None, Refused(f"{place}, line {number}", "malformed_json", message, raw=raw_value(line.rstrip(b"\r\n")))
            continue
        yield _object(value, number, place, "line")


def _no_constant(name: str) -> Any:
    """NaN and the like are no JSON."""
    raise ValueError(name)


def _object(value: Any, number: int, place: str, unit: str) -> Item:
    if isinstance(value, dict):
        return number, value, None
    message = f"{place}, {unit} {number}: a JSON {type(value).__name__} where an object is expected"
    return number, None, Refused(f"{place}, {unit} {number}", "not_an_object", message, raw=value)


def array(raw: IO[bytes], place: str) -> Iterator[Item]:
    """The objects of a JSON array, numbered from 1, read as it comes; of an object with one list of objects in it, that list.

    Raises:
        ContractError: it is no JSON from some element on; those before were given.
    """
    text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace")
    buffer = text.read(CHUNK).lstrip()
    if buffer.startswith("["):
        yield from _elements(text, buffer[1:], place)
        return
    whole = buffer + text.read(LONGEST)
    try:
        document = json.loads(whole)
    except ValueError as error:
        raise ContractError(f"{place}: no JSON array ({error}). Write an array of objects, or JSON Lines as .jsonl") from None
    lists = [value for value in document.values() if isinstance(value, list)] if isinstance(document, dict) else []
    if len(lists) != 1:
        raise ContractError(f"{place}: expected an array of objects, or an object with one such array in it, and found {len(lists)}")
    for number, value in enumerate(lists[0], 1):
        yield _object(value, number, place, "element")


def _elements(text: IO[str], buffer: str, place: str) -> Iterator[Item]:
    decoder = json.JSONDecoder()
    number, position = 1, 0
    while True:
        position = _skip(buffer, position)
        if position >= len(buffer):
            more = text.read(CHUNK)
            if not more:
                raise ContractError(
                    f"{place}: the array ends after element {number - 1} without `]`. The file was cut short; fetch it again"
                )
            buffer, position = more, 0
            continue
        if buffer[position] == "]":
            return
        try:
            value, end = decoder.raw_decode(buffer, position)
            if end >= len(buffer) - 1 and not isinstance(value, (dict, list)):
                raise ValueError("perhaps cut")
        except (ValueError, RecursionError) as error:
            more = text.read(max(CHUNK, len(buffer) - position))
            if not more or len(buffer) - position > LONGEST:
                raise ContractError(
                    f"{place}, element {number}: no JSON ({type(error).__name__}). Mend the file; what precedes is kept"
                ) from None
            buffer, position = buffer[position:] + more, 0
            continue
        yield _object(value, number, place, "element")
        number, position = number + 1, end


def _skip(buffer: str, position: int) -> int:
    while position < len(buffer) and buffer[position] in " \t\r\n,":
        position += 1
    return position
