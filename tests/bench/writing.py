"""A source writes people down its own way: which columns, in what style, how often wrong; one call writes all rows of one source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .population import Address, People, unique_number
from .worlds import World

Rng = np.random.Generator


@dataclass(frozen=True)
class Habit:
    """How one source writes. Every rate is a share of its rows.

    Attributes:
        coverage: share of people it knows; repeats: further records for each, on average.
        columns: column -> share of rows that fill it.
        names: `parts`, `full`, `family_first` ("Smith, John") or `initial` ("J Smith").
        case: `as_is`, `upper`, `lower` or `mixed`.
        scripts: weight of each way of writing (see `World.scripts`); repeated for the last where there are fewer.
        placeholders: share of empty values that staff fill with something.
        stale: share of rows written long before the date they carry.
        clean: one record a person at most, whatever `repeats` says.
    """

    coverage: float
    columns: Mapping[str, float]
    repeats: float = 0.1
    names: str = "parts"
    case: str = "as_is"
    scripts: tuple[float, ...] = (1.0,)
    typos: float = 0.03
    nicknames: float = 0.08
    initials: float = 0.01
    swaps: float = 0.005
    dates: float = 0.02
    placeholders: float = 0.05
    stale: float = 0.15
    mailbox: float = 0.15
    switchboard: float = 0.0
    work_email: float = 0.1
    landline: float = 0.25
    one_family_name: float = 0.4
    phone: str = "national"
    date: str = "%Y-%m-%d"
    scans: bool = False
    clean: bool = False


@dataclass(frozen=True)
class Sheet:
    """People repeated once a record, and when each record was written."""

    people: People
    index: np.ndarray
    time: np.ndarray
    seen: np.ndarray
    rng: Rng
    world: World
    habit: Habit

    def of(self, column: np.ndarray) -> np.ndarray:
        return column[self.index]

    def chance(self, rate: float) -> np.ndarray:
        return self.rng.random(len(self.index)) < rate

    def script(self) -> np.ndarray:
        weights = list(self.habit.scripts)[: self.world.scripts]
        weights = weights if sum(weights) else [1.0]
        return self.rng.choice(len(weights), size=len(self.index), p=np.array(weights) / sum(weights))


def join(*parts: pa.Array | str, by: str = " ") -> pa.Array:
    """Element-wise, skipping nulls and empty texts; nothing but those gives null.

    (`binary_join_element_wise` of Arrow 26 drops rows whose elements are all null, so a separator is set only where both sides are.)
    """
    size = next(len(part) for part in parts if not isinstance(part, str))
    texts = [
        pa.array([part]).take(pa.array(np.zeros(size, np.int64))) if isinstance(part, str) else pc.fill_null(part, "") for part in parts
    ]
    joined = texts[0]
    for text in texts[1:]:
        both = pc.and_(pc.not_equal(joined, ""), pc.not_equal(text, ""))
        joined = pc.binary_join_element_wise(joined, pc.if_else(both, by, ""), text, "")
    return pc.if_else(pc.equal(joined, ""), pa.scalar(None, pa.string()), joined)


def given_names(sheet: Sheet, script: np.ndarray) -> pa.Array:
    people, habit = sheet.people, sheet.habit
    variant = np.where(sheet.chance(habit.nicknames), sheet.rng.integers(1, 3, len(sheet.index)), 0)
    given = sheet.world.given.write(sheet.of(people.given), variant, script)
    if habit.initials:
        given = pc.if_else(pa.array(sheet.chance(habit.initials)), pc.utf8_slice_codeunits(given, 0, 1), given)
    return given


def middle_names(sheet: Sheet, script: np.ndarray) -> pa.Array:
    people, world = sheet.people, sheet.world
    if world.patronymics is not None:
        number = script * 2 * world.males + np.where(sheet.of(people.male), 0, world.males) + sheet.of(people.father)
        return world.patronymics.take(pa.array(number))
    middle = sheet.of(people.middle)
    written = world.given.write(np.maximum(middle, 0), 0, script)
    return pc.if_else(pa.array(middle >= 0), written, pa.scalar(None, pa.string()))


def family_names(sheet: Sheet, script: np.ndarray) -> pa.Array:
    people, world, habit = sheet.people, sheet.world, sheet.habit
    former = sheet.of(people.former_family)
    unmarried = (former >= 0) & (sheet.seen < sheet.of(people.wedding)) & (sheet.of(people.wedding) <= 1)
    number = np.where(unmarried, former, sheet.of(people.family))
    if world.family_rule == "gendered":
        return world.family.write(number, np.where(sheet.of(people.male), 0, 1), script)
    spelling = np.where(sheet.chance(habit.typos), 1, 0)
    written = world.family.write(number, spelling, script)
    if world.family_rule == "two":
        both = join(written, world.family.write(sheet.of(people.second_family), 0, script))
        return pc.if_else(pa.array(sheet.chance(habit.one_family_name)), written, both)
    doubled = sheet.of(people.double_name) & ~unmarried & sheet.chance(0.8)
    return pc.if_else(pa.array(doubled), join(written, world.family.write(np.maximum(former, 0), 0, script), by="-"), written)


def addresses(sheet: Sheet) -> Address:
    """Where the source believes that each person lives."""
    people = sheet.people
    moved = sheet.of(people.move) < sheet.seen
    return people.new_home.take(sheet.index).where(moved, people.home.take(sheet.index))


def dates(sheet: Sheet) -> pa.Array:
    rng, birth = sheet.rng, sheet.of(sheet.people.birth)
    year = birth.astype("datetime64[Y]").astype(int) + 1970
    month = birth.astype("datetime64[M]").astype(int) % 12 + 1
    day = (birth - birth.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    wrong = np.where(sheet.chance(sheet.habit.dates), rng.integers(1, 6, len(birth)), 0)
    swap = (wrong == 1) & (day <= 12)
    day, month = np.where(swap, month, day), np.where(swap, day, month)
    day = np.where(wrong == 2, (day + rng.choice([-1, 1, 10], len(birth)) - 1) % 28 + 1, day)
    month = np.where(wrong == 3, (month + rng.choice([-1, 1], len(birth)) - 1) % 12 + 1, month)
    year = np.where(wrong == 4, year + rng.choice([-10, -1, 1, 10], len(birth)), year)
    day = np.minimum(day, np.where(month == 2, 28, 30 + (month + month // 8) % 2))
    first = np.where(wrong == 5, 1, day)
    month = np.where(wrong == 5, 1, month)
    made = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1).astype("timedelta64[M]")
    return pc.strftime(
        pa.array(made.astype("datetime64[D]") + (first - 1).astype("timedelta64[D]")).cast(pa.timestamp("s")), format=sheet.habit.date
    )


def phone(world: World, number: np.ndarray, town: np.ndarray | None, style: np.ndarray) -> pa.Array:
    """`number` as a mobile, or with `town` as a landline, in each row's style: national, international, spaced."""
    area, rest = world.mobile.write(number) if town is None else world.landline.write(number, town)
    add = np.char.add
    plain = add(add(world.trunk, area), rest)
    abroad = add(add(f"+{world.country_code}", area), rest)
    spaced = add(add(add(f"({world.trunk}", area), ") "), add(add(rest.astype("U4"), "-"), np.array([text[4:] for text in rest.tolist()])))
    return pa.array(np.where(style == 0, plain, np.where(style == 1, abroad, spaced)))


