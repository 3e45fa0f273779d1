"""One open segment, on disk or in memory: frames go in whole or not at all.

A segment knows nothing of gaps, caps, locks or where else to go; the spool decides those. `write` either stores the
whole frame or leaves what was there before and raises OSError; a segment that could not be restored says so with
`spoiled`.
"""

from __future__ import annotations

import errno
import os
from typing import Protocol

from lineage.emit.files import Files
from lineage.emit.record import SegmentHeader, pack_header

SUFFIX = ".seg"
MEMORY_BYTES = 16 << 20


class Segment(Protocol):
    """Where frames go."""

    header: SegmentHeader
    size: int
    spoiled: bool

    def write(self, frame: bytes) -> None:
        """Store a whole frame, or raise OSError and keep what was there before."""

    def settled(self) -> bytes:
        """After an interruption: bytes behind `size` that an interrupted `write` may have left."""
        ...

    def cut(self) -> None:
        """Remove what `settled` returned."""

    def read_all(self) -> bytes:
        """Everything stored, header included."""
        ...

    def sync(self) -> None:
        """Make what was written survive a power cut."""

    def is_deleted(self) -> bool:
        """Whether somebody removed the segment while it was open."""
        ...

    def close(self) -> None:
        """Let go of it; the content stays."""


class FileSegment:
    """A segment in a folder of the spool."""

    def __init__(self, folder: str, header: SegmentHeader, files: Files) -> None:
        """Create the file and write its header.

        Raises:
            OSError: the folder or the file cannot be made; nothing is left behind.
        """
        self.header = header
        self.folder = folder
        self.path = os.path.join(folder, f"{header.client}-{header.index:06d}{SUFFIX}")
        self.size = 0
        self.spoiled = False
        self._files = files
        self._folder_synced = False
        files.make_folder(folder)
        self._fd = files.open_new(self.path)
        try:
            self.write(pack_header(header))
        except BaseException:
            self.close()
            os.unlink(self.path)
            raise

    def write(self, frame: bytes) -> None:
        files, fd = self._files, self._fd
        try:
            written = files.write(fd, frame)
            if written < len(frame):
                rest = memoryview(frame)[written:]
                while rest:
                    count = files.write(fd, rest)
                    if count <= 0:
                        raise OSError(errno.EIO, "write(2) stored nothing")
                    rest = rest[count:]
        except OSError:
            self._restore()
            raise
        self.size += len(frame)

    def _restore(self) -> None:
        try:
            self.cut()
        except OSError:
            self.spoiled = True

    def settled(self) -> bytes:
        return self._files.read(self._fd, self._files.size(self._fd) - self.size, self.size)

    def cut(self) -> None:
        if self._files.size(self._fd) != self.size:
            self._files.truncate(self._fd, self.size)

    def read_all(self) -> bytes:
        return self._files.read(self._fd, self.size, 0)

    def sync(self) -> None:
        self._files.sync(self._fd)
        if not self._folder_synced:
            self._files.sync_folder(self.folder)
            self._folder_synced = True

    def is_deleted(self) -> bool:
        return self._fd >= 0 and not self._files.linked(self._fd, self.path)

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._files.close(fd)


class MemorySegment:
    """A segment where no folder can be written: bounded, and gone with the process unless it is delivered or moved.

    Offsets stay what they are when delivered records are forgotten, as in a file.
    """

    def __init__(self, header: SegmentHeader) -> None:
        self.header = header
        self.spoiled = False
        self._head = pack_header(header)
        self._data = bytearray()
        self._forgotten = len(self._head)
        self.size = self._forgotten

    def write(self, frame: bytes) -> None:
        if len(self._data) + len(frame) > MEMORY_BYTES:
            raise OSError(errno.ENOSPC, "the spool's memory is full")
        self._data += frame
        self.size += len(frame)

    def settled(self) -> bytes:
        return bytes(self._data[self.size - self._forgotten :])

    def cut(self) -> None:
        del self._data[self.size - self._forgotten :]

    def read(self, start: int) -> bytes:
        """Records from an offset on, as far as they are not forgotten."""
        return bytes(self._data[max(0, start - self._forgotten) : self.size - self._forgotten])

    def read_all(self) -> bytes:
        return self._head + self.read(0)

    def forget(self, end: int) -> None:
        """Let go of records that are delivered, up to an offset."""
        del self._data[: max(0, end - self._forgotten)]
        self._forgotten = max(end, self._forgotten)

    def sync(self) -> None:
        return

    def is_deleted(self) -> bool:
        return False

    def close(self) -> None:
        return
