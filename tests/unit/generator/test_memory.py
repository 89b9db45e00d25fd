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


def peak(folder: Path, rows: int) -> int:
    command = [sys.executable, "-c", RUN, "generate", "transactions", "--rows", str(rows), "--bad", "0.001", "--gzip", "--out", str(folder)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stderr.split()[-1])


def test_four_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    assert peak(tmp_path, 480_000) < 1.15 * peak(tmp_path, 120_000)