_STYLES: Mapping[str, tuple[float, float, float]] = {
    "national": (0.9, 0.05, 0.05),
    "international": (0.05, 0.95, 0.0),
    "spaced": (0.1, 0.1, 0.8),
    "any": (0.4, 0.3, 0.3),
}


def phones(sheet: Sheet, first: bool) -> pa.Array:
    people, habit, world = sheet.people, sheet.habit, sheet.world
    style = sheet.rng.choice(3, size=len(sheet.index), p=_STYLES[habit.phone])
    mobile = phone(world, sheet.of(people.mobile), None, style)
    second = sheet.of(people.second_mobile)
    fixed = sheet.of(people.landline)
    landline = pc.if_else(
        pa.array(fixed >= 0), phone(world, np.maximum(fixed, 0), people.home.town[sheet.index], style), pa.scalar(None, pa.string())
    )
    if not first:
        other = pc.if_else(pa.array(second >= 0), phone(world, np.maximum(second, 0), None, style), pa.scalar(None, pa.string()))
        return pc.coalesce(pc.if_else(pa.array(sheet.chance(0.6)), landline, other), other)
    chosen = pc.if_else(pa.array(sheet.chance(habit.landline) & (fixed >= 0)), landline, mobile)
    older = (second >= 0) & (sheet.seen < 0.3)
    chosen = pc.if_else(pa.array(older & sheet.chance(0.5)), phone(world, np.maximum(second, 0), None, style), chosen)
    firm = sheet.of(people.firm)
    board = (firm >= 0) & sheet.chance(habit.switchboard)
    return pc.if_else(pa.array(board), phone(world, unique_number(np.maximum(firm, 0), 77), np.maximum(firm, 0), style), chosen)


