"""The literal table of what is compared: fields, their levels, and what each level is worth before any data is seen.

A level's four figures are the chance to see it, where the field is there in both records, in a pair of one person's records, of two
people of one household, of two namesakes, and of unrelated people. Training moves them to what the data shows; for a handful of records
they rule. Two further classes are strangers whom one coincidence brings together: a birth date, or a contact point that many use; they
begin as unrelated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What two records are to each other: the latent classes of the model."""

    SAME = 0
    HOUSEHOLD = 1
    NAMESAKE = 2
    UNRELATED = 3
    BIRTHMATE = 4
    CONTACT = 5
    TWIN = 6
    JUNIOR = 7

    @property
    def like(self) -> Kind:
        """The class of the table whose chances this one begins with."""
        return Kind.HOUSEHOLD if self in (Kind.TWIN, Kind.JUNIOR) else min(self, Kind.UNRELATED)


MISSING = 0
"""The level of a field that at least one of the two records lacks; it is no evidence at all."""


@dataclass(frozen=True)
class Level:
    """One outcome of a comparison."""

    name: str
    says: str
    prior: tuple[float, float, float, float]


@dataclass(frozen=True)
class Field:
    """One comparison of two records.

    Attributes:
        by_chance: the classes where this field agrees no more often than in any two records.
        most: how often at most one person's records reach a level that speaks against it: what two records are never taken for one person
            by.
        chosen: the chances of the levels in the class that this field is the coincidence of.
        own: the classes of housemates that agree in this field as one person's records do.
        slips: levels of values that are near each other. One person's values are equal more often than nearly so, and where any two
            records are near each other (numbered values), nearness says nothing.
    """

    name: str
    levels: tuple[Level, ...]
    by_chance: tuple[Kind, ...] = ()
    most: tuple[tuple[str, float], ...] = ()
    chosen: tuple[tuple[Kind, tuple[float, ...]], ...] = ()
    own: tuple[Kind, ...] = ()
    slips: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.levels)


def _levels(*rows: tuple[str, str, float, float, float, float]) -> tuple[Level, ...]:
    return tuple(Level(name, says, (a, b, c, d)) for name, says, a, b, c, d in rows)


H, N, B, C, T, J = Kind.HOUSEHOLD, Kind.NAMESAKE, Kind.BIRTHMATE, Kind.CONTACT, Kind.TWIN, Kind.JUNIOR

