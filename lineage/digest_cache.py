"""Digests of files that have not changed since, in this process and on disk, so that big data is read once.

Owns the key (device, inode, size, mtime, ctime), the rule when a file is too fresh to trust it, and an append-only
file of fixed-size records under `$LINEAGE_HOME/digests`. Damaged records are passed over; losing the file loses time,
never correctness. Does not read data files.
"""

from __future__ import annotations

import os
import struct
import time
import zlib

from lineage import diagnostics, settings

Key = tuple[int, int, int, int, int]

# A change within one tick of the file system's clock leaves size and times as they were; two seconds covers FAT.
FRESH_SECONDS = 2.0
# Smaller files are read again in less time than the cache takes.
DISK_MINIMUM = 256 * 1024
_MAGIC = b"WDC1"
_RECORD = struct.Struct("<4s5Q32sI")
_FILE_LIMIT = 8 * 1024 * 1024
_MASK = (1 << 64) - 1
_KNOWN_LIMIT = 200_000


class DigestCache:
    """Digests by file identity. One per process; safe in threads, usable after a fork."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._known: dict[Key, bytes] = {}
        self._loaded = path is None

    def get(self, stat: os.stat_result) -> bytes | None:
        """The digest of the file that `stat` describes, or None if it is unknown or the file too fresh."""
        if _fresh(stat):
            return None
        key = key_of(stat)
        found = self._known.get(key)
        if found is None and not self._loaded and stat.st_size >= DISK_MINIMUM:
            self._load()
            found = self._known.get(key)
        return found

    def put(self, stat: os.stat_result, digest: bytes) -> None:
        """Remember a digest; `stat` was taken before the file was read and had not changed after."""
        if _fresh(stat):
            return
        key = key_of(stat)
        if len(self._known) >= _KNOWN_LIMIT:
            self._known.clear()
        self._known[key] = digest
        if self._path is not None and stat.st_size >= DISK_MINIMUM:
            self._append(key, digest)

    def _load(self) -> None:
        self._loaded = True
        assert self._path is not None
        try:
            with open(self._path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > _FILE_LIMIT:
                    file.seek(size - _FILE_LIMIT // 2)
                content = file.read(_FILE_LIMIT)
        except FileNotFoundError:
            return
        except OSError as error:
            diagnostics.debug(f"digest cache {self._path} is not readable: {error}")
            return
        for key, digest in read_records(content):
            self._known.setdefault(key, digest)

    def _append(self, key: Key, digest: bytes) -> None:
        assert self._path is not None
        body = _RECORD.pack(_MAGIC, *key, digest, 0)[:-4]
        record = body + struct.pack("<I", zlib.crc32(body))
        try:
            # No lock: appends of this size are whole, and one held by another thread at a fork would never be freed.
            descriptor = self._open()
            try:
                if os.fstat(descriptor).st_size > _FILE_LIMIT:
                    os.ftruncate(descriptor, 0)
                os.write(descriptor, record)
            finally:
                os.close(descriptor)
        except OSError as error:
            diagnostics.debug(f"digest cache {self._path} is not writable: {error}")
            self._path, self._loaded = None, True

    def _open(self) -> int:
        assert self._path is not None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            return os.open(self._path, flags, 0o600)


def read_records(content: bytes) -> list[tuple[Key, bytes]]:
    """The intact records in `content`; after a damaged one it goes on at the next record mark."""
    found: list[tuple[Key, bytes]] = []
    at = content.find(_MAGIC)
    while 0 <= at <= len(content) - _RECORD.size:
        _, *key, digest, checksum = _RECORD.unpack_from(content, at)
        if zlib.crc32(content[at : at + _RECORD.size - 4]) == checksum:
            found.append(((key[0], key[1], key[2], key[3], key[4]), digest))
            at += _RECORD.size
        else:
            at += 1
        at = content.find(_MAGIC, at)
    return found


def key_of(stat: os.stat_result) -> Key:
    """Identity of a file's content: it changes with every write that the clock can tell apart."""
    return (
        stat.st_dev & _MASK,
        stat.st_ino & _MASK,
        stat.st_size & _MASK,
        stat.st_mtime_ns & _MASK,
        stat.st_ctime_ns & _MASK,
    )


def _fresh(stat: os.stat_result) -> bool:
    age = time.time() - max(stat.st_mtime, stat.st_ctime)
    return age < FRESH_SECONDS


_caches: dict[str, DigestCache] = {}


def current() -> DigestCache:
    """The cache that belongs to the present `LINEAGE_HOME`."""
    path = os.path.join(settings.current().home, "digests", "files")
    cache = _caches.get(path)
    if cache is None:
        cache = _caches[path] = DigestCache(path)
    return cache
