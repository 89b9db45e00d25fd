"""Memory is bounded by a block, not by the file."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="tells what memory a process used")
RUN = """
import sys
from shared.cli.main import app
from tests.memory import peak
app(sys.argv[1:], standalone_mode=False)
print(peak(), file=sys.stderr)
"""


def peak(folder: Path, kind: str, *size: str) -> int:
    command = [sys.executable, "-c", RUN, "generate", kind, *size, "--bad", "0.001", "--gzip", "--out", str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stderr.split()[-1])


@pytest.mark.parametrize(
    ("kind", "option", "size"), [("transactions", "--rows", 120_000), ("redemptions", "--rows", 120_000), ("grants", "--customers", 20_000)]
)
def test_four_times_the_records_take_no_more_memory(tmp_path: Path, kind: str, option: str, size: int) -> None:
    assert peak(tmp_path, kind, option, str(4 * size)) < 1.15 * peak(tmp_path, kind, option, str(size))
