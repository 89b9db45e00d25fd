"""Serve one function by uvicorn: `python -m benchmarks.serve SOURCE TARGET PORT`."""

import sys

import uvicorn
from functions_framework.aio import create_asgi_app


def main(source: str, target: str, port: str) -> None:
    """Serve until stopped."""
    app = create_asgi_app(target=target, source=source)  # type: ignore[no-untyped-call]
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
