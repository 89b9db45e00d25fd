"""However much of a day lies scattered, putting it together takes so much memory and no more."""

import subprocess
import sys
from typing import Final

import pytest

MOST_MIB: Final = 300
PROGRAM: Final = """
import pyarrow as pa
import pyarrow.compute as pc
from shared.files import compaction
from shared.files.lake import as_parquet
from shared.files.spans import Rows, opened
from tests.memory import peak

def part(number):
    ids = pa.array(range(number * RECORDS, (number + 1) * RECORDS))
    text = pc.cast(ids, pa.string())
    hashed = pa.array([hash((number, n)) for n in range(RECORDS)])
    return as_parquet(pa.table({"transaction_id": text, "amount": hashed, "city": pa.repeat("New York", RECORDS), "mcc": text}))

parts = {f"o{number}": part(number) for number in range(OBJECTS)}
sources = {name: opened(data) for name, data in parts.items()}
size = sum(len(block) for block in compaction._written(sources, (Rows(object=name, spans=SPANS) for name in sources)))
print(peak() >> 20, sum(map(len, parts.values())), size)
"""


@pytest.mark.parametrize(
    ("said", "least"),
    [("RECORDS, OBJECTS, SPANS = 25_000, 40, ()", 1 / 2), ("RECORDS, OBJECTS, SPANS = 4_096, 1_000, ((2_000, 2_030),)", 1 / 200)],
    ids=["all of large objects", "one of many days"],
)
def test_memory_is_bounded_by_what_is_put_together_at_once(said: str, least: float) -> None:
    told = subprocess.run([sys.executable, "-c", f"{said}\n{PROGRAM}"], capture_output=True, text=True, check=True).stdout
    most_mib, held, size = map(int, told.split())
    assert size > held * least
    assert most_mib < MOST_MIB, told
