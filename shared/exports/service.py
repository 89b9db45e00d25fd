"""What the function of exports does with each event."""

from shared.exports.acks import take_answer
from shared.exports.finishing import finish_export
from shared.exports.planning import split_export
from shared.exports.writing import write_part

__all__ = ["finish_export", "split_export", "take_answer", "write_part"]
