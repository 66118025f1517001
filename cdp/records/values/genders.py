"""A gender is `male`, `female` or `other`, or nothing where the source does not say."""

from __future__ import annotations

from cdp.records.values.text import Unclean, fold, is_null, words

_WORDS = {
    "male": words("""
        m male man mr herr männlich maennlich mann hombre h masculino masculin homme м муж мужской herren masc boy maschio
    """),
    "female": words("""
        f female woman mrs ms w weiblich frau mujer femenino feminino féminin feminin femme ж жен женский fem girl femmina damen
    """),
    "other": words("o x d other divers diverse nonbinary non-binary otro outro autre другой nb enby"),
}
_BY_WORD = {word: gender for gender, words in _WORDS.items() for word in words}
_SILENT = {"u", "unspecified", "not specified", "not known", "prefer not to say", "keine angabe", "k.a.", "9", "0", "unknown", "n"}


def clean(text: str) -> str | None:
    """The gender a word or letter of several languages, or ISO/IEC 5218 (1 male, 2 female), stands for.

    Raises:
        Unclean: `unknown_gender`.
    """
    word = fold(text).lower().rstrip(".")
    gender = {"1": "male", "2": "female"}.get(word) or _BY_WORD.get(word)
    if gender or is_null(word) or word in _SILENT:
        return gender
    raise Unclean("unknown_gender")
