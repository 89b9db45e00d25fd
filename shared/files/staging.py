"""What was accepted of a chunk, between the steps of its file: a stream of Arrow, which is written and read as it lies in memory."""

from collections.abc import Sequence
from typing import Final

import pyarrow as pa
from pyarrow import ipc

WRITTEN: Final = ipc.IpcWriteOptions(compression="lz4", use_threads=False)
READ: Final = ipc.IpcReadOptions(use_threads=False)


def staged(batches: Sequence[pa.RecordBatch]) -> bytes:
    """Records of one layout as a stream of Arrow; nothing where there are none."""
    if not batches:
        return b""
    made = pa.BufferOutputStream()
    with ipc.new_stream(made, batches[0].schema, options=WRITTEN) as stream:
        for batch in batches:
            stream.write_batch(batch)
    packed: bytes = made.getvalue().to_pybytes()
    return packed


def unstaged(data: bytes) -> list[pa.RecordBatch]:
    """The records again, in the batches in which they were staged."""
    return list(ipc.open_stream(data, options=READ)) if data else []
