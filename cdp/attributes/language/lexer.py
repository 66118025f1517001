"""A text is its tokens and the blanks between them: every character is accounted for, and every token knows where it stands."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from cdp.attributes.errors import DefinitionError

LONGEST = 20_000


class Kind(StrEnum):
    DATE = "date"
    NUMBER = "number"
    STRING = "text"
    REFERENCE = "reference"
    WORD = "word"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True)
class Token:
    """One word, number, text or sign; `value` is what it means (a text without its quotes), `offset` where it starts."""

    kind: Kind
    value: str
    offset: int
    line: int
    column: int

    @property
    def place(self) -> str:
        return f"line {self.line}, column {self.column}"

    @property
    def shown(self) -> str:
        return "the end" if self.kind is Kind.END else repr(self.value)

    def is_word(self, *words: str) -> bool:
        return self.kind is Kind.WORD and self.value.lower() in words

    def is_sign(self, *signs: str) -> bool:
        return self.kind is Kind.SIGN and self.value in signs


_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)
      |(?P<date>\d{4}-\d{2}-\d{2}(?:[T\ ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?)?)(?![\w.])
      |(?P<number>\d+(?:\.\d+)?)(?![\w.'’])
      |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[“„](?:[^“”\\]|\\.)*[“”]|[‘‚](?:[^‘’\\]|\\.)*[‘’])
      |(?P<reference>@"""
    + _NAME
    + r")|(?P<word>"
    + _NAME
    + r""")
      |(?P<sign><=|>=|!=|==|<>|=>|=<|[-=<>≤≥≠()\[\],.%+*/])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")


def tokens(text: str) -> list[Token]:
    """The tokens of a text, the last of which is its end.

    Raises:
        DefinitionError: a character that starts no token, an open quote, or a text that is too long.
    """
    if len(text) > LONGEST:
        raise DefinitionError("line 1, column 1", f"the text has {len(text)} characters; at most {LONGEST} are allowed")
    text = unicodedata.normalize("NFC", text)  # as values are standardised: an ü may have been typed as two characters
    found: list[Token] = []
    offset, line, line_start = 0, 1, 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        column = offset - line_start + 1
        if match is None:
            raise DefinitionError(f"line {line}, column {column}", _unreadable(text, offset))
        group, value = str(match.lastgroup), match.group()
        if "\0" in value:
            raise DefinitionError(f"line {line}, column {column}", "a text has no NUL character")
        if group != "blank":
            if group == "text":
                value = _ESCAPE.sub(r"\1", value[1:-1])
            found.append(Token(Kind(group), value, offset, line, column))
        breaks = match.group().count("\n")
        if breaks:
            line += breaks
            line_start = offset + match.group().rindex("\n") + 1
        offset = match.end()
    found.append(Token(Kind.END, "", offset, line, offset - line_start + 1))
    return found


_THOUSANDS = re.compile(r"\d{1,3}(?:['’]\d{3})+|\d+(?:\.\d{3}){2,}")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_MARKS = {"&": "write `and`", "|": "write `or`", "!": "write `not`", "≈": "write `contains`"}
_CURRENCIES = "$€£¥"


def _unreadable(text: str, offset: int) -> str:
    sign = text[offset]
    if sign in "\"'“„‘‚":
        return 'this quote is never closed: a " expected, the end found'
    if sign.isdigit():
        return _no_number(text, offset)
    if sign in _CURRENCIES:
        return "a number has no unit: for one currency write orders[currency = EUR].sum(amount) > 100"
    return f"{sign!r} means nothing here; {_MARKS.get(sign, 'texts stand in double quotes')}"


def _no_number(text: str, offset: int) -> str:
    dotted = _DOTTED.match(text, offset)
    if dotted:
        return f"a date is written year-month-day: {dotted[3]}-{dotted[2]:0>2}-{dotted[1]:0>2}"
    if _THOUSANDS.match(text, offset):
        return MARKED
    return "a number ends in letters here: put a blank between them, or quotes around a text"


MARKED = "a number is written as 1000.5: with a point before its decimals, and no mark between its thousands"
