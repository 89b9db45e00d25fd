"""A file of Parquet is read once by a process of its own before any other reads it: the library ends a process that a file confuses.

Where row groups are larger than a chunk, what it reads is kept in objects of chunks, as what a packed file holds is.
Started as a program, it reads a question from standard input and answers on standard output.
"""

import json
import os
import resource
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet

from shared.files.drops import problems_in
from shared.files.layout import Layout
from shared.files.places import keep, work_name
from shared.files.row_groups import MOST_RECORDS, Group, NotParquet, groups_of, slices
from shared.files.stores.opening import open_store
from shared.files.stores.protocol import Changed, ObjectStore, Stored
from shared.files.stores.streams import ranges
from shared.kernel.errors import Busy, Invalid, NotFound, Problem

MOST_ADDRESSES: Final = 4 << 30
"""Bytes of address space, of which only a part is ever memory."""
PATIENCE_SECONDS: Final = 540


def probed(url: str, stored: Stored, layout: Layout, drop_id: UUID) -> list[Group]:
    """The row groups of a file, or their slices, once another process has read it whole. Raises NotParquet, Changed, NotFound, Busy."""
    question = {"url": url, "layout": layout.model_dump(mode="json"), "stored": asdict(stored), "drop_id": str(drop_id)}
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
        read = slices(file, stored.size, groups, layout)
        if any(group.rows > MOST_RECORDS for group in groups):
            groups = list(_kept(store, UUID(question["drop_id"]), read))
        else:
            deque(read, maxlen=0)
    except Invalid as error:
        return {"problems": [asdict(problem) for problem in problems_in(error)]}
    except (Busy, Changed, NotFound) as error:
        return {"error": type(error).__name__}
    return {"groups": [asdict(group) for group in groups]}


def _kept(store: ObjectStore, drop_id: UUID, read: Iterable[tuple[int, list[pa.RecordBatch]]]) -> Iterator[Group]:
    """Records that were read, a chunk to an object of its own."""
    for number, (first_row, batches) in enumerate(read, 1):
        made = pa.BufferOutputStream()
        table = pa.Table.from_batches(batches)
        parquet.write_table(table, made, row_group_size=MOST_RECORDS)
        stored = keep(store, work_name(drop_id, "chunks", number), made.getvalue().to_pybytes())
        yield Group(first_row=first_row, rows=table.num_rows, start=0, stop=stored.size, object=stored.name)
        pa.default_memory_pool().release_unused()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))
