import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from typer.testing import CliRunner, Result

from events.payloads import PurchaseSaid, Transaction
from shared.cli.main import app
from shared.cli.options import moment
from shared.cli.places import hold
from shared.cli.terminal import Exit

VERDICT = {
    "offer_id": "off_1",
    "grant_id": None,
    "version": 2,
    "variant": "gold",
    "eligible": False,
    "reward_minor": 0,
    "reasons": [{"code": "not_targeted", "support": "The customer holds no grant.", "customer": "This offer was not made to you."}],
    "currency": "USD",
    "rules": [{"rule": "targeted", "passed": False, "expected": "a grant", "actual": "no grant", "reason": "not_targeted"}],
    "before": {
        "spend_minor": 1234,
        "visits": 2,
        "completions": 0,
        "redemptions": 1,
        "rewarded_minor": 200,
        "activated_at": None,
        "consent": False,
    },
    "budget_left_minor": 99_800,
}
ANSWER = {
    "customer_id": "anna",
    "as_of": "2017-08-10T00:00:00Z",
    "merchant_id": "shop",
    "matched_by": "acquirer",
    "on_record": False,
    "eligible": False,
    "verdicts": [VERDICT],
}
EVENT = {"at": "2017-08-09T13:00:00Z", "what": "refused", "amount_minor": 200, "currency": "USD", "offer_id": "off_1", "version": 2}
RECORD = {
    "recorded_at": "2017-08-09T13:00:00Z",
    "decided": [VERDICT],
    "events": [EVENT | {"reason": {"code": "budget_exhausted"}}, EVENT | {"what": "paid", "reason": None}],
    "known_since": [{"recorded_at": "2017-08-11T00:00:00Z", "what": "refund", "told": "A refund was recorded."}],
    "summary": "It would be the same.",
}
PURCHASE = ("--amount", "12.34", "--merchant", "shop")


def clo(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"CLO_KAFKA_BOOTSTRAP": None})


def explain(*arguments: str, folder: Path) -> Result:
    return clo("explain", "--customer", "anna", "--offer", "off_1", "--data", str(folder), *arguments)


def test_help_names_every_command_and_exit_code() -> None:
    text = clo("--help").stdout
    for name in "up demo token explain migrate settings generate trial artefacts ledger topics dead-letters".split():
        assert name in text
    assert "3 a check failed" in " ".join(text.split())


