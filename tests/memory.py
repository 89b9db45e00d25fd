"""How much memory a program of a test's own has needed."""

import re
import resource
import sys
from pathlib import Path


def peak() -> int:
    """Bytes that this process has had resident at most. On Linux `getrusage` may tell those of the program that started it."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert told is not None
    return int(told[1]) * 1024
