"""The canonical document of a record is its row as JSON, nulls left out; read back (`cdp.records.documents`), it is the same row.

`attributes` and `properties` are JSON text in a table and objects in a document. Writing is Arrow arithmetic on whole columns: the pieces
of all members of a row are joined once, and no cell becomes a Python object.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from cdp.records.buffers import may_hold
from cdp.records.columns import skipping_join

JSON_COLUMNS = frozenset({"attributes", "properties"})
_ESCAPED = '["\\\\\x00-\x1f]'


class Json(NamedTuple):
    """A column as JSON: what stands before and behind each of `texts`; null where there is nothing."""

    before: str
    texts: pa.Array
    behind: str

    def joined(self) -> pa.Array:
        """One JSON text a row."""
        if not self.before and not self.behind:
            return self.texts
        return pc.binary_join_element_wise(self.before, self.texts, self.behind, "")


def canonical_json(table: pa.Table) -> pa.Array:
    """One JSON object a row, members in the order of the columns.

    Args:
        table: of the schema CUSTOMER or INTERACTION, at most 2 GB of text.
    """
    columns = [(name, table[name].combine_chunks()) for name in table.column_names]
    return _object(columns, table.num_rows)


def json_texts(column: pa.Array) -> Json:
    """A column of texts as JSON."""
    if not may_hold(column, b'"\\', below=0x20):
        return Json('"', column, '"')
    special = pc.match_substring_regex(column, _ESCAPED).fill_null(False)
    if not pc.any(special).as_py():
        return Json('"', column, '"')
    escaped = [orjson.dumps(text)[1:-1].decode() for text in column.filter(special).to_pylist()]
    return Json('"', pc.replace_with_mask(column, special, pa.array(escaped, pa.string())), '"')


def _object(columns: list[tuple[str, pa.Array]], length: int) -> pa.Array:
    """One object a row of the members that are there. Members that every row has are joined in place, so they are written once."""
    members = [(name, _json(name, column)) for name, column in columns if column.null_count < len(column)]
    if not members:
        return pa.repeat(pa.scalar("{}"), length)
    if members[0][1].texts.null_count:
        inside = skipping_join([Json(f'"{name}":{json.before}', json.texts, json.behind).joined() for name, json in members], ",")
        return pc.binary_join_element_wise("{", inside, "}", "")
    pieces: list[pa.Array | str] = []
    constant, comma = "{", ""
    for name, json in members:
        opened = f'{comma}"{name}":{json.before}'
        comma = ","
        if json.texts.null_count:
            pieces += [constant, _where_valid(opened, json.texts), json.texts, _where_valid(json.behind, json.texts)]
            constant = ""
        else:
            pieces += [constant + opened, json.texts]
            constant = json.behind
    return pc.binary_join_element_wise(
        *(piece for piece in pieces if isinstance(piece, pa.Array) or piece), constant + "}", "", null_handling="skip"
    )


def _where_valid(text: str, column: pa.Array) -> pa.Array | str:
    """`text` in every row in which the column holds something, null in the others."""
    if not text:
        return text
    content = text.encode()
    ends = np.arange(len(column) + 1, dtype=np.int32) * len(content)
    there = pc.is_valid(column).buffers()[1]
    return pa.Array.from_buffers(pa.string(), len(column), [there, pa.py_buffer(ends), pa.py_buffer(content * len(column))])


def _json(name: str, column: pa.Array) -> Json:
    return Json("", column, "") if name in JSON_COLUMNS else _value(column)


def _value(column: pa.Array) -> Json:
    if pa.types.is_list(column.type):
        return _list(column)
    if pa.types.is_struct(column.type):
        names = [field.name for field in column.type]
        text = _object(list(zip(names, column.flatten(), strict=True)), len(column))
        return Json("", pc.if_else(column.is_valid(), text, None) if column.null_count else text, "")
    if pa.types.is_timestamp(column.type):
        return Json('"', pc.utf8_replace_slice(column.cast(pa.timestamp("us")).cast(pa.string()), 10, 11, "T"), 'Z"')
    if pa.types.is_string(column.type):
        return json_texts(column)
    return Json("", column.cast(pa.string()), "")


def _list(column: pa.Array) -> Json:
    lengths = np.asarray(pc.list_value_length(column).fill_null(0))
    elements = column.flatten()
    if len(elements) == len(column) - column.null_count and not elements.null_count and lengths.max(initial=0) == 1:
        return _single(column, elements)
    offsets = np.zeros(len(column) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    texts = _value(elements).joined().fill_null("null")
    lists = pa.ListArray.from_arrays(pa.array(offsets), texts, mask=column.is_null())
    return Json("[", pc.binary_join(lists, ","), "]")


def _single(column: pa.Array, elements: pa.Array) -> Json:
    """Lists of one element each, where there are any."""
    json = _value(elements)
    there = np.asarray(column.is_valid())
    texts = json.texts.take(pa.array(np.cumsum(there) - 1, mask=~there)) if column.null_count else json.texts
    return Json("[" + json.before, texts, json.behind + "]")
