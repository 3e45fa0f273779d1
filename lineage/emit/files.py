"""The operating system calls the spool's writer makes, behind one object so that tests can let the N-th of them fail.

It adds no policy: each method is the call of its name. `SYSTEM` is the real thing and the default everywhere.
"""

from __future__ import annotations

import errno
import os
import stat

NEW_SEGMENT = (
    os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
)


class Files:
    """File system calls of the writing side; every method may raise OSError."""

    def make_folder(self, path: str) -> None:
        """Create a folder and the one above it, private to the user, and whatever is missing above those."""
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.makedirs(path, mode=0o700, exist_ok=True)

    def claim_folder(self, path: str) -> None:
        """Create a folder in a place everybody can write to; PermissionError when it is somebody else's."""
        os.makedirs(path, mode=0o700, exist_ok=True)
        found = os.lstat(path)
        private = os.name != "posix" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)
        if not stat.S_ISDIR(found.st_mode) or not private:
            raise PermissionError(errno.EPERM, "the folder is not this user's alone", path)

    def open_new(self, path: str) -> int:
        """Create a file that must not exist yet, for appending and reading back."""
        return os.open(path, NEW_SEGMENT, 0o600)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """One `write(2)`; returns how many bytes went in."""
        return os.write(fd, data)

    def size(self, fd: int) -> int:
        """Bytes in the open file."""
        return os.fstat(fd).st_size

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Bytes of the open file, wherever its position is."""
        return os.pread(fd, length, offset)

    def truncate(self, fd: int, length: int) -> None:
        """Cut the open file."""
        os.ftruncate(fd, length)

    def sync(self, fd: int) -> None:
        """Make written bytes survive a power cut."""
        getattr(os, "fdatasync", os.fsync)(fd)

    def sync_folder(self, path: str) -> None:
        """Make a new file's name survive a power cut."""
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def linked(self, fd: int, path: str) -> bool:
        """Whether the open file is still the one at `path`."""
        ours = os.fstat(fd)
        try:
            there = os.stat(path)
        except FileNotFoundError:
            return False
        return ours.st_nlink > 0 and (ours.st_ino, ours.st_dev) == (there.st_ino, there.st_dev)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        os.close(fd)


SYSTEM = Files()
