"""An event that ends its function each time it comes is put aside, however often whoever brings it is killed as well."""

from shared.platform.attempts import MOST_DEATHS
from shared.platform.failpoints import Point
from shared.platform.letters.api import LetterDecision, LettersQuery, LetterView
from shared.platform.letters.service import list_dead_letters, redrive_dead_letter
from tests.e2e.kills.programs import ALWAYS, RELAY, SOURCES
from tests.e2e.kills.scene import Scene

VICTIM = "redeem_cashback"


def letters(scene: Scene) -> list[LetterView]:
    return list_dead_letters(scene.site.drops.call(), LettersQuery()).letters


def test_event_that_kills_its_function_ends_with_the_dead_letters_and_can_be_redriven(scene: Scene, undisturbed: str) -> None:
    running = scene.running
    running.killed.clear()
    running.deaths.arm(VICTIM, Point.COMMIT_DUE, ALWAYS)
    word = scene.drop()
    deaths = 0

    def nothing_waits() -> bool:
        nonlocal deaths
        if (now := running.killed.count(VICTIM)) > deaths:
            deaths = now
            running.kill(SOURCES if running.place.bootstrap else RELAY)  # whatever it has counted is forgotten
        return bool(letters(scene)) and scene.site.pending() == 0

    scene.wait_until(nothing_waits, word)
    running.deaths.arm(VICTIM, Point.COMMIT_DUE, 0)
    dead = letters(scene)
    assert {(letter.consumer, letter.type) for letter in dead} == {(VICTIM, "clo.transactions.posted.v1")}
    assert all("Its function died" in letter.reason for letter in dead)
    assert MOST_DEATHS <= deaths <= MOST_DEATHS * len(dead)
    for letter in dead:
        redrive_dead_letter(scene.site.drops.call(), letter.letter_id, LetterDecision(reason="Its function is mended."))
    scene.wait(word)
    scene.require_whole(word, undisturbed)
