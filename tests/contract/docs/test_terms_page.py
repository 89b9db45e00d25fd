"""The page on terms shows parts that can be saved as they stand."""

import json
import re
from pathlib import Path

import pytest

from shared.eligibility.terms import (
    Content,
    FixedReward,
    Limits,
    PercentReward,
    PeriodLimit,
    Qualification,
    Recency,
    Stacking,
    Terms,
    Tier,
    TieredReward,
    Variant,
)
from shared.eligibility.validation import problems
from shared.kernel.wire import Image
from tests.unit.eligibility.builders import TERMS

PAGE = Path(__file__).parents[3] / "docs/howto/terms.md"
PARTS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)]


@pytest.mark.parametrize("part", PARTS, ids=json.dumps)
def test_part_can_be_saved(part: dict[str, object]) -> None:
    assert problems(Terms.model_validate_json(json.dumps(TERMS | part))) == ()


def test_every_kind_and_field_is_shown() -> None:
    shown = set(re.findall(r'"(\w+)"', json.dumps(PARTS)))
    models = (
        FixedReward,
        PercentReward,
        TieredReward,
        Tier,
        Qualification,
        Recency,
        PeriodLimit,
        Limits,
        Stacking,
        Variant,
        Content,
        Image,
    )
    fields = {name for model in models for name in model.model_fields} - {"rounding"}
    assert {"fixed", "percent", "tiers", "single_purchase", "cumulative_spend", "visits"} | fields <= shown
