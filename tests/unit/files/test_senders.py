"""The file of senders is taken as a whole or refused with all that is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.files.names import read_name
from shared.files.senders import NotSenders, load_senders, read_senders, why_not

BANK = {"sender": "mybank", "kinds": ["transactions", "merchants"], "folder": "inbox/mybank"}
FILE = "{}_{}_20260112_0001_delta_r1.csv"


def said(*senders: dict[str, Any]) -> bytes:
    return json.dumps({"senders": senders}).encode()


WRONG = [
    (said(BANK, BANK), "sender mybank is there twice"),
    (said(BANK | {"kinds": ["gossip"]}), "'transactions'"),
    (said(BANK | {"kinds": []}), "at least 1"),
    (said(BANK | {"sender": "My Bank"}), "pattern"),
    (said(BANK | {"folder": "../x"}), "pattern"),
    (said(BANK | {"kind": ["transactions"]}), "Extra inputs"),
    (b"{", "JSON"),
]


@pytest.mark.parametrize(("raw", "told"), WRONG, ids=[told for _, told in WRONG])
def test_what_is_wrong_is_refused_and_named(raw: bytes, told: str) -> None:
    with pytest.raises(NotSenders) as refused:
        read_senders(raw)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "sender", "folder", "why"),
    [
        ("transactions", "mybank", "inbox/mybank", None),
        ("merchants", "mybank", "inbox/mybank", None),
        ("grants", "mybank", "inbox/mybank", "mybank may not send grants, only merchants, transactions"),
        ("transactions", "mybank", "inbox/agg", "files of mybank are taken from inbox/mybank alone"),
        ("transactions", "mybank", "inbox/mybank/agg", "files of mybank are taken from inbox/mybank alone"),
        ("transactions", "yours", "inbox/mybank", "no files of yours are taken here"),
        ("offers", "agg", "anywhere", None),
    ],
)
def test_sender_may_send_its_kinds_from_its_folder(kind: str, sender: str, folder: str, why: str | None) -> None:
    senders = read_senders(said(BANK, {"sender": "agg", "kinds": ["offers"]}))
    assert why_not(senders, read_name(FILE.format(kind, sender)), folder) == why


def test_file_that_changes_is_read_again_and_one_that_is_away_is_told(tmp_path: Path) -> None:
    file = tmp_path / "senders.json"
    file.write_bytes(said(BANK))
    assert list(load_senders(str(file))) == ["mybank"]
    file.write_bytes(said(BANK | {"sender": "other-bank"}))
    assert list(load_senders(str(file))) == ["other-bank"]
    file.unlink()
    with pytest.raises(NotSenders, match="can't be read"):
        load_senders(str(file))
