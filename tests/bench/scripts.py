"""Ways of writing one name: plain letters, German digraphs, Cyrillic romanised by three tables, a woman's form, a patronymic."""

from __future__ import annotations

from collections.abc import Callable

from anyascii import anyascii

Script = Callable[[str], str]


def plain(text: str) -> str:
    return str(anyascii(text))


def digraphs(text: str) -> str:
    for umlaut, pair in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue"), ("ß", "ss")):
        text = text.replace(umlaut, pair)
    return plain(text)


def same(text: str) -> str:
    return text


POPULAR = dict(
    zip(
        "абвгдеёзийклмнопрстуфхцчшщъыьэюяж",
        "a b v g d e yo z i y k l m n o p r s t u f h ts ch sh sch _ y _ e yu ya zh".replace("_", "").split(" "),
        strict=True,
    )
)
PASSPORT = POPULAR | {"ё": "e", "х": "kh", "щ": "shch", "ц": "ts", "ю": "iu", "я": "ia", "й": "i", "ъ": "ie"}
OLD = POPULAR | {"ё": "jo", "х": "ch", "ж": "j", "ю": "ju", "я": "ja", "й": "j", "ц": "c", "в": "w"}


def romanise(table: dict[str, str]) -> Script:
    def write(text: str) -> str:
        return " ".join("".join(table.get(letter, letter) for letter in word).capitalize() for word in _russian(text).lower().split())

    return write


def _russian(text: str) -> str:
    return text.replace("і", "и").replace("ї", "и").replace("є", "е")


def womans(name: str) -> str:
    if name.endswith(("ов", "ев", "ёв", "ин", "ын")):
        return name + "а"
    if name.endswith(("ий", "ой", "ый")):
        return name[:-2] + "ая"
    return name


def patronymic(father: str, ends: tuple[str, str, str]) -> str:
    hard, soft, vowel = ends
    if father.endswith(("й", "ь")):
        return father[:-1] + soft
    if father.endswith(("а", "я")):
        return father[:-1] + vowel
    return father + hard
