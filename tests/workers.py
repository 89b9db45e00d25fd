"""How a whole run is shared out to several workers, as `make test` does: by files, in their order, with few exceptions."""

from typing import Final

import pytest
from hypothesis.internal.conjecture import providers
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

KILLS: Final = "tests/e2e/kills/"
"""Its files share the processes of a bus, which take long to start."""
CONSTANTS: Final = "_get_local_constants"


class ByPlatform(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    """Tests that share what is started for a module or a package go to one worker, one after the other."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if not file.startswith(KILLS):
            return file
        return f"{KILLS} on {'Kafka' if '[kafka' in test else 'the embedded bus'}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlatform:
    """What decides which worker runs what."""
    return ByPlatform(config, log)


def pytest_collection_finish() -> None:
    """Have the same examples in each run: Hypothesis takes values from all code that is loaded, also by what a worker ran before."""
    known = vars(providers)[CONSTANTS]()
    vars(providers)[CONSTANTS] = lambda: known
