"""A world in which purchases are made, and somebody who asks about them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.platform.database import Database
from shared.platform.local.postgres import EmbeddedPostgres
from tests.conftest import MakeCall
from tests.integration.redemptions.asking import Asker


@pytest.fixture
def asker(call: MakeCall, postgres: EmbeddedPostgres) -> Iterator[Asker]:
    """Asks on an event loop of its own."""
    database = Database(postgres.app_url(), pool_size=2, timeout_seconds=5)
    asker = Asker(replace(call(), database=database))
    yield asker
    asker.runner.run(database.leave_loop())
    asker.runner.close()
    database.close()
