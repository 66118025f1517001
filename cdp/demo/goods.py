"""What somebody wants to buy depends on what they like and on the season, in the shop as at the till."""

from __future__ import annotations

from functools import cache
from itertools import accumulate
from random import Random

from cdp.demo import stock


@cache
def _wishes(likes: tuple[str, ...], month: int) -> tuple[int, ...]:
    """Cumulative weights of `stock.PRODUCTS`: a liked category counts eight times."""
    return tuple(accumulate(int(product.season[month - 1]) * (8 if product.category in likes else 1) for product in stock.PRODUCTS))


def wish(random: Random, likes: tuple[str, ...], month: int) -> stock.Product:
    """A product that suits the customer and the month (1 to 12)."""
    return random.choices(stock.PRODUCTS, cum_weights=_wishes(likes, month))[0]


def quantity(random: Random, price: float) -> int:
    """How many of it: small things are bought by the handful."""
    return random.choice((1, 1, 2, 2, 3, 4)) if price < 35 else 1
