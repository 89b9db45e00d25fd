"""A problem in a shape that is chosen by its kind was told of with the kind as a place."""

import json

import pytest
from pydantic import ValidationError

from shared.offers.api import NewVersion
from shared.platform.operations import problems_of
from tests.world import terms


@pytest.mark.parametrize(
    ("reward", "path"),
    [
        ({"kind": "fixed", "amount": 1.5}, "/terms/reward/amount"),
        ({"kind": "percent"}, "/terms/reward/basis_points"),
        ({"kind": "fixed", "amount": 1, "cap": 2}, "/terms/reward/cap"),
        ({"kind": "tiers", "on": "whole", "tiers": []}, "/terms/reward/tiers"),
        ({"kind": "tiers", "on": "whole", "tiers": [{"reached": "1", "amount": 1.5}]}, "/terms/reward/tiers/0/amount"),
        ({"kind": "tiers", "on": "whole", "tiers": [{"reached": "1", "amount": 1}], "cap": 1.5}, "/terms/reward/cap"),
    ],
)
def test_a_kind_is_no_place(reward: dict[str, object], path: str) -> None:
    body = json.dumps({"terms": terms().model_dump(mode="json") | {"reward": reward}}).encode()
    with pytest.raises(ValidationError) as caught:
        NewVersion.model_validate_json(body)
    assert [problem.path for problem in problems_of(caught.value, body=body)] == [path]
