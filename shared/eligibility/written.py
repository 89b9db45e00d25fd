"""Functions written out from conditions: what terms ask is known only once they are, and is then asked as quickly as if written by hand.

The text of a function holds no value of any terms, only names; values are bound to the names. So texts are few, and each is compiled once.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

CACHED_TEXTS: Final = 2_000
FILE: Final = "<terms>"


def write(parameters: str, steps: Iterable[str], names: Mapping[str, object]) -> Any:  # noqa: ANN401  (what the steps make of it)
    """The function of these parameters that takes the steps, each a line of Python; other names in them stand for the values given."""
    code = _code(f"def written({parameters}):\n" + "".join(f"    {step}\n" for step in steps))
    return FunctionType(code, {name: names[name] for name in code.co_names if name in names})


class Expression(NamedTuple):
    """An expression in Python, and what the names in it stand for."""

    text: str
    names: Mapping[str, object]

    def and_also(self, text: str, **names: object) -> "Expression":
        """That both hold, this one asked first."""
        return Expression(f"{self.text} and {text}", {**self.names, **names})

    def written(self, parameters: str) -> Any:  # noqa: ANN401  (what the expression makes of it)
        """The function of these parameters that answers with the expression."""
        return write(parameters, [f"return {self.text}"], self.names)


@lru_cache(maxsize=CACHED_TEXTS)
def _code(text: str) -> CodeType:
    (code,) = (const for const in compile(text, FILE, "exec", dont_inherit=True).co_consts if isinstance(const, CodeType))
    return code