def local_parts(people: People, world: World, exact: bool) -> pa.Array:
    """One local part a person, told from the plain name; `exact` lets the first of a name go without a number."""
    plain = world.scripts - 1
    tidy: Callable[[pa.Array], pa.Array] = lambda text: pc.replace_substring_regex(pc.utf8_lower(text), "[^a-z]", "")  # noqa: E731  # one of two, chosen here
    given, short = (tidy(world.given.write(people.given, variant, plain)) for variant in (0, 1))
    family = tidy(world.family.write(people.family, np.where((world.family_rule == "gendered") & ~people.male, 1, 0), plain))
    first = pc.utf8_slice_codeunits(given, 0, 1)
    born = pa.array((people.birth.astype("datetime64[Y]").astype(int) + 1970).astype(str))
    number = pa.array(people.email_number.astype(str))
    forms = [
        join(given, family, by="."),
        join(given, family, by="."),
        join(first, family, by=""),
        join(given, pc.utf8_slice_codeunits(born, 2, 4), by=""),
        join(short, family, by="_"),
        join(family, given, by="."),
        join(short, number, by=""),
        join(pa.array(np.char.add("user", people.email_number.astype(str))), pc.utf8_slice_codeunits(born, 2, 4), by="x"),
    ]
    local = pc.choose(pa.array(people.email_form), *forms)
    texts = np.asarray(local.to_numpy(zero_copy_only=False), dtype=str)
    _, firsts = np.unique(texts, return_index=True)
    alone = np.zeros(len(texts), bool)
    alone[firsts] = exact
    return pc.if_else(pa.array(alone), local, join(local, number, by=""))


def emails(sheet: Sheet, locals_: pa.Array, first: bool) -> pa.Array:
    people, habit, world = sheet.people, sheet.habit, sheet.world
    domain = pa.array(np.array(world.domains)[(sheet.of(people.email_number) // 7 + (0 if first else 3)) % len(world.domains)])
    own = join(locals_.take(pa.array(sheet.index)), domain, by="@")
    box = sheet.of(people.mailbox)
    family = pc.replace_substring_regex(pc.utf8_lower(world.family.write(sheet.of(people.family), 0, world.scripts - 1)), "[^a-z]", "")
    shared = join(join("family.", family, pa.array((np.maximum(box, 0) % 100_000).astype(str)), by=""), domain, by="@")
    chosen = pc.if_else(pa.array(sheet.chance(habit.mailbox) & (box >= 0)), shared, own)
    firm = sheet.of(people.firm)
    work = join(
        locals_.take(pa.array(sheet.index)), pa.array(np.char.add(np.char.add("firm", np.maximum(firm, 0).astype(str)), ".example")), by="@"
    )
    chosen = pc.if_else(pa.array(sheet.chance(habit.work_email) & (firm >= 0)), work, chosen)
    info = pa.array(np.char.add(np.char.add("info@firm", np.maximum(firm, 0).astype(str)), ".example"))
    return pc.if_else(pa.array(sheet.chance(habit.switchboard / 2) & (firm >= 0)), info, chosen)