GIVEN = Field(
    "given_name",
    _levels(
        ("rare", "the same given name, a rare one", 0.34, 0.004, 0.06, 0.003),
        ("uncommon", "the same given name", 0.25, 0.006, 0.25, 0.012),
        ("common", "the same given name, a common one", 0.12, 0.012, 0.27, 0.025),
        ("frequent", "the same given name, a very common one", 0.06, 0.008, 0.25, 0.025),
        ("variant", "a short or other form of the same given name", 0.04, 0.006, 0.03, 0.007),
        ("part", "one given name begins with the other", 0.01, 0.006, 0.01, 0.007),
        ("typo", "the given names differ by a slip", 0.06, 0.003, 0.02, 0.003),
        ("alike", "two different given names that look alike", 0.010, 0.035, 0.01, 0.020),
        ("initial", "the initial fits the given name", 0.04, 0.060, 0.05, 0.050),
        ("differ", "different given names", 0.008, 0.860, 0.02, 0.850),
        ("swapped", "the same names in another order", 0.015, 0.001, 0.01, 0.001),
    ),
    by_chance=(H, B, C),
    most=(("differ", 0.05), ("alike", 0.04), ("swapped", 0.2)),
    slips=("part", "typo", "alike"),
    own=(J,),
)
FAMILY = Field(
    "family_name",
    _levels(
        ("rare", "the same family name, a rare one", 0.36, 0.33, 0.06, 0.02),
        ("uncommon", "the same family name", 0.27, 0.25, 0.27, 0.05),
        ("common", "the same family name, a common one", 0.12, 0.11, 0.27, 0.06),
        ("frequent", "the same family name, a very common one", 0.06, 0.06, 0.25, 0.04),
        ("variant", "one family name is part of the other", 0.014, 0.012, 0.006, 0.002),
        ("part", "one family name is part of the other, a common one", 0.006, 0.008, 0.01, 0.005),
        ("typo", "the family names differ by a slip", 0.07, 0.05, 0.03, 0.01),
        ("alike", "two different family names that look alike", 0.01, 0.01, 0.02, 0.03),
        ("initial", "the initial fits the family name", 0.01, 0.01, 0.01, 0.02),
        ("differ", "different family names", 0.07, 0.16, 0.08, 0.77),
    ),
    by_chance=(
        B,
        C,
    ),
    most=(("differ", 0.25),),
    slips=("typo", "alike"),
)
MIDDLE = Field(
    "middle_name",
    _levels(
        ("same", "the same middle name", 0.75, 0.03, 0.05, 0.02),
        ("fits", "middle names that fit each other", 0.17, 0.06, 0.08, 0.06),
        ("differ", "different middle names", 0.08, 0.91, 0.87, 0.92),
    ),
    by_chance=(H, B, C),
    most=(("differ", 0.25),),
)
BIRTH = Field(
    "birth_date",
    _levels(
        ("same", "the same birth date", 0.82, 0.012, 0.0003, 0.004),
        ("common", "the same birth date, a frequent one", 0.04, 0.002, 0.002, 0.006),
        ("swapped", "day and month are swapped", 0.02, 0.0006, 0.0002, 0.0006),
        ("near", "birth dates that differ in one part", 0.07, 0.006, 0.003, 0.006),
        ("year", "the same year of birth", 0.02, 0.020, 0.015, 0.020),
        ("differ", "different birth dates", 0.015, 0.965, 0.98, 0.963),
    ),
    by_chance=(H, N, C),
    most=(("differ", 0.1), ("year", 0.05)),
    slips=("swapped", "near", "year"),
    chosen=((B, (0.6, 0.1, 0.05, 0.15, 0.05, 0.05)),),
    own=(T,),
)
EMAIL = Field(
    "email",
    _levels(
        ("own", "the same e-mail", 0.58, 0.10, 0.001, 0.010),
        ("shared", "the same e-mail, one that several people use", 0.06, 0.12, 0.001, 0.010),
        ("near", "e-mails that differ by a slip", 0.04, 0.005, 0.002, 0.005),
        ("name", "the same name and number at another mail service", 0.02, 0.002, 0.002, 0.002),
        ("word", "the same name at another mail service", 0.015, 0.004, 0.015, 0.006),
        ("number", "e-mails that differ by a number", 0.01, 0.006, 0.006, 0.006),
        ("differ", "different e-mails", 0.275, 0.765, 0.974, 0.961),
    ),
    by_chance=(
        N,
        B,
    ),
    most=(("number", 0.03),),
    chosen=((C, (0.15, 0.40, 0.01, 0.005, 0.005, 0.005, 0.425)),),
    slips=("near", "number"),
)
PHONE = Field(
    "phone",
    _levels(
        ("own", "the same phone", 0.50, 0.22, 0.001, 0.010),
        ("shared", "the same phone, one that several people use", 0.12, 0.24, 0.001, 0.015),
        ("near", "phones that differ by a slip", 0.02, 0.010, 0.001, 0.005),
        ("next", "neighbouring phone numbers", 0.005, 0.010, 0.001, 0.004),
        ("differ", "different phones", 0.355, 0.52, 0.996, 0.966),
    ),
    by_chance=(
        N,
        B,
    ),
    most=(("next", 0.03),),
    chosen=((C, (0.15, 0.60, 0.01, 0.01, 0.23)),),
    slips=("near", "next"),
)
ADDRESS = Field(
    "address",
    _levels(
        ("own", "the same address", 0.25, 0.33, 0.002, 0.010),
        ("shared", "the same address, where several people live", 0.30, 0.32, 0.003, 0.020),
        ("building", "the same address, where many people live", 0.02, 0.04, 0.002, 0.020),
        ("near", "addresses that differ by a slip", 0.07, 0.08, 0.002, 0.010),
        ("postcode", "the same postcode", 0.06, 0.04, 0.010, 0.050),
        ("area", "the same area", 0.06, 0.04, 0.100, 0.150),
        ("differ", "different addresses", 0.24, 0.15, 0.88, 0.74),
    ),
    by_chance=(
        N,
        B,
    ),
)
GENDER = Field(
    "gender",
    _levels(("same", "the same gender", 0.975, 0.45, 0.95, 0.5), ("differ", "different genders", 0.025, 0.55, 0.05, 0.5)),
    by_chance=(
        B,
        C,
    ),
    most=(("differ", 0.06),),
    own=(J,),
)
RANK = Field(
    "generation",
    _levels(
        ("same", "the same generation mark", 0.9999, 0.2, 0.5, 0.5),
        ("differ", "another generation (junior, senior)", 0.0001, 0.8, 0.5, 0.5),
    ),
    most=(("differ", 0.0001),),
)
PLACE = Field(
    "birth_place",
    _levels(
        ("same", "the same birth place", 0.75, 0.40, 0.03, 0.04),
        ("alike", "birth places that look alike", 0.10, 0.08, 0.02, 0.03),
        ("differ", "different birth places", 0.15, 0.52, 0.95, 0.93),
    ),
    by_chance=(
        N,
        B,
        C,
    ),
)
JOB = Field(
    "job_title",
    _levels(
        ("same", "the same job", 0.65, 0.10, 0.08, 0.08),
        ("alike", "jobs that look alike", 0.10, 0.05, 0.05, 0.05),
        ("differ", "different jobs", 0.25, 0.85, 0.87, 0.87),
    ),
    by_chance=(
        H,
        N,
        B,
        C,
    ),
)
EMPLOYER = Field(
    "employer",
    _levels(
        ("same", "the same employer", 0.70, 0.10, 0.03, 0.05),
        ("alike", "employers that look alike", 0.15, 0.05, 0.03, 0.04),
        ("differ", "different employers", 0.15, 0.85, 0.94, 0.91),
    ),
    by_chance=(
        N,
        B,
    ),
)
ORGANISATION = Field(
    "organisation_name",
    _levels(
        ("same", "the same name", 0.70, 0.02, 0.30, 0.005),
        ("alike", "names that look alike", 0.22, 0.05, 0.30, 0.020),
        ("word", "names that share a telling word", 0.05, 0.13, 0.25, 0.10),
        ("differ", "different names", 0.03, 0.80, 0.15, 0.875),
    ),
)
TOLD = Field(
    "name_in_email",
    _levels(
        ("both", "the e-mail tells given and family name", 0.45, 0.01, 0.20, 0.004),
        ("initial", "the e-mail tells the family name and an initial", 0.25, 0.03, 0.15, 0.010),
        ("given", "the e-mail tells the given name", 0.18, 0.03, 0.20, 0.040),
        ("family", "the e-mail tells the family name, of someone else", 0.04, 0.43, 0.15, 0.060),
        ("nothing", "the e-mail tells another name, or none", 0.08, 0.50, 0.30, 0.886),
    ),
)


def identifier(kind: str) -> Field:
    """The comparison of one type of identifier; how exclusive and stable it is, training finds out."""
    return Field(
        f"identifier:{kind}",
        _levels(
            ("same", f"the same {kind}", 0.86, 0.004, 0.001, 0.004),
            ("shared", f"the same {kind}, one that several people use", 0.04, 0.06, 0.003, 0.020),
            ("near", f"{kind}: a slip apart", 0.04, 0.006, 0.003, 0.006),
            ("differ", f"different {kind}", 0.06, 0.93, 0.993, 0.970),
        ),
        by_chance=(H, N, B, C),
        slips=("near",),
    )


STANDING = (GIVEN, FAMILY, MIDDLE, BIRTH, EMAIL, PHONE, ADDRESS, GENDER, RANK, PLACE, JOB, EMPLOYER, ORGANISATION, TOLD)
"""The fields that every model has, in the order of the columns of a pattern; identifiers come behind them."""
