"""Many ids are sent as one text."""

from uuid import UUID

import pytest

from shared.platform.database import joined


@pytest.mark.parametrize(
    ("ids", "text"),
    [
        ([], ""),
        (["c-1", "c.2:3"], "c-1,c.2:3"),
        ([UUID(int=1), UUID(int=10)], "00000000000000000000000000000001,0000000000000000000000000000000a"),
    ],
)
def test_ids_of_both_kinds_are_joined_by_commas(ids: list[object], text: str) -> None:
    assert joined(ids) == text
