"""The part of Argo's two expression languages that workflows of this project use.

expr-lang (retryStrategy.expression, labelsFrom, `{{=…}}`): names, literals, lists, arithmetic, comparisons, `in`,
`not in`, `&&`, `||`, `!`, `?:`, members, and a few functions. govaluate (`when`): the same operators, but a bare word
is a string and a list stands in parentheses. Anything else is refused by name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import ExpressionError, UnknownName
from .tokens import Token, tokenize

Scope = Mapping[str, Any]
Thunk = Callable[[], Any]

LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"??"}),
    frozenset({"||", "or"}),
    frozenset({"&&", "and"}),
    frozenset({"==", "!=", "<", ">", "<=", ">=", "=~", "!~", "in", "not", "matches", "contains", "startsWith",
               "endsWith"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "%"}),
    frozenset({"**"}),
)  # fmt: skip
GOVALUATE_WORDS = frozenset({"in"})


def to_text(value: Any) -> str:
    """As Go prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "<nil>" if value is None else str(value)


CONSTANTS = {"true": True, "false": False, "nil": None}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": lambda value: int(str(value)),
    "asFloat": lambda value: float(str(value)),
    "int": lambda value: int(float(str(value))),
    "float": lambda value: float(str(value)),
    "string": to_text,
    "len": len,
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
    "trim": lambda value: str(value).strip(),
}


def evaluate(expression: str, scope: Scope) -> Any:
    """The value of an expr-lang expression. Raises UnknownName, ExpressionError."""
    return _Parser(expression, scope, bare_words=False).value()


def evaluate_bool(expression: str, scope: Scope) -> bool:
    value = evaluate(expression, scope)
    if not isinstance(value, bool):
        raise ExpressionError(f"expected boolean evaluation for '{expression}'. Got {value}")
    return value


def should_execute(when: str) -> bool:
    """A `when` clause, tags already replaced. Raises ExpressionError with Argo's texts."""
    if not when:
        return True
    try:
        value = _Parser(when, {}, bare_words=True).value()
    except ExpressionError as error:
        raise ExpressionError(f"Invalid 'when' expression '{when}': {error.message}") from error
    if not isinstance(value, bool):
        raise ExpressionError(f"Expected boolean evaluation for '{when}'. Got {to_text(value)}")
    return value


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """`{"workflow.parameters.x": "1"}` as `{"workflow": {"parameters": {"x": "1"}}}`: what expressions see."""
    scope: dict[str, Any] = {}
    for name, value in flat.items():
        *parents, last = name.split(".")
        place = scope
        for parent in parents:
            inner = place.setdefault(parent, {})
            place = inner if isinstance(inner, dict) else place
        place.setdefault(last, value)
    return scope


class _Parser:
    """Precedence climbing; operands are thunks, so that what is not reached is not evaluated."""

    def __init__(self, expression: str, scope: Scope, *, bare_words: bool) -> None:
        self.expression, self.scope, self.bare_words = expression, scope, bare_words
        self.tokens = tokenize(expression)
        self.position = 0

    def value(self) -> Any:
        thunk = self.ternary()
        if self.token.kind != "end":
            raise ExpressionError(f"unexpected token '{self.token.text}'")
        try:
            return thunk()
        except (ValueError, TypeError, ArithmeticError, KeyError, IndexError, re.error) as error:
            raise ExpressionError(f"{error} in '{self.expression}'") from error

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def take(self, text: str) -> bool:
        if self.token.kind in {"operator", "name"} and self.token.text == text:
            self.position += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise ExpressionError(f"expected '{text}' in '{self.expression}'")

    def ternary(self) -> Thunk:
        condition = self.binary(0)
        if not self.take("?"):
            return condition
        yes = self.ternary()
        self.expect(":")
        no = self.ternary()
        return lambda: yes() if condition() else no()

    def binary(self, level: int) -> Thunk:
        if level == len(LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.is_operator(level):
            name = self.next().text
            if name == "not":
                self.expect("in")
                name = "not in"
            left = _combine(name, left, self.binary(level + 1))
        return left

    def is_operator(self, level: int) -> bool:
        token = self.token
        if token.kind == "name" and self.bare_words and token.text not in GOVALUATE_WORDS:
            return False
        return token.kind in {"operator", "name"} and token.text in LEVELS[level]

    def unary(self) -> Thunk:
        if self.take("!") or (not self.bare_words and self.take("not")):
            inner = self.unary()
            return lambda: not inner()
        if self.take("-"):
            inner = self.unary()
            return lambda: -inner()
        return self.postfix(self.primary())

    def primary(self) -> Thunk:
        token = self.next()
        if token.kind == "number":
            number = float(token.text) if "." in token.text or self.bare_words else int(token.text)
            return lambda: number
        if token.kind == "string":
            return lambda: token.text
        if token.kind == "name":
            return self.name(token.text)
        if token.text == "[":
            return self.sequence("]")
        if token.text == "(":
            return self.parenthesis()
        raise ExpressionError(f"unexpected token '{token.text}' in '{self.expression}'")

    def parenthesis(self) -> Thunk:
        items = self.sequence(")")
        if self.bare_words and self.listed:
            return items
        return lambda: items()[0]

    def sequence(self, end: str) -> Thunk:
        items: list[Thunk] = []
        self.listed = False
        while not self.take(end):
            items.append(self.ternary())
            if self.token.text != end:
                self.expect(",")
                self.listed = True
        self.listed = len(items) > 1
        return lambda: [item() for item in items]

    def name(self, name: str) -> Thunk:
        if name in CONSTANTS:
            return lambda: CONSTANTS[name]
        if self.bare_words:
            while self.take("."):
                name += "." + self.next().text
            return lambda: name
        if name in FUNCTIONS and self.token.text == "(":
            self.next()
            arguments = self.sequence(")")
            return lambda: FUNCTIONS[name](*arguments())
        if name not in self.scope:
            raise UnknownName(f"unknown name {name}")
        return lambda: self.scope[name]

    def postfix(self, thunk: Thunk) -> Thunk:
        while not self.bare_words:
            if self.take("."):
                thunk = _member(thunk, self.next().text)
            elif self.take("["):
                index = self.ternary()
                self.expect("]")
                thunk = _index(thunk, index)
            elif self.token.text == "(" and self.token.kind == "operator":
                raise ExpressionError(f"trial: function in expression '{self.expression}' is not implemented")
            else:
                break
        return thunk


def _member(thunk: Thunk, name: str) -> Thunk:
    def value() -> Any:
        owner = thunk()
        if not isinstance(owner, Mapping) or name not in owner:
            raise UnknownName(f"unknown name {name}")
        return owner[name]

    return value


def _index(thunk: Thunk, index: Thunk) -> Thunk:
    return lambda: thunk()[index()]


def _equal(left: Any, right: Any) -> bool:
    return isinstance(left, str) == isinstance(right, str) and bool(left == right)


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "not in": lambda left, right: left not in right,
    "=~": lambda left, right: re.search(right, left) is not None,
    "!~": lambda left, right: re.search(right, left) is None,
    "matches": lambda left, right: re.search(right, left) is not None,
    "contains": lambda left, right: right in left,
    "startsWith": lambda left, right: left.startswith(right),
    "endsWith": lambda left, right: left.endswith(right),
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "**": operator.pow,
}


def _combine(name: str, left: Thunk, right: Thunk) -> Thunk:
    if name in {"&&", "and"}:
        return lambda: left() and right()
    if name in {"||", "or"}:
        return lambda: left() or right()
    if name == "??":
        return lambda: value if (value := left()) is not None else right()
    return lambda: OPERATORS[name](left(), right())
