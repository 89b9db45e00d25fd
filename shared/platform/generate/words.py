"""Words about functions, from the docstrings of their main modules, which are read, never imported; and about topics."""

import ast
from functools import cache
from pathlib import Path

import functions
from events.catalog import Topic


@cache
def function_words(name: str) -> str:
    """What a function is for: the docstring of its `main.py`."""
    source = Path(functions.__file__).parent / name / "main.py"
    return ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""


def topic_words(topic: Topic) -> str:
    """What the events of a topic are ordered by, and who beside Clo writes and reads them."""
    keys = sorted({kind.key for kind in topic.events} - {"none"})
    in_no_order = "One partition: all in order." if topic.partitions == 1 else "In no order."
    words = [f"Ordered by {' or '.join(keys)}." if keys else in_no_order]
    if any(kind.inward for kind in topic.events):
        words.append("Systems of the bank write here too.")
    if any(kind.outward for kind in topic.events):
        words.append("Systems outside read here.")
    return " ".join(words)
