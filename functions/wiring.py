"""What the rows of the wiring table are made of."""

from dataclasses import dataclass, field

from shared.kernel.wire import Wire

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One HTTP operation."""

    method: str
    path: str
    operation: str
    scope: str
    status: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Hints for autoscaling: requests at a time in one instance, instances, cpu and memory of one, seconds a request may take."""

    concurrency: int = 8
    least: int = 0
    most: int = 10
    cpu: str = "500m"
    memory: str = "256Mi"
    timeout_seconds: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Function:
    """One deployment unit. `service` is the module of its use cases; `consumes` maps events to use cases of it."""

    name: str
    service: str
    routes: tuple[Route, ...] = ()
    consumes: dict[type[Wire], str] = field(default_factory=dict)
    notices: dict[str, str] = field(default_factory=dict)
    """Types of CloudEvents that others write in a shape of their own, or what these begin with, and the use case that takes them."""
    emits: tuple[type[Wire], ...] = ()
    keeps_letters: str | None = None
    """The use case that keeps dead letters: the function is the dead-letter sink of all sources."""
    body_limit: int = MIB
    scale: Scale = Scale()


def routes(table: str) -> tuple[Route, ...]:
    """The routes of a table with a row for each: "METHOD path operation scope [status]"; the status is 200 where none is given."""
    return tuple(_route(*line.split()) for line in table.strip().splitlines())


def _route(method: str, path: str, operation: str, scope: str, status: str = "200") -> Route:
    return Route(method=method, path=path, operation=operation, scope=scope, status=int(status))
