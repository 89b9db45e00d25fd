"""What writers that died have left in the stores of files: nobody sees it, and it takes room."""

from datetime import timedelta
from typing import Final

from shared.files.stores.opening import open_store
from shared.kernel.clock import SystemClock
from shared.platform.call import Call

LEFT_FOR: Final = timedelta(days=1)
"""No writer takes as long; what is older has none."""


def sweep_left_behind(call: Call) -> int:
    """Remove what was never finished; how much that was. The stores go by the machine's time, whatever the platform's clock says."""
    places = call.file_places
    if places is None:
        return 0
    stores = filter(None, (places.drops, places.lake, places.exports))
    return sum(open_store(url).sweep(SystemClock().now() - LEFT_FOR) for url in stores)
