"""However much of a day lies scattered, putting it together takes so much memory and no more."""

import subprocess
import sys
from typing import Final

MOST_MIB: Final = 300
PROGRAM: Final = """
import pyarrow as pa
import pyarrow.compute as pc
from shared.files import compaction
from shared.files.lake import as_parquet
from shared.files.spans import Rows
from tests.memory import peak

def part(number):
    ids = pa.array(range(number * 25_000, (number + 1) * 25_000))
    text = pc.cast(ids, pa.string())
    hashed = pa.array([hash((number, n)) for n in range(25_000)])
    return as_parquet(pa.table({"transaction_id": text, "amount": hashed, "city": pa.repeat("New York", 25_000), "mcc": text}))

sources = {f"o{number}": part(number) for number in range(40)}
held = sum(map(len, sources.values()))
size = sum(len(block) for block in compaction._written(sources, map(Rows.of, sources)))
print(peak() >> 20, held, size)
"""


def test_memory_is_bounded_by_what_is_put_together_at_once() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    most_mib, held, size = map(int, told.split())
    assert size > held / 2
    assert most_mib < MOST_MIB, told
