"""The file of partners is taken as a whole or refused with all that is wrong with it; keys are never shown."""

import json
import re
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from shared.cli.artefacts import ROOT
from shared.exports.keys import load_keys
from shared.exports.kinds import EXPORTED
from shared.exports.partners import NotPartners, _packaged, faults_of, load_partners, read_partners
from shared.exports.report import NotAReport, verify
from shared.files.names import Kind
from shared.kernel.errors import Broken

FEED = {"kind": "transactions", "layout": "partner-transactions-csv", "schedule": {"cron": "30 3 * * *", "zone": "America/New_York"}}
PARTNER = {"partner": "agg-one", "token_key": "k1", "answers": "inbox/agg-one", "feeds": [FEED]}


def said(*partners: dict[str, Any], **other: object) -> bytes:
    return json.dumps({"portfolio": ["Sample Bank"], "partners": partners or [PARTNER]} | other).encode()


def feed(**other: object) -> dict[str, Any]:
    return PARTNER | {"feeds": [FEED | other]}


WRONG = [
    (said(PARTNER, PARTNER | {"answers": "inbox/other"}), "partner agg-one is there twice"),
    (said(PARTNER, PARTNER | {"partner": "agg-two"}), "answers inbox/agg-one is there twice"),
    (said(PARTNER | {"feeds": [FEED, FEED]}), "a kind is there twice"),
    (said(feed(layout="none-such")), "none-such is no layout of transactions"),
    (said(feed(layout="partner-merchants-csv")), "partner-merchants-csv is no layout of transactions"),
    (said(feed(schedule={"cron": "61 3 * * *", "zone": "UTC"})), "no cron expression"),
    (said(feed(schedule={"cron": "0 30 3 * * *", "zone": "UTC"})), "five fields"),
    (said(feed(schedule={"cron": "30 3 * * *", "zone": "Mars/One"})), "IANA time zone"),
    (said(feed(kind="customers")), "transactions"),
    (said(feed(layout="partner-transactions-parquet", gzip=True)), "parquet is packed already"),
    (said(PARTNER | {"answers": "../x"}), "pattern"),
    (said(portfolio=["ab"]), "at least 3"),
    (b"{", "JSON"),
]


@pytest.mark.parametrize(("raw", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_is_wrong_is_refused_and_named(raw: bytes, told: str) -> None:
    with pytest.raises(NotPartners) as refused:
        read_partners(raw)
    assert told in " ".join(problem.message for problem in refused.value.problems)


def test_layouts_of_ones_own_are_checked(tmp_path: Path) -> None:
    [packaged] = [layout for layout in _packaged() if layout.name == "partner-merchants-csv"]
    own = packaged.model_copy(update={"name": "mine", "fields": [field for field in packaged.fields if field.target != "merchant_id"]})
    with pytest.raises(NotPartners) as refused:
        read_partners(said(layouts=[json.loads(own.model_dump_json(exclude_none=True))]))
    assert "merchant_id must be written" in refused.value.problems[0].message
    assert load_partners(None).partners == {}
    with pytest.raises(NotPartners):
        load_partners(str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ([{"target": "amount", "type": "major", "column": "amount"}], "whole minor units"),
        ([{"target": "at", "type": "moment", "format": "epoch_s", "column": "at"}], "are timestamps"),
        ([{"target": "city", "type": "text", "position": 1}], "ask for a column"),
    ],
)
def test_layouts_of_parquet_keep_types(fields: list[dict[str, Any]], told: str) -> None:
    own = {"name": "mine", "kind": "transactions", "format": "parquet"}
    needed = {"target": "transaction_id", "type": "id", "column": "transaction_id"}
    with pytest.raises(NotPartners) as refused:
        read_partners(said(layouts=[own | {"fields": [needed, *fields]}]))
    assert told in refused.value.problems[0].message


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "partners.json"
    file.write_bytes(said())
    assert list(load_partners(str(file)).partners) == ["agg-one"]
    file.write_bytes(said(PARTNER | {"partner": "agg-two", "answers": "inbox/two"}))
    assert list(load_partners(str(file)).partners) == ["agg-two"]


def test_layouts_that_come_with_clo_are_good_and_each_kind_has_one() -> None:
    assert [list(faults_of(layout)) for layout in _packaged()] == [[]] * 6
    assert {layout.kind for layout in _packaged()} == set(EXPORTED)
    assert Kind.CUSTOMERS not in EXPORTED


def pair(**other: object) -> dict[str, Any]:
    return OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True) | {"kid": "s1"} | other


def secret(size: int = 32) -> dict[str, str]:
    return {"kty": "oct", "kid": "k1", "k": urlsafe_b64encode(b"x" * size).decode().rstrip("=")}


def written(folder: Path, *keys: dict[str, Any]) -> str:
    file = folder / "keys.json"
    file.write_text(json.dumps({"keys": keys}))
    return str(file)


@pytest.mark.parametrize(
    "keys",
    [(secret(16), pair()), (secret(),), (secret(), {**pair(), "d": None}), (secret(), pair(), pair(kid="s2")), ({"kty": "oct"}, pair())],
    ids=["a short secret", "no pair", "no private half", "two pairs", "no id"],
)
def test_keys_that_are_wrong_are_refused_and_not_shown(tmp_path: Path, keys: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(Broken) as refused:
        load_keys(written(tmp_path, *keys))
    assert "eHh4" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_feeds_in_the_page_for_operators_are_good() -> None:
    [shown] = re.findall(r"^```json\n(.*?)^```$", (ROOT / "docs/howto/exports.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    partners = read_partners(said(PARTNER | {"feeds": [json.loads(shown)]}))
    assert partners.find("agg-one", "merchants")[1].schedule is not None


def test_keys_do_not_show_themselves(tmp_path: Path) -> None:
    keys = load_keys(written(tmp_path, secret(), pair()))
    assert "xxx" not in repr(keys)
    assert keys.secret("k1") == b"x" * 32
    with pytest.raises(Broken):
        keys.secret("k2")
    with pytest.raises(Broken):
        load_keys(None)


def test_a_report_of_another_key_or_of_no_key_is_no_report(tmp_path: Path) -> None:
    keys = load_keys(written(tmp_path, secret(), pair()))
    told = {"iss": "clo exports", "export_id": "exp", "name": "n"}
    assert verify(jwt.encode(told, keys.signing, algorithm="EdDSA").encode(), keys) == told
    forged = (
        jwt.encode(told, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        jwt.encode(told, "", algorithm="none"),
        jwt.encode(told | {"iss": "clo"}, keys.signing, algorithm="EdDSA"),
        "x",
    )
    for report in forged:
        with pytest.raises(NotAReport):
            verify(report.encode(), keys)
