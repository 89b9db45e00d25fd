"""Requests of commands to a running platform, and how they end when it says no."""

from typing import TYPE_CHECKING, Any, Final, NoReturn

from shared.cli.terminal import Exit, fail, words

if TYPE_CHECKING:
    import httpx

TIMEOUT_SECONDS: Final = 30.0


def post(url: str, path: str, token: str, body: object, key: str | None = None) -> Any:  # noqa: ANN401  (any JSON)
    """The answer to a command; one with a key is carried out once. Leaves where there is none that is good."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
    try:
        response = httpx.post(f"{url}{path}", json=body, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        _unreachable(url, error)
    return _answer(response)


def get(url: str, path: str, token: str) -> Any:  # noqa: ANN401  (any JSON)
    """The answer to a question. Leaves where there is none that is good."""
    import httpx

    try:
        response = httpx.get(f"{url}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_SECONDS, trust_env=False)
    except httpx.TransportError as error:
        _unreachable(url, error)
    return _answer(response)


def _unreachable(url: str, error: Exception) -> NoReturn:
    fail(f"The platform at {url} can't be reached: {error}", Exit.UNREACHABLE)


def _answer(response: "httpx.Response") -> Any:  # noqa: ANN401  (any JSON)
    answer = response.json()
    if not response.is_success:
        for problem in answer.get("problems", ()):
            words.print(f"{problem['path']}: {problem['message']}", markup=False)
        fail(str(answer.get("detail") or answer.get("title")), Exit.USAGE if response.is_client_error else Exit.FAULT)
    return answer
