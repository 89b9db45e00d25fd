"""Ids: a readable prefix outside, a UUID inside, sorted by birth."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.kernel.ids import CAMPAIGN, CampaignId, derived_id, new_id

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
READER: TypeAdapter[UUID] = TypeAdapter(CampaignId)


@given(st.uuids())
def test_id_is_read_as_it_was_written(value: UUID) -> None:
    assert READER.validate_json(READER.dump_json(value)) == value
    assert READER.dump_json(value) == f'"cmp_{value.hex}"'.encode()


@pytest.mark.parametrize("text", ["", "cmp_", "off_" + "0" * 32, "cmp_" + "0" * 31, "cmp_" + "G" * 32, "cmp_" + "A" * 32, "0" * 32])
def test_id_of_another_shape_is_refused_with_the_shape_it_must_have(text: str) -> None:
    with pytest.raises(ValidationError, match="cmp_ and 32 hexadecimal digits"):
        READER.validate_python(text)


def test_new_ids_sort_by_birth_and_are_version_7() -> None:
    ids = [new_id(NOW + timedelta(milliseconds=number)) for number in range(100)]
    assert ids == sorted(ids)
    assert {(value.version, value.variant) for value in ids} == {(7, "specified in RFC 4122")}
    assert len({new_id(NOW) for _ in range(1000)}) == 1000


def test_derived_id_follows_from_its_parts_alone() -> None:
    assert derived_id("a", 1) == derived_id("a", 1)
    assert derived_id("a", "b") != derived_id("ab")
    assert CAMPAIGN.parse(CAMPAIGN.render(derived_id("a"))) == derived_id("a")
