"""How much was held against the slow reference: counted while the tests run, told when they are done."""

from collections import Counter

import pytest

COMPARED = pytest.StashKey[Counter[str]]()


@pytest.fixture
def compared(pytestconfig: pytest.Config) -> Counter[str]:
    """How many histories, decisions about a purchase and a grant, and among these completions, were found to be the same."""
    return pytestconfig.stash.setdefault(COMPARED, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell it in the summary, if anything was compared."""
    compared = config.stash.get(COMPARED, None)
    if compared:
        told = ", ".join(f"{count:,} {what}" for what, count in compared.items())
        terminalreporter.write_line(f"The same as the slow reference: {told}.")
