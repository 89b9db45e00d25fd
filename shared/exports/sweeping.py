"""What is left of exports whose parts nobody needs any more: a function died right after the end was on record, or came too late."""

from itertools import islice
from typing import Final

from shared.exports import store
from shared.exports.ending import take_away
from shared.exports.model import State
from shared.exports.partners import NotPartners
from shared.exports.places import WORK, places_of, work_prefix
from shared.files.places import clear
from shared.files.sweeping import worked_on
from shared.platform.call import Call

MOST_EXPORTS: Final = 1_000
"""So many exports that something was made of are looked at at a time."""


def sweep_exports(call: Call) -> int:
    """Remove what was made of exports on their way that are no longer on it; of how many. Data of one that was taken back go, too."""
    if call.file_places is None or call.file_places.exports is None:
        return 0
    try:
        places = places_of(call)
    except NotPartners:  # the alert is raised where exports are planned; what else is due goes on
        return 0
    found = list(islice(worked_on(places.lake, WORK), MOST_EXPORTS))
    with call.reading() as tx:
        left = store.settled(tx, found) if found else []
    for export in left:
        if export.state is State.WITHDRAWN:
            take_away(places, export)
        clear(places.lake, work_prefix(export.export_id))
    return len(left)
