"""What follows from the code is committed as the code says it, and is what it claims to be."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from typer.testing import CliRunner

from events.catalog import BY_PAYLOAD, CATALOG, TOPICS
from functions.registry import FUNCTIONS
from shared.cli import artefacts as command
from shared.cli.main import app
from shared.platform.generate import documents

ROOT = Path(command.ROOT)
PRINT_ALL = "import hashlib; from shared.platform.generate import documents; print(hashlib.sha256(repr(documents()).encode()).hexdigest())"


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(documents()["docs/reference/openapi.json"])
    return document


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(documents()["docs/reference/asyncapi.json"])
    return document


def test_committed_files_are_what_the_code_says() -> None:
    wanted = documents()
    assert command.differing_files(ROOT, wanted) == []
    assert command.stale_files(ROOT, wanted) == []


def test_check_exits_with_3_and_names_the_file_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    runner = CliRunner()
    assert runner.invoke(app, ["artefacts"]).exit_code == 0
    assert runner.invoke(app, ["artefacts", "--check"]).exit_code == 0
    (tmp_path / "docs/reference/reasons.md").write_text("other words", encoding="utf-8")
    (tmp_path / "events/schemas/clo.gone.v1.json").write_text("{}", encoding="utf-8")
    answer = runner.invoke(app, ["artefacts", "--check"])
    assert answer.exit_code == 3
    assert answer.stdout.split() == ["docs/reference/reasons.md", "events/schemas/clo.gone.v1.json"]


def test_same_bytes_in_every_process() -> None:
    def digest(seed: str) -> str:
        run = subprocess.run(
            [sys.executable, "-c", PRINT_ALL], cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        return run.stdout.decode()

    assert digest("1") == digest("2")


def test_openapi_document_is_valid(openapi: dict[str, Any]) -> None:
    validate(openapi)


def test_every_schema_is_a_json_schema(openapi: dict[str, Any]) -> None:
    for schema in openapi["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_openapi_has_every_route_with_its_scope_and_words(openapi: dict[str, Any]) -> None:
    for function in FUNCTIONS:
        for route in function.routes:
            operation = openapi["paths"][route.path][route.method.lower()]
            assert operation["operationId"] == route.operation
            assert operation["security"] == [{"bearer": [route.scope]}]
            assert operation["summary"].endswith((".", ":")), route.operation
            assert str(route.status) in operation["responses"]


def test_every_post_takes_an_idempotency_key_and_tells_what_it_reads(openapi: dict[str, Any]) -> None:
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if method == "post":
                assert {"$ref": "#/components/parameters/IdempotencyKey"} in operation["parameters"], path
                assert operation.get("requestBody"), f"{path} does not declare its body"


def test_each_failure_is_a_problem(openapi: dict[str, Any]) -> None:
    for failure in openapi["components"]["responses"].values():
        assert failure["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}


def test_no_component_is_left_over(openapi: dict[str, Any]) -> None:
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(openapi)))
    assert used == set(openapi["components"]["schemas"])


def test_references_of_asyncapi_lead_somewhere(asyncapi: dict[str, Any]) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(asyncapi)):
        file, _, pointer = reference.partition("#")
        if file:
            assert (ROOT / "docs/reference" / file).resolve().is_file(), reference
            continue
        node: Any = asyncapi
        for part in pointer.strip("/").split("/"):
            node = node[part]


def test_asyncapi_tells_who_sends_and_takes_each_event(asyncapi: dict[str, Any]) -> None:
    wanted = {f"{f.name}.receive.{BY_PAYLOAD[p].type.removeprefix('clo.')}" for f in FUNCTIONS for p in f.consumes}
    wanted |= {f"{f.name}.send.{BY_PAYLOAD[p].type.removeprefix('clo.')}" for f in FUNCTIONS for p in f.emits}
    assert set(asyncapi["operations"]) == wanted
    assert {message["name"] for message in asyncapi["components"]["messages"].values()} == {kind.type for kind in CATALOG}


def test_asyncapi_tells_what_kafka_has_of_each_topic_and_who_beside_clo_writes_and_reads_it(asyncapi: dict[str, Any]) -> None:
    bindings = {name: channel["bindings"]["kafka"] for name, channel in asyncapi["channels"].items()}
    assert {name: binding["partitions"] for name, binding in bindings.items()} == {topic.name: topic.partitions for topic in TOPICS}
    assert bindings["clo.schedule"]["topicConfiguration"] == {"cleanup.policy": ["delete"], "retention.ms": 24 * 60 * 60 * 1000}
    assert bindings["clo.campaigns"]["topicConfiguration"]["retention.ms"] == -1
    messages = asyncapi["components"]["messages"]
    assert {kind.type for kind in CATALOG if kind.inward} == {told["name"] for told in messages.values() if told["x-written-by-others"]}
    assert {kind.type for kind in CATALOG if kind.outward} == {told["name"] for told in messages.values() if told["x-read-by-others"]}
    assert messages["transactions.posted.v1"]["bindings"]["kafka"]["key"]["pattern"] == "^shard-[0-9]+$"
    assert "Systems of the bank write here too." in asyncapi["channels"]["clo.transactions"]["description"]
