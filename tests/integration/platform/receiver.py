"""An HTTP server in the place of the functions: it answers as it is told."""

import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

SINK: Final = "store_dead_letter"
MULTIPLE_CHOICES: Final = 300


class Receiver:
    """Answers each subject's deliveries with the statuses told, then with 204, and keeps what came."""

    def __init__(self) -> None:
        self.script: dict[str, list[int]] = defaultdict(list)
        self.came: list[tuple[str, str, int]] = []
        """Function, subject and answer of each delivery."""
        self.letters: list[tuple[dict[str, str], bytes]] = []
        """Headers and body of what came to the dead-letter sink."""
        self.gate = threading.Event()
        self.gate.set()
        receiver, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                function, subject = self.path.removeprefix("/events/"), self.headers["ce-subject"]
                if subject.startswith("slow"):
                    receiver.gate.wait(10)
                with lock:
                    left = receiver.script[SINK if function == SINK else subject]
                    status = left.pop(0) if left else 204
                    receiver.came.append((function, subject, status))
                    if function == SINK and status < MULTIPLE_CHOICES:
                        receiver.letters.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def of(self, *subjects: str) -> list[tuple[str, int]]:
        return [(subject, status) for function, subject, status in self.came if subject in subjects and function != SINK]
