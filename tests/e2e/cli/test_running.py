"""The commands on a platform that runs, and the ways in which it stops."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from typer.testing import CliRunner, Result

from shared.cli.child import ChildPlatform
from shared.cli.main import app
from shared.cli.terminal import Exit
from shared.platform.local.postgres import EmbeddedPostgres

START = "2026-01-01T00:00:00Z"
PURCHASE = ("--amount", "12.34", "--merchant", "shop", "--at", "2026-01-02T00:00:00Z")
WAIT_SECONDS = 180.0


@pytest.fixture(scope="module")
def platform() -> Iterator[ChildPlatform]:
    """A platform that runs."""
    with tempfile.TemporaryDirectory(prefix="clo-e2e-") as folder, ChildPlatform(Path(folder), port=0, simulated_from=START) as child:
        yield child


def clo(platform: ChildPlatform, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(platform.data)], env={"CLO_KAFKA_BOOTSTRAP": None})


def test_a_token_opens_the_routes_of_its_scopes_only(platform: ChildPlatform) -> None:
    token = clo(platform, "token", "--subject", "maya", "--scope", "campaigns:read").stdout.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{platform.base_url}/v1/campaigns", headers=headers).status_code == httpx.codes.OK
    assert httpx.get(f"{platform.base_url}/v1/segments", headers=headers).status_code == httpx.codes.FORBIDDEN


def test_explain_passes_on_that_there_is_no_such_offer(platform: ChildPlatform) -> None:
    asked = ("explain", "--url", platform.base_url, "--customer", "anna", *PURCHASE)
    result = clo(platform, *asked, "--offer", f"off_{'0' * 32}")
    assert result.exit_code == Exit.USAGE
    assert "no approved offer" in result.stderr
    answer = json.loads(clo(platform, *asked, "--json").stdout)
    assert (answer["customer_id"], answer["eligible"], answer["verdicts"], answer["on_record"]) == ("anna", False, [], False)


def test_the_books_of_a_running_platform_hold_and_it_runs_on(platform: ChildPlatform) -> None:
    result = clo(platform, "ledger", "verify", "--json")
    assert result.exit_code == Exit.DONE
    assert json.loads(result.stdout) == {"holds": True, "findings": [], "heads": []}
    assert httpx.get(f"{platform.base_url}/readyz").status_code == httpx.codes.OK


def test_verify_exits_with_3_when_something_does_not_hold(platform: ChildPlatform) -> None:
    with psycopg.connect(EmbeddedPostgres(platform.data / "postgres").owner_url(), autocommit=True) as owner:
        owner.execute("INSERT INTO accounts (kind, currency, debit_minor) VALUES ('funding', 'USD', 5)")
        result = clo(platform, "ledger", "verify")
        owner.execute("DELETE FROM accounts")
    assert result.exit_code == Exit.CHECK_FAILED
    assert "funding" in result.stdout
    assert "do not hold" in result.stderr


def test_dead_letters_are_listed_shown_redriven_and_discarded(platform: ChildPlatform) -> None:
    told = ("--reason", "The cause is mended.", "--by", "omar")
    for event_id in ("evt_0123456789abcdef0123456789abcdef", "17"):
        headers = {"ce-id": event_id, "ce-type": "clo.schedule.ticked.v1", "ce-source": "/clo", "ce-time": "2026-01-01T00:00:00Z"}
        headers |= {"ce-knativeerrordest": "http://here/events/run_schedule", "ce-knativeerrorcode": "500"}
        sent = httpx.post(f"{platform.base_url}/events/store_dead_letter", headers=headers, content=b'{"at": "2026-01-01T00:00:00Z"}')
        assert sent.status_code == httpx.codes.NO_CONTENT
    unreadable, ours = (letter["letter_id"] for letter in json.loads(clo(platform, "dead-letters", "list", "--json").stdout))
    assert json.loads(clo(platform, "dead-letters", "show", ours).stdout)["payload"] == '{"at": "2026-01-01T00:00:00Z"}'
    refused = clo(platform, "dead-letters", "redrive", unreadable, *told)
    assert (refused.exit_code, "no event of ours" in refused.stderr) == (Exit.FAULT, True)
    assert clo(platform, "dead-letters", "redrive", "--all", *told).stdout.split() == [ours]
    assert clo(platform, "dead-letters", "discard", unreadable, *told).exit_code == Exit.DONE
    deadline = time.monotonic() + WAIT_SECONDS
    while httpx.get(f"{platform.base_url}/local/backlog").json() != {"pending": 0, "dead": 0}:
        assert time.monotonic() < deadline
    assert json.loads(clo(platform, "dead-letters", "list", "--json").stdout) == []
    (decision,) = json.loads(clo(platform, "dead-letters", "show", unreadable).stdout)["decisions"]
    assert (decision["decision"], decision["decided_by"], decision["reason"]) == ("discard", "omar", "The cause is mended.")


def test_topics_are_lines_of_json(platform: ChildPlatform) -> None:
    token = clo(platform, "token", "--subject", "maya", "--all-scopes").stdout.strip()
    campaign = {
        "name": "Spring",
        "objective": "More visits",
        "portfolio": "Groceries",
        "currency": "USD",
        "window": {"start": "2026-02-01", "end": "2026-02-28", "zone": "UTC"},
    }
    with httpx.Client(base_url=platform.base_url, headers={"Authorization": f"Bearer {token}"}) as client:
        campaign_id = client.post("/v1/campaigns", json=campaign).raise_for_status().json()["campaign_id"]
        client.post(f"/v1/campaigns/{campaign_id}/cancel", json={"reason": "Rain."}).raise_for_status()
    result = clo(platform, "topics", "read", "clo.campaigns")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(event["type"], event["data"]["campaign_id"]) for event in events] == [("clo.campaign.ended.v1", campaign_id)]
    assert "1 events" in result.stderr


def test_a_trial_that_is_opened_twice_is_one(platform: ChildPlatform) -> None:
    opened = [clo(platform, "trial", "open", "--seed", "7", "--day", "2026-01-12", "--url", platform.base_url) for _ in range(2)]
    assert [result.exit_code for result in opened] == [Exit.DONE, Exit.DONE], opened[-1].stderr
    (campaign_id,) = {result.stdout.strip() for result in opened}
    headers = {"Authorization": f"Bearer {clo(platform, 'token', '--subject', 'maya', '--all-scopes').stdout.strip()}"}
    with httpx.Client(base_url=platform.base_url, headers=headers) as client:
        (asked,) = client.get(f"/v1/campaigns/{campaign_id}/budget-requests").json()["budget_requests"]
        lists = [segment for segment in client.get("/v1/segments").json()["segments"] if segment["name"].endswith("of trial 7")]
    assert (asked["state"], asked["amount_minor"], asked["requested_by"] == asked["decided_by"]) == ("approved", 100_000_000, False)
    assert len(lists) == 4
    approved = clo(platform, "trial", "approve", "--seed", "7", "--day", "2026-01-12", "--url", platform.base_url)
    assert (approved.exit_code, approved.stdout) == (Exit.DONE, "")


def test_ctrl_c_stops_the_platform_and_its_database_cleanly(folder: Path) -> None:
    command = [sys.executable, "-m", "shared.cli", "up", "--port", "0", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == Exit.DONE
    assert "Stopped." in said
    assert "Traceback" not in said
    assert not (folder / "postgres" / "postmaster.pid").exists()


def test_a_platform_stops_when_whoever_started_it_is_killed(folder: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from shared.cli.child import ChildPlatform\n"
        f"with ChildPlatform(Path({str(folder)!r}), port=0, simulated_from={START!r}) as child:\n"
        "    print(child.base_url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        assert httpx.get(f"{base_url}/readyz").status_code == httpx.codes.OK
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while (folder / "postgres" / "postmaster.pid").exists():
        assert time.monotonic() < deadline
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base_url}/readyz")
