"""A consent is `granted` or `denied`; anything else is no consent at all, and never taken for one."""

from __future__ import annotations

from collections.abc import Collection

from cdp.records.values.text import Unclean, fold, is_null, words

_YES = words("""
    yes y true t 1 on ja j si sí s sim oui o da да granted opt-in optin opted_in in subscribed active confirmed erteilt x ✓
""")
_NO = words("""
    no n false f 0 off nein não nao non нет denied opt-out optout opted_out out unsubscribed revoked withdrawn inactive widerrufen cleaned
""")


def clean(text: str, granted: Collection[str] | None = None, denied: Collection[str] | None = None) -> str | None:
    """`granted` or `denied`; tables of the mapping (folded to lower case) replace the words of common languages.

    Raises:
        Unclean: `unknown_consent`.
    """
    word = fold(text).lower()
    if word in (_YES if granted is None else granted):
        return "granted"
    if word in (_NO if denied is None else denied):
        return "denied"
    if word in ("granted", "denied"):
        return word
    if is_null(word):
        return None
    raise Unclean("unknown_consent")