def test_help_loads_no_heavy_library() -> None:
    heavy = ("pyarrow", "uvicorn", "functions_framework", "jinja2")
    code = f"import sys; import shared.cli.main; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("token",),
        ("token", "--subject", "maya"),
        ("token", "--subject", "maya", "--scope", "everything"),
        ("up", "--simulated-from", "yesterday"),
        ("up", "--simulated-from", "2016-11-01T00:00:00"),
        ("up", "--port", "70000"),
        ("up", "--bus", "carrier pigeon"),
        ("explain", "--customer", "anna"),
        ("explain", "--customer", "anna", "--amount", "12.34", "--network", "visa"),
        ("dead-letters", "redrive", "cmp_1", "--reason", "mended", "--by", "omar"),
        ("dead-letters", "redrive", "--reason", "mended", "--by", "omar"),
        ("dead-letters", "redrive", "--all", "--by", "omar"),
        ("dead-letters", "discard", "ltr_00000000000000000000000000000001", "--reason", "nonsense"),
        ("dead-letters", "list", "--state", "lost"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_leaves_standard_output_empty(arguments: tuple[str, ...]) -> None:
    result = clo(*arguments)
    assert result.exit_code == Exit.USAGE
    assert result.stdout == ""
    assert result.stderr


def test_token_goes_to_standard_output_alone_and_carries_what_was_asked(tmp_path: Path) -> None:
    result = clo("token", "--subject", "maya", "--scope", "offers:write", "--scope", "offers:read", "--data", str(tmp_path))
    claims = jwt.decode(result.stdout.strip(), options={"verify_signature": False})
    assert result.exit_code == Exit.DONE
    assert (claims["sub"], claims["scope"]) == ("maya", "offers:write offers:read")
    assert result.stderr == ""


def test_settings_are_listed_with_what_they_mean() -> None:
    found = {one["name"]: one for one in json.loads(clo("settings", "--json").stdout)}
    assert found["CLO_DATABASE_URL"]["needed"]
    assert found["CLO_POOL_SIZE"]["default"] == 8
    assert all(one["meaning"] for one in found.values())
    assert "CLO_POOL_SIZE" in clo("settings").stdout


def test_folder_whose_events_are_on_kafka_is_not_run_without(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    result = clo("up", "--data", str(tmp_path))
    assert result.exit_code == Exit.FAULT
    assert "run it with --bus kafka" in result.stderr


@pytest.mark.parametrize("command", [("ledger", "verify"), ("dead-letters", "list"), ("topics", "read", "clo.rollouts")], ids=" ".join)
def test_says_when_there_is_no_platform(command: tuple[str, ...], tmp_path: Path) -> None:
    result = clo(*command, "--data", str(tmp_path / "nowhere"))
    assert result.exit_code == Exit.UNREACHABLE
    assert "no local platform" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", [("ledger", "verify"), ("migrate",)], ids=" ".join)
def test_says_when_the_database_is_not_reached(command: tuple[str, ...]) -> None:
    result = clo(*command, "--database-url", "postgresql://nobody@127.0.0.1:1/nothing")
    assert result.exit_code == Exit.UNREACHABLE
    assert "can't be reached" in result.stderr


def test_up_says_when_its_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = clo("up", "--port", str(taken.getsockname()[1]), "--data", str(tmp_path))
    assert result.exit_code == Exit.FAULT
    assert "choose another with --port" in result.stderr


def test_up_says_when_its_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.cli.places.LOCK_PATIENCE_SECONDS", 0.0)
    with hold(tmp_path):
        result = clo("up", "--port", "0", "--data", str(tmp_path))
    assert result.exit_code == Exit.FAULT
    assert "Another platform runs in" in result.stderr


def test_explain_asks_the_platform_and_shows_every_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def post(url: str, **parts: object) -> httpx.Response:
        asked.append((url, parts["json"], parts["headers"]))
        return httpx.Response(200, json=ANSWER)

    monkeypatch.setattr(httpx, "post", post)
    result = explain(*PURCHASE, "--at", "2017-08-09T12:00:00Z", "--item", "7=1.00", folder=tmp_path)
    url, question, headers = asked[0]
    assert url == "http://127.0.0.1:8080/v1/eligibility"
    assert question == {
        "customer_id": "anna",
        "offer_id": "off_1",
        "purchase": {
            "at": "2017-08-09T12:00:00Z",
            "amount": "12.34",
            "currency": "USD",
            "merchant_id": "shop",
            "items": [{"product": "7", "amount": "1.00"}],
        },
    }
    assert headers["Authorization"].startswith("Bearer ey")
    assert result.exit_code == Exit.DONE
    told = ("not_targeted", "holds no grant", "not made to you", "12.34 USD", "1, 2.00 USD", "withdrawn", "998.00 USD", "under version 2")
    assert [word for word in (*told, "of the variant gold") if word not in " ".join(result.stdout.split())] == []
    assert "not on record" in result.stderr
    assert "Merchant: shop (acquirer)." in result.stderr
    assert json.loads(explain(*PURCHASE, "--json", folder=tmp_path).stdout)["verdicts"] == [VERDICT]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--network", "visa", "--network-merchant", "n-5"), {"network": "visa", "network_merchant_id": "n-5"}),
        (("--descriptor", "SQ *BLUE CUP"), {"descriptor": "SQ *BLUE CUP"}),
    ],
)
def test_explain_takes_whatever_names_the_merchant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: dict[str, str]
) -> None:
    asked: list[Any] = []

    def post(_url: str, **parts: object) -> httpx.Response:
        asked.append(parts["json"])
        return httpx.Response(200, json=ANSWER)

    monkeypatch.setattr(httpx, "post", post)
    assert explain("--amount", "12.34", *options, folder=tmp_path).exit_code == Exit.DONE
    assert asked[0]["purchase"].items() >= said.items()
    assert "merchant_id" not in asked[0]["purchase"]


