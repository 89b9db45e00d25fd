"""A file of Parquet is read once by a process of its own before any other reads it: the library ends a process that a file confuses.

Started as a program, it reads a question from standard input and answers on standard output.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from shared.files.drops import problems_in
from shared.files.layout import Layout
from shared.files.row_groups import Group, NotParquet, groups_of, read_groups
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Changed, Stored
from shared.files.stores.streams import ranges
from shared.kernel.errors import Busy, Invalid, NotFound, Problem

MOST_ADDRESSES: Final = 4 << 30
"""Bytes of address space, of which only a part is ever memory."""
PATIENCE_SECONDS: Final = 540
ROWS: Final = 8_192


def probed(url: str, stored: Stored, layout: Layout) -> list[Group]:
    """The row groups of a file, once another process has read it whole. Raises NotParquet, Changed, NotFound, Busy."""
    question = {"url": url, "layout": layout.model_dump(mode="json"), "stored": asdict(stored)}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "shared.files.probe"]
    try:
        done = subprocess.run(
            command, input=json.dumps(question).encode(), stdout=subprocess.PIPE, timeout=PATIENCE_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise _not_parquet("it takes too long to read") from error
    if done.returncode:
        raise _not_parquet("it is damaged so that nothing can read it")
    return _heard(json.loads(done.stdout), stored.name)


def _heard(answer: dict[str, Any], name: str) -> list[Group]:
    if "error" in answer:
        raise ERRORS[answer["error"]](name=name)
    if "problems" in answer:
        raise NotParquet(problems=tuple(Problem(**problem) for problem in answer["problems"]))
    return [Group(**group) for group in answer["groups"]]


ERRORS: Final = {error.__name__: error for error in (Busy, Changed, NotFound)}


def _not_parquet(message: str) -> NotParquet:
    return NotParquet(problems=(Problem(path="", message=f"as a file of Parquet, {message}"),))


def _answer(question: dict[str, Any]) -> dict[str, Any]:
    stored, layout = Stored(**question["stored"]), Layout.model_validate_json(json.dumps(question["layout"]))
    store = open_store(question["url"])
    file = ranges(partial(store.read, stored.name, stored.generation), stored.size)
    try:
        groups = groups_of(file, stored.size, layout)
        for _ in read_groups(file, stored.size, len(groups), layout, ROWS):
            pass
    except Invalid as error:
        return {"problems": [asdict(problem) for problem in problems_in(error)]}
    except (Busy, Changed, NotFound) as error:
        return {"error": type(error).__name__}
    return {"groups": [asdict(group) for group in groups]}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))
