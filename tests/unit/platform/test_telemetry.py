"""Logs: JSON lines with the trace, and nothing that must not be read there."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from shared.platform.telemetry import set_up_logging, trace_of

Lines = Callable[[], list[dict[str, Any]]]
VISA = "4111111111111111"
GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    set_up_logging("info")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_line_is_json_with_level_time_and_what_is_bound(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(trace=GIVEN, function="manage_campaigns"):
        structlog.get_logger().info("done", took=3)
    (line,) = lines()
    assert line["event"] == "done"
    assert (line["level"], line["took"], line["trace"], line["function"]) == ("info", 3, GIVEN, "manage_campaigns")
    assert line["timestamp"].endswith("Z")


def test_lines_below_the_level_are_left_out(lines: Lines) -> None:
    structlog.get_logger().debug("quiet")
    assert lines() == []


def test_card_numbers_are_masked_at_any_depth_and_in_exceptions(lines: Lines) -> None:
    error = RuntimeError(f"could not read {VISA}")
    structlog.get_logger().error("seen", what=VISA, body={"pan": [VISA, int(VISA)]}, raw=VISA.encode(), exc_info=error)
    (line,) = lines()
    assert VISA not in json.dumps(line)
    assert "could not read [card number]" in line["exception"]


def test_values_that_validators_quote_are_left_out(lines: Lines) -> None:
    class Person(BaseModel):
        age: int

    address = "maya@example.org"
    try:
        Person.model_validate({"age": address})
    except ValueError:
        structlog.get_logger().exception("unexpected")
    (line,) = lines()
    assert address not in json.dumps(line)
    assert "ValidationError" in line["exception"]


def test_well_formed_trace_is_kept() -> None:
    assert trace_of(GIVEN) == GIVEN


@pytest.mark.parametrize("header", [None, "", "00-xyz", GIVEN + "0", GIVEN.upper()])
def test_other_traces_begin_anew(header: str | None) -> None:
    fresh = trace_of(header)
    assert fresh != header
    assert trace_of(fresh) == fresh
