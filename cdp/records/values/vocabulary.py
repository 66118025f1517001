"""A word of a closed vocabulary: each standard word has what sources write for it; no other word is taken for one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cdp.records.model import Channel, CustomerKind, InteractionKind
from cdp.records.values.text import Unclean, fold, is_null

_APART = re.compile(r"[\s\-]+")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The standard words, what else means one of them, and the reason code for any other word."""

    standard: frozenset[str]
    synonyms: dict[str, str]
    reason: str

    @classmethod
    def of(cls, standard: Iterable[str], synonyms: dict[str, str], reason: str) -> Vocabulary:
        """`synonyms`: standard word -> what sources write for it, blanks between."""
        return cls(frozenset(map(str, standard)), {word: meant for meant, words in synonyms.items() for word in words.split()}, reason)

    def clean(self, text: str) -> str | None:
        """The standard word. Raises Unclean with the reason of the vocabulary."""
        word = _APART.sub("_", fold(text).lower())
        known = word if word in self.standard else self.synonyms.get(word)
        if known or is_null(word):
            return known
        raise Unclean(self.reason)


CUSTOMER_KIND = Vocabulary.of(
    CustomerKind,
    {
        "person": "individual individuum consumer private privat b2c human contact people p",
        "organisation": "organization company business firma empresa entreprise b2b org account corporate",
    },
    "unknown_kind",
)
INTERACTION_KIND = Vocabulary.of(
    InteractionKind,
    {
        "order": "purchase sale bestellung pedido commande",
        "return": "refund",
        "ticket": "case",
        "opportunity": "deal",
        "email": "mail e_mail",
        "message": "sms",
        "page_view": "pageview page",
        "screen_view": "screen",
        "call": "phone_call anruf",
        "meeting": "appointment",
    },
    "unknown_kind",
)
CHANNEL = Vocabulary.of(
    Channel,
    {
        "email": "e_mail",
        "phone": "telephone call telefon",
        "sms": "text",
        "in_person": "store shop pos branch filiale",
        "web": "online website webshop",
        "app": "mobile",
        "mail": "letter post brief",
        "social": "facebook instagram twitter",
        "chat": "whatsapp livechat live_chat",
    },
    "unknown_channel",
)
DIRECTION = Vocabulary.of(
    ("inbound", "outbound"), {"inbound": "in incoming received", "outbound": "out outgoing sent"}, "unknown_direction"
)
