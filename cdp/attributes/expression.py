"""An expression is arithmetic over other attributes: a tree that this module reads and compiles; nothing is evaluated as code.

    sum     = product {("+" | "-") product}
    product = factor {("*" | "/") factor}
    factor  = "-" factor | number | attribute | function "(" sum {"," sum} ")" | "(" sum ")"

A missing value makes the result missing, and so does a division by zero; `coalesce` puts something in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import Numeric, bindparam, case, cast, func

from cdp.attributes.errors import DefinitionError
from cdp.attributes.language.lexer import Kind
from cdp.attributes.language.parser import DEEPEST, Parser
from cdp.attributes.language.sql import Sql


@dataclass(frozen=True)
class Number:
    value: Decimal


@dataclass(frozen=True)
class Name:
    name: str
    place: str


@dataclass(frozen=True)
class Binary:
    sign: str
    left: Expression
    right: Expression
    place: str


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Number | Name | Binary | Call

FUNCTIONS: dict[str, tuple[int, int, str]] = {
    "min": (2, 20, "the least of its arguments"),
    "max": (2, 20, "the greatest of its arguments"),
    "abs": (1, 1, "without its sign"),
    "round": (2, 2, "to so many decimals (a whole number)"),
    "coalesce": (2, 20, "the first argument that is not missing"),
    "band": (2, 20, "1, and 1 more for each threshold that the first argument reaches"),
}
"""Function -> fewest and most arguments, and what it gives."""


class _ExpressionParser(Parser):
    def whole(self) -> Expression:
        found = self._sum()
        if self.here.kind is not Kind.END:
            raise self.refuse("an operator or the end")
        return found

    def _sum(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise DefinitionError(self.here.place, f"brackets are nested more than {DEEPEST} deep: make a part an attribute of its own")
        found = self._chain(("+", "-"), self._product)
        self._depth -= 1
        return found

    def _product(self) -> Expression:
        return self._chain(("*", "/"), self._factor)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Expression]) -> Expression:
        left = part()
        while self.here.is_sign(*signs):
            token = self.advance()
            right = part()
            if token.value == "/" and constant(right) == 0:
                raise DefinitionError(token.place, "this divides by zero")
            left = Binary(token.value, left, right, token.place)
        return left

    def _factor(self) -> Expression:
        if self.here.kind is Kind.NUMBER:
            return Number(Decimal(self.advance().value))
        if self.take_sign("("):
            inside = self._sum()
            self.expect_sign(")")
            return inside
        if self.here.is_sign("-"):
            token = self.advance()
            return Binary("-", Number(Decimal(0)), self._factor(), token.place)
        name = self.expect_name("a number, an attribute or a function")
        if not self.take_sign("("):
            return Name(name.value, name.place)
        return self._call(name.value, name.place)

    def _call(self, function: str, place: str) -> Call:
        if function not in FUNCTIONS:
            raise DefinitionError(place, f"no function is called {function!r}; there are {', '.join(FUNCTIONS)}")
        arguments = [self._sum()]
        while self.take_sign(","):
            arguments.append(self._sum())
        self.expect_sign(")")
        fewest, most, _ = FUNCTIONS[function]
        if not fewest <= len(arguments) <= most:
            raise DefinitionError(place, f"{function} takes {fewest} to {most} arguments, not {len(arguments)}")
        if function == "round" and not _whole(constant(arguments[1])):
            raise DefinitionError(place, "round takes a whole number from 0 to 10 as its second argument")
        return Call(function, tuple(arguments))


def _whole(value: Decimal | None) -> bool:
    return value is not None and value == value.to_integral_value() and 0 <= value <= 10


def parse(text: str) -> Expression:
    """The expression that is the whole text."""
    return _ExpressionParser(text).whole()


def names(expression: Expression) -> Iterator[Name]:
    """The attributes that an expression reads, in order."""
    if isinstance(expression, Name):
        yield expression
    elif isinstance(expression, Binary):
        yield from names(expression.left)
        yield from names(expression.right)
    elif isinstance(expression, Call):
        for argument in expression.arguments:
            yield from names(argument)


def constant(expression: Expression) -> Decimal | None:
    """What an expression is where it names no attribute; null otherwise."""
    if isinstance(expression, Number):
        return expression.value
    if isinstance(expression, Binary):
        left, right = constant(expression.left), constant(expression.right)
        if left is None or right is None:
            return Decimal(0) if expression.sign == "*" and Decimal(0) in (left, right) else None
        return {"+": left + right, "-": left - right, "*": left * right}.get(expression.sign) if expression.sign != "/" else left / right
    return None


def compile_expression(expression: Expression, columns: Mapping[str, Sql]) -> Sql:
    """The expression over the columns of the attributes it names, rounded to six decimals."""
    return func.round(_compile(expression, columns), 6)


def _compile(expression: Expression, columns: Mapping[str, Sql]) -> Sql:
    if isinstance(expression, Number):
        return bindparam(None, expression.value, Numeric())
    if isinstance(expression, Name):
        return cast(columns[expression.name], Numeric())
    if isinstance(expression, Call):
        return _compile_call(expression, [_compile(argument, columns) for argument in expression.arguments])
    left, right = _compile(expression.left, columns), _compile(expression.right, columns)
    if expression.sign == "/":
        return left / func.nullif(right, 0)
    return {"+": left.__add__, "-": left.__sub__, "*": left.__mul__}[expression.sign](right)


def _compile_call(call: Call, arguments: list[Sql]) -> Sql:
    first, *rest = arguments
    if call.function in ("min", "max"):
        reduced = (func.least if call.function == "min" else func.greatest)(*arguments)
        return case((func.num_nulls(*arguments) == 0, reduced))
    if call.function == "round":
        places = constant(call.arguments[1])
        assert places is not None
        return func.round(first, int(places))
    if call.function == "band":
        steps = (case((first >= threshold, 1), else_=0) for threshold in rest)
        return case((first.is_not(None), sum(steps, start=_one())))
    made: Sql = func.abs(first) if call.function == "abs" else func.coalesce(*arguments)
    return made


def _one() -> Sql:
    return bindparam(None, 1, Numeric())
