"""Where a cluster is."""

import socket
from typing import Final

from kafka.errors import KafkaConnectionError

CONNECT_SECONDS: Final = 2.0
RECONNECT_MOST_MS: Final = 1_000
"""Longest pause before a client tries again to reach a broker that is away."""


def servers(bootstrap: str) -> list[str]:
    """The addresses of a setting `host:port,...`, of which at least one answers. Raises KafkaConnectionError where none does.

    A client that is made in vain leaves its sockets open; so this is found out before.
    """
    found = bootstrap.split(",")
    for address in found:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        except OSError:
            continue
        return found
    raise KafkaConnectionError(f"no broker answers at {bootstrap}")
