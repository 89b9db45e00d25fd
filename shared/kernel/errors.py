"""The error vocabulary: one root, four branches, and what the caller can do about each."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing that is wrong with an input: where (a JSON pointer, `` for the whole) and how to mend it."""

    path: str
    message: str


class CloError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str | None = None, **facts: object) -> None:
        """Keep the facts as attributes of the error; the message defaults to the first line of the class docstring."""
        self.facts = facts
        super().__init__(message or (type(self).__doc__ or "").partition("\n")[0])


class Invalid(CloError):
    """The input is not valid."""

    code = "invalid"

    def __init__(self, message: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        """Carry every problem of the input, so that it can be mended in one go."""
        self.problems = problems
        super().__init__(message)


class Malformed(Invalid):
    """The body cannot be read as JSON, or the event as a CloudEvent."""

    code = "malformed"


class UnsupportedMedia(Invalid):
    """The content type is not one that is understood here."""

    code = "unsupported_media"


class TooLarge(Invalid):
    """The body is larger than is accepted here."""

    code = "too_large"


class CardNumberFound(Invalid):
    """A card number was sent. Card numbers are never accepted: send a token."""

    code = "card_number_found"


class Refused(CloError):
    """The request is understood and not allowed by the state of things."""

    code = "refused"


class Unauthenticated(Refused):
    """The caller did not prove who it is."""

    code = "unauthenticated"


class Forbidden(Refused):
    """The caller may not do this."""

    code = "forbidden"


class SelfApproval(Forbidden):
    """Requester and approver must be different people."""

    code = "self_approval"


class MethodNotAllowed(Refused):
    """The path is known, the method is not."""

    code = "method_not_allowed"


class NotFound(Refused):
    """There is no such thing."""

    code = "not_found"


class Conflict(Refused):
    """The thing is in a state that does not allow this."""

    code = "conflict"


class KeyReused(Conflict):
    """This idempotency key was used before with another input."""

    code = "idempotency_key_reused"


class Busy(CloError):
    """Not now: the same request is in progress or the system is overloaded. Try again."""

    code = "busy"


class Broken(CloError):
    """Our fault. Nothing was changed; trying again may help."""

    code = "broken"