def test_explain_takes_the_purchase_from_a_file_as_it_is_posted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def post(_url: str, **parts: object) -> httpx.Response:
        asked.append(parts["json"])
        return httpx.Response(200, json=ANSWER)

    monkeypatch.setattr(httpx, "post", post)
    file = tmp_path / "purchase.json"
    file.write_text(json.dumps({"transaction_id": "t1", "kind": "purchase", "customer_id": "bert", "amount": 5}), encoding="utf-8")
    assert explain("--transaction-file", str(file), folder=tmp_path).exit_code == Exit.DONE
    assert asked[0]["purchase"] == {"transaction_id": "t1", "amount": 5}
    refund = {"transaction_id": "r1", "kind": "refund", "customer_id": "anna", "amount": 5, "original_transaction_id": "t1"}
    file.write_text(json.dumps({"transactions": [refund, refund]}), encoding="utf-8")
    assert explain("--transaction-file", str(file), folder=tmp_path).exit_code == Exit.DONE
    assert asked[1] == {"messages": [refund, refund], "offer_id": "off_1"}
    for text in ("not json", "[]", "[1]", "3"):
        file.write_text(text, encoding="utf-8")
        assert explain("--transaction-file", str(file), folder=tmp_path).exit_code == Exit.USAGE


def test_explain_asks_for_a_purchase_on_record_and_tells_what_came_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def post(_url: str, **parts: object) -> httpx.Response:
        asked.append(parts["json"])
        return httpx.Response(200, json=ANSWER | {"on_record": True, "record": RECORD})

    monkeypatch.setattr(httpx, "post", post)
    result = clo("explain", "--transaction", "t1", "--as-of", "2017-08-10T00:00:00Z", "--data", str(tmp_path))
    assert asked == [{"transaction_id": "t1", "as_of": "2017-08-10T00:00:00Z"}]
    told = ("budget_exhausted", "refused", "paid", "A refund was recorded.", "It would be the same.", "2017-08-09T13:00:00Z")
    assert [word for word in told if word not in result.stdout] == []
    assert "is on record" in result.stderr


def test_explain_has_a_flag_for_all_that_is_said_of_a_purchase_and_of_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def post(_url: str, **parts: object) -> httpx.Response:
        asked.append(parts["json"])
        return httpx.Response(200, json=ANSWER)

    monkeypatch.setattr(httpx, "post", post)
    flags = {
        "location": "l1", "mcc": "5411", "network-merchant": "n1", "channel": "app", "country": "US", "region": "NY", "city": "Albany",
        "network": "visa", "descriptor": "SHOP 12", "card-product": "gold", "card": "c1", "tip": "1.00", "tax": "0.50",
        "cash-back": "5.00", "transaction": "t1",
    }  # fmt: skip
    given = [part for name, value in flags.items() for part in (f"--{name}", value)]
    message = ("--kind", "clearing", "--sequence", "1", "--sequence-count", "2", "--posted-at", "2017-08-09T12:00:00Z")
    assert explain(*PURCHASE, *given, "--item", "7=1.00", folder=tmp_path).exit_code == Exit.DONE
    assert explain(*PURCHASE, *given, *message, folder=tmp_path).exit_code == Exit.DONE
    assert asked[0]["purchase"].keys() == PurchaseSaid.model_fields.keys()
    (posted,) = asked[1]["messages"]
    told_of_others = {"expires_at", "original_transaction_id"}
    assert posted.keys() | told_of_others == Transaction.model_fields.keys()


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (httpx.ConnectError("refused"), Exit.UNREACHABLE, "can't be reached"),
        (httpx.Response(404, json={"detail": "There is no approved offer of this id."}), Exit.USAGE, "no approved offer"),
        (
            httpx.Response(422, json={"detail": "Wrong.", "problems": [{"path": "/purchase/at", "message": "bad"}]}),
            Exit.USAGE,
            "/purchase/at",
        ),
        (httpx.Response(500, json={"detail": "Our fault."}), Exit.FAULT, "Our fault."),
    ],
    ids=["away", "not found", "invalid", "broken"],
)
def test_explain_tells_what_went_wrong(
    answer: httpx.Response | Exception, code: Exit, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(_url: str, **_: object) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(httpx, "post", post)
    result = explain(*PURCHASE, folder=tmp_path)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stdout == ""


def test_moments_carry_their_offset() -> None:
    assert moment("2016-11-01T00:00:00Z").isoformat() == "2016-11-01T00:00:00+00:00"
