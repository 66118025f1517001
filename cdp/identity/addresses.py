"""What a set's addresses say, each looked at once: the street, and codes of its other parts, by which records meet and are compared."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from cdp.identity.values import Ints, coded

NUMBER = 12
"""Letters of a house number that count."""


@dataclass(frozen=True)
class Places:
    """Parts of addresses written 'street|postcode|city|region', by the address's code; one more entry at the end, for no address.

    Attributes:
        street: its text, empty where there is none.
        number: code of the house number; no number has one too.
        post, zone, city, house: codes, -1 for none; a zone is the beginning of a postcode, a house a number and a street's longest word.
    """

    street: pa.Array
    number: Ints
    post: Ints
    zone: Ints
    city: Ints
    house: Ints

    @classmethod
    def of(cls, words: pa.Array) -> Places:
        found = pc.extract_regex(words, r"^(?P<street>[^|]*)\|(?P<post>[^|]*)\|(?P<city>[^|]*)")
        street, post, city = (pc.struct_field(found, name) for name in ("street", "post", "city"))
        number = pc.utf8_trim_whitespace(pc.replace_substring_regex(street, r"(^| )[^0-9 ][^ ]*", ""))
        number = pc.utf8_slice_codeunits(number, 0, NUMBER)
        short = pc.less_equal(pc.utf8_length(post), 5)
        zone = pc.if_else(short, pc.utf8_slice_codeunits(post, 0, 2), pc.utf8_slice_codeunits(post, 0, -3))
        house = pc.if_else(pc.equal(number, ""), "", pc.binary_join_element_wise(number, _longest(street), "|"))
        return cls(
            street=street,
            number=coded(number),
            post=coded(_told(post)),
            zone=coded(_told(zone)),
            city=coded(_told(city)),
            house=coded(_told(house)),
        )


def _longest(street: pa.Array) -> pa.Array:
    """The longest word without a digit of each street."""
    bare = pc.replace_substring_regex(street, r"(^| )[^ ]*[0-9][^ ]*", "").dictionary_encode()
    longest = [max(words.split(), key=len, default="") for words in bare.dictionary.to_pylist()]
    return pa.array(longest, pa.string()).take(bare.indices)


def _told(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
