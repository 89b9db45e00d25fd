"""The corpus of hostile drops by what is wrong with them; `python -m tests.integration.files.hostile.corpus FOLDER` writes them out."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shared.files.stores.folder import FolderStore
from tests.integration.files.hostile.broken import CUT, PACKED
from tests.integration.files.hostile.letters import FIGURES, LETTERS
from tests.integration.files.hostile.oddities import ODD_MANIFESTS, ODD_NAMES, ODD_PARQUETS, ODD_PLACES, OTHERS_PACKED
from tests.integration.files.hostile.parquets import PARQUETS
from tests.integration.files.hostile.records import MANIFESTS, NAMES, PLACE, RECORDS
from tests.integration.files.hostile.sent import Sent

CORPUS: Mapping[str, Callable[[], Sent]] = {
    **CUT,
    **PACKED,
    **RECORDS,
    **MANIFESTS,
    **NAMES,
    **PLACE,
    **PARQUETS,
    **LETTERS,
    **FIGURES,
    **OTHERS_PACKED,
    **ODD_MANIFESTS,
    **ODD_NAMES,
    **ODD_PLACES,
    **ODD_PARQUETS,
}

if __name__ == "__main__":
    for condition, sent in CORPUS.items():
        folder = Path(sys.argv[1]) / condition
        folder.mkdir(parents=True)
        sent().put(FolderStore(folder.resolve()))
