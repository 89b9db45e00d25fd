"""Words about functions, from the docstrings of their main modules; read, never imported."""

import ast
from functools import cache
from pathlib import Path

import functions


@cache
def function_words(name: str) -> str:
    """What a function is for: the docstring of its `main.py`."""
    source = Path(functions.__file__).parent / name / "main.py"
    return ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
