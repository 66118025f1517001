"""A world is a country's habits of naming, living and writing down; every string a record holds is taken from one of its stocks by number.

Weights follow a shifted Zipf law; family names and streets have a long made-up tail, so that a name's rarity means as much as in life.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import names_west as west
from . import names_world as world
from .scripts import OLD, PASSPORT, POPULAR, Script, digraphs, patronymic, plain, romanise, same, womans

VARIANTS = 3
"""Ways to say one name: in full, and up to two short forms or spellings."""


@dataclass(frozen=True)
class Stock:
    """Names by number, each in every variant and script."""

    size: int
    cumulative: np.ndarray
    written: pa.Array

    @classmethod
    def of(cls, text: str, scripts: Sequence[Script], tail: Sequence[str] = (), shift: float = 8.0, power: float = 1.0) -> Stock:
        rows = [entry.replace("_", " ").split("/") for entry in text.split()] + [[name] for name in tail]
        weights = 1.0 / (np.arange(1, len(rows) + 1) + shift) ** power
        written = [script(row[min(variant, len(row) - 1)]) for script in scripts for variant in range(VARIANTS) for row in rows]
        return cls(len(rows), np.cumsum(weights) / weights.sum(), pa.array(written))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        return np.searchsorted(self.cumulative, rng.random(count)).clip(0, self.size - 1)

    def write(self, number: np.ndarray, variant: np.ndarray | int = 0, script: np.ndarray | int = 0) -> pa.Array:
        return self.written.take(pa.array((np.asarray(script) * VARIANTS + variant) * self.size + number))


@dataclass(frozen=True)
class Numbering:
    """Phone numbers of one kind: an area, then `digits` digits of which the first is one of `firsts`."""

    areas: tuple[str, ...]
    firsts: str
    digits: int

    @classmethod
    def of(cls, areas: str, firsts: str, digits: int) -> Numbering:
        return cls(tuple(areas.split()), firsts, digits)

    def write(self, number: np.ndarray, town: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(area, rest): the area is the town's, else told by the number; then different numbers are written differently."""
        area = np.array(self.areas)[(number if town is None else town) % len(self.areas)]
        line = number if town is not None else number // len(self.areas)
        first = np.array(list(self.firsts))[line % len(self.firsts)]
        rest = (line // len(self.firsts)) % 10 ** (self.digits - 1)
        return area, np.char.add(first, np.char.zfill(rest.astype(str), self.digits - 1))


@dataclass(frozen=True)
class World:
    """One country.

    Attributes:
        given: male names first (`males` of them), then female ones.
        family_rule: `one` name, `two` (father's, then mother's), `gendered` (variant 1 is a woman's).
        patronymics: father's given name -> son's and daughter's patronymic, or None.
        scripts: how many ways of writing; 0 is the native one, the last is plain ASCII.
        takes_name: share of couples with one family name; double_name: share of those who join both.
        trunk, country_code: what goes before a phone number at home and abroad.
    """

    name: str
    males: int
    given: Stock
    family: Stock
    street: Stock
    town: Stock
    scripts: int
    family_rule: str
    takes_name: float
    double_name: float
    trunk: str
    country: str
    country_code: str
    mobile: Numbering
    landline: Numbering
    postcode: Callable[[np.ndarray, np.ndarray], pa.Array]
    domains: tuple[str, ...]
    street_first: bool = True
    family_first: bool = False
    middle_share: float = 0.3
    patronymics: pa.Array | None = None
    household_sizes: tuple[float, ...] = (0.30, 0.24, 0.30, 0.08, 0.05, 0.03)
    january_first: float = 0.0


def made_up(starts: str, middles: str, ends: str, count: int, seed: int) -> list[str]:
    """A tail of pronounceable names, different from one another."""
    rng = np.random.default_rng(seed)
    parts = [np.array(text.replace("-", "").split() + ([""] if "-" in text else [])) for text in (starts, middles, ends)]
    drawn = {
        "".join(pick).capitalize(): None for pick in zip(*(part[rng.integers(0, len(part), count * 2)] for part in parts), strict=True)
    }
    return list(drawn)[:count]


def _digits(width: int) -> Callable[[np.ndarray, np.ndarray], pa.Array]:
    def write(place: np.ndarray, part: np.ndarray) -> pa.Array:
        return pa.array(np.char.zfill(((place + 13) * 7919 % 10**width).astype(str), width))

    return write


def _british(place: np.ndarray, part: np.ndarray) -> pa.Array:
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
    outward = np.char.add(np.char.add(letters[place % 20], letters[place // 20 % 20]), (place % 37 + 1).astype(str))
    inward = np.char.add((part % 9 + 1).astype(str), np.char.add(letters[part // 9 % 20], letters[part // 180 % 20]))
    return pa.array(np.char.add(np.char.add(outward, " "), inward))


_TAIL = 40_000
_US_AREAS = """
201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253 254 256 260 262 267
269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323 325 330 331 334 336 337 339 347 351 352
360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 424 425 430 432 434 435 440 443 469 478 479 480 484 501 502
503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 541 551
"""
_MAIL = ("gmail.com", "gmail.com", "gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com")


def _english(name: str, british: bool) -> World:
    tail = made_up(
        "Ash Bar Beck Brad Carl Chad Dal Dun Edge El Fair Fen Gar Glen Hart Haw Kel Kirk Lang Lind Mar Mid Nor Oak Pen Quin "
        "Rad Row Sel Stan Thorn Tren Wal Wet",
        "- a e er ing i le ber ming der sing wor ling ma",
        "ton ford ley man son by well wick ham stead field worth more land ner kin ett ard row brook dale cliff shaw croft",
        _TAIL,
        1,
    )
    streets = made_up(
        "Ash Bay Birch Clover Deer Eagle Fern Glen Haw Iron Juni King Lark Moss Nut Owl",
        "- per wood en field",
        "brook way ridge ton dale",
        900,
        2,
    )
    return World(
        name=name,
        males=len(west.US_MALE.split()),
        given=_given(west.US_MALE, west.US_FEMALE, [same]),
        family=Stock.of(west.US_FAMILY, [same], tail, shift=25, power=0.95),
        street=Stock.of(_english_streets([*west.US_STREET.split(), *streets]), [same]),
        town=Stock.of(
            west.UK_TOWN, [same], made_up("Glen Oak New Port West Fair Spring", "- a er ing", "ville ton burg field ham", 300, 3), 10, 0.6
        ),
        scripts=1,
        family_rule="one",
        takes_name=0.8,
        double_name=0.05,
        trunk="0" if british else "",
        country="GB" if british else "US",
        country_code="44" if british else "1",
        mobile=Numbering.of("74 75 77 78 79", "123456789", 8) if british else Numbering.of(_US_AREAS, "23456789", 7),
        landline=Numbering.of("113 114 115 116 117 118 121 131 141 151 161", "23", 7)
        if british
        else Numbering.of(_US_AREAS, "23456789", 7),
        postcode=_british if british else _digits(5),
        domains=(*_MAIL, *(("btinternet.com", "sky.com") if british else ("aol.com", "comcast.net"))),
        street_first=False,
        middle_share=0.5,
    )


def _english_streets(stems: Sequence[str]) -> str:
    kinds = ("St/Street", "Rd/Road", "Ave/Avenue", "Dr/Drive", "Ln/Lane", "Ct/Court")
    pairs = (kinds[number % len(kinds)].split("/") for number in range(len(stems)))
    return " ".join(f"{stem}_{short}/{stem}_{long}" for stem, (short, long) in zip(stems, pairs, strict=True))


def _given(male: str, female: str, scripts: Sequence[Script]) -> Stock:
    """Both sexes in one stock; the weights are each sex's own (see `draw_given`)."""
    return Stock.of(male + female, scripts)


def _german() -> World:
    starts = (
        "Alt Berg Brand Dorn Ecken Feld Grün Hag Hell Hirsch Kal Kreuz Lind Mühl Neu Ober Ram Rosen Schön Stein Tal Unter "
        "Wald Weiden Zell Würz Kös Lüt Hö Gräf Stü"
    )
    streets = made_up(
        "Adler Birn Dorf Erlen Fichten Gold Heide Igel Kiefern Lerchen Mohn Obst",
        "- berg bach feld",
        "weg gasse allee straße platz",
        700,
        5,
    )
    return World(
        name="dach",
        males=len(west.DE_MALE.split()),
        given=_given(west.DE_MALE, west.DE_FEMALE, [same, plain, digraphs]),
        family=Stock.of(
            west.DE_FAMILY,
            [same, plain, digraphs],
            made_up(starts, "- en er el inger", "bauer mann berger hofer meier ner ler brink hus huber müller", _TAIL, 4),
            20,
        ),
        street=Stock.of(" ".join(_german_street(s) for s in west.DE_STREET.split()), [same, plain, digraphs], streets, 10, 0.7),
        town=Stock.of(
            west.DE_TOWN,
            [same, plain, digraphs],
            made_up("Ober Unter Bad Groß Klein Neu", "- en hof bach", "dorf heim stadt berg au", 200, 6),
            10,
            0.6,
        ),
        scripts=3,
        family_rule="one",
        takes_name=0.7,
        double_name=0.15,
        trunk="0",
        country="DE",
        country_code="49",
        mobile=Numbering.of("160 162 163 170 171 172 173 174 175 177 178 179", "123456789", 7),
        landline=Numbering.of("30 40 69 89 221 211 711 511 341 351 421 911", "23456789", 7),
        postcode=_digits(5),
        domains=("gmx.de", "web.de", "t-online.de", "gmail.com", "gmail.com", "outlook.de", "freenet.de", "gmx.at"),
        middle_share=0.15,
    )


def _german_street(stem: str) -> str:
    return stem if "_" in stem or stem.endswith(("weg", "Graben")) else f"{stem}straße/{stem}str."


def _iberian() -> World:
    tail = made_up(
        "Al Bar Cas Cor Gal Gui Lam Mar Mon Ol Per Qui Sal Tar Val Zan",
        "a e i o ue an er",
        "des rez do ra lho nho ção la nes ga to zar",
        9_000,
        7,
    )
    streets = made_up("Al Bel Cam Flor Jar Lag Mar Pal Ver", "a e i o", "ndeira mares rosa lina tiba pava", 300, 8)
    return World(
        name="iberian",
        males=len(world.BR_MALE.split()),
        given=_given(world.BR_MALE, world.BR_FEMALE, [same, plain]),
        family=Stock.of(world.BR_FAMILY, [same, plain], tail, shift=4, power=1.1),
        street=Stock.of(world.BR_STREET, [lambda s: "Rua " + s, lambda s: "R. " + plain(s)], streets, 5, 0.7),
        town=Stock.of(world.BR_TOWN, [same, plain], made_up("Ita Pira Gua Ube", "- ra ti", "ba pava rema landia", 120, 9), 10, 0.6),
        scripts=2,
        family_rule="two",
        takes_name=0.2,
        double_name=0.0,
        trunk="0",
        country="BR",
        country_code="55",
        mobile=Numbering.of("11 12 13 14 15 19 21 22 24 27 31 32 34 41 43 47 48 51 54 61 62 65 71 75 81 85 91", "9", 9),
        landline=Numbering.of("11 19 21 27 31 41 47 51 61 62 71 81 85 91", "2345", 8),
        postcode=_digits(8),
        domains=("gmail.com", "gmail.com", "hotmail.com", "yahoo.com.br", "uol.com.br", "bol.com.br", "outlook.com"),
        middle_share=0.1,
        household_sizes=(0.18, 0.2, 0.38, 0.1, 0.04, 0.10),
    )


def _slavic() -> World:
    scripts: list[Script] = [same, romanise(POPULAR), romanise(PASSPORT), romanise(OLD)]
    male = [entry.split("/")[0] for entry in world.RU_MALE.split()]
    sons = [patronymic(name, ("ович", "евич", "ич")) for name in male]
    daughters = [patronymic(name, ("овна", "евна", "ична")) for name in male]
    tail = made_up(
        "Бар Вол Гор Дуб Ер Жел Зуб Кар Лап Мор Нов Ост Пан Руд Сав Тар Уш Хар Чер Шар",
        "- а е о ан ен ик ш",
        "ов ин ев ский енко ук ун ник",
        6_000,
        10,
    )
    family = " ".join(f"{name}/{womans(name)}" for name in [*world.RU_FAMILY.split(), *tail])
    return World(
        name="slavic",
        males=len(male),
        given=_given(world.RU_MALE, world.RU_FEMALE, scripts),
        family=Stock.of(family, scripts, shift=12, power=0.9),
        street=Stock.of(world.RU_STREET, [lambda s: "ул. " + s, *scripts[1:]], (), 5, 0.6),
        town=Stock.of(world.RU_TOWN, scripts, (), 10, 0.6),
        scripts=4,
        family_rule="gendered",
        takes_name=0.85,
        double_name=0.01,
        trunk="8",
        country="RU",
        country_code="7",
        mobile=Numbering.of(" ".join(f"9{n}" for n in (*range(10, 20), *range(20, 30), *range(60, 70), *range(80, 90))), "0123456789", 7),
        landline=Numbering.of("495 499 812 343 383 846 351 863", "23456", 7),
        postcode=_digits(6),
        domains=("mail.ru", "mail.ru", "yandex.ru", "yandex.ru", "gmail.com", "bk.ru", "rambler.ru"),
        middle_share=0.0,
        patronymics=pa.array([script(name) for script in scripts for name in (*sons, *daughters)]),
    )


def _indian() -> World:
    return World(
        name="indian",
        males=len(world.IN_MALE.split()),
        given=_given(world.IN_MALE, world.IN_FEMALE, [same]),
        family=Stock.of(world.IN_FAMILY, [same], (), shift=2, power=1.0),
        street=Stock.of(world.IN_STREET, [same], (), 10, 0.5),
        town=Stock.of(world.IN_TOWN, [same], (), 5, 0.7),
        scripts=1,
        family_rule="one",
        takes_name=0.7,
        double_name=0.0,
        trunk="0",
        country="IN",
        country_code="91",
        mobile=Numbering.of("98 99 97 94 90 96 93 88 89", "0123456789", 8),
        landline=Numbering.of("11 22 33 44 40 80 20 79", "2", 8),
        postcode=_digits(6),
        domains=("gmail.com", "gmail.com", "gmail.com", "yahoo.co.in", "rediffmail.com", "hotmail.com"),
        middle_share=0.25,
        household_sizes=(0.08, 0.15, 0.35, 0.07, 0.05, 0.30),
        january_first=0.12,
    )


def _vietnamese() -> World:
    return World(
        name="vietnamese",
        males=len(world.VN_MALE.split()),
        given=_given(world.VN_MALE, world.VN_FEMALE, [same, plain]),
        family=Stock.of(world.VN_FAMILY, [same, plain], (), shift=3, power=0.8),
        street=Stock.of(world.VN_STREET, [same, plain], (), 10, 0.5),
        town=Stock.of(world.VN_TOWN, [same, plain], (), 5, 0.6),
        scripts=2,
        family_rule="one",
        takes_name=0.03,
        double_name=0.0,
        trunk="0",
        country="VN",
        country_code="84",
        mobile=Numbering.of("90 91 93 94 96 97 98 86 70 79", "123456789", 7),
        landline=Numbering.of("24 28", "3", 8),
        postcode=_digits(6),
        domains=("gmail.com", "gmail.com", "gmail.com", "yahoo.com.vn", "hotmail.com", "outlook.com"),
        street_first=False,
        family_first=True,
        middle_share=0.0,
        household_sizes=(0.12, 0.2, 0.4, 0.06, 0.06, 0.16),
    )


WORLDS: dict[str, Callable[[], World]] = {
    "us": lambda: _english("us", british=False),
    "uk": lambda: _english("uk", british=True),
    "dach": _german,
    "iberian": _iberian,
    "slavic": _slavic,
    "indian": _indian,
    "vietnamese": _vietnamese,
}
