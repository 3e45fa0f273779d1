"""Digest, size and schema of files and folders on this machine.

A file's digest is the SHA-256 of its bytes, what `sha256sum` prints; a folder's is that of a list "digest, two spaces,
relative path, newline" sorted by path. Files of a folder are read in parallel. Above `LINEAGE_DIGEST_BYTES` only parts
are read and the digest says so. Devices, pipes and sockets are never opened.
"""

from __future__ import annotations

import hashlib
import os
import stat as kinds
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from lineage import diagnostics, digest_cache, settings
from lineage.fingerprint import Content, Fingerprint

_BLOCK = 1 << 20
_SAMPLES = 64
_MAX_FILES = 100_000
_WORKERS = max(1, min(4, os.cpu_count() or 1))


def content(path: str) -> Content | None:
    """What is at `path`, or None if nothing readable is there."""
    try:
        stat = os.stat(path)
        if kinds.S_ISREG(stat.st_mode):
            return _file(path, stat)
        if kinds.S_ISDIR(stat.st_mode):
            return _folder(path)
    except OSError as error:
        diagnostics.debug(f"no digest of {path}: {error}")
    return None


def _file(path: str, stat: os.stat_result) -> Content:
    from lineage import frames

    cap = settings.current().digest_bytes
    fields, rows = frames.stored_schema(path)
    if stat.st_size > cap:
        sampled = f"sampled: {stat.st_size} bytes are more than LINEAGE_DIGEST_BYTES ({cap})"
        return Content(
            _sample(path, stat.st_size).hex(), False, rows=rows, bytes=stat.st_size, fields=fields, note=sampled
        )
    digest, steady = file_digest(path)
    note = None if steady else "changed while it was read"
    return Content(digest.hex(), steady, rows=rows, bytes=os.stat(path).st_size, fields=fields, note=note)


def file_digest(path: str) -> tuple[bytes, bool]:
    """SHA-256 of a file, and whether the file stood still while it was read; one that didn't is read once more.

    Raises:
        OSError: it can't be read.
    """
    cache = digest_cache.current()
    digest = b""
    for _ in range(2):
        with open(path, "rb", buffering=0, opener=_open_quietly) as file:
            before = os.fstat(file.fileno())
            known = cache.get(before)
            if known is not None:
                return known, True
            digest = hashlib.file_digest(file, "sha256").digest()
            after = os.fstat(file.fileno())
        if digest_cache.key_of(before) == digest_cache.key_of(after):
            cache.put(before, digest)
            return digest, True
    return digest, False


def _open_quietly(path: str, flags: int) -> int:
    """Open without waiting for the other end, should the file have become a pipe since it was looked at."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))


def _sample(path: str, size: int) -> bytes:
    """Digest of size, first and last block, and blocks at even distances between."""
    print_ = Fingerprint("sampled-file")
    print_.add("size", str(size).encode())
    with open(path, "rb", buffering=0, opener=_open_quietly) as file:
        for number in range(_SAMPLES):
            file.seek(max(0, size - _BLOCK) * number // (_SAMPLES - 1))
            print_.add("block", file.read(_BLOCK) or b"")
    return print_.digest()


def _folder(path: str) -> Content:
    names: list[tuple[bytes, str]] = []
    size, skipped, cut = 0, 0, False
    for relative, full, stat in _walk(path):
        if stat is None:
            skipped += 1
            continue
        if len(names) >= _MAX_FILES:
            cut = True
            break
        size += stat.st_size
        names.append((relative, full))
    names.sort()
    cap = settings.current().digest_bytes
    sampled = size > cap or cut
    results = _digests([full for _, full in names], sampled)
    listing = hashlib.sha256()
    steady = True
    for (relative, _), (digest, still) in zip(names, results, strict=True):
        listing.update(digest.hex().encode() + b"  " + relative + b"\n")
        steady = steady and still
    reasons = [
        f"sampled: {size} bytes are more than LINEAGE_DIGEST_BYTES ({cap})" if size > cap else "",
        f"only the first {_MAX_FILES} files" if cut else "",
        f"{skipped} entries can't be read or are no files" if skipped else "",
        "" if steady else "changed while it was read",
    ]
    note = "; ".join(reason for reason in reasons if reason) or None
    return Content(listing.hexdigest(), note is None, bytes=size, note=note)


def _walk(root: str) -> Iterator[tuple[bytes, str, os.stat_result | None]]:
    """(relative path, path, stat) of each file below `root`; stat is None for what is there but can't be read."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                relative = os.fsencode(os.path.relpath(entry.path, root)).replace(os.sep.encode(), b"/")
                try:
                    # Links to folders are not followed: they may lead in a circle or out of the dataset.
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        continue
                    stat = entry.stat()
                    yield relative, entry.path, stat if kinds.S_ISREG(stat.st_mode) else None
                except OSError:
                    yield relative, entry.path, None


def _digests(paths: list[str], sampled: bool) -> list[tuple[bytes, bool]]:
    def one(path: str) -> tuple[bytes, bool]:
        try:
            return (_sample(path, os.stat(path).st_size), True) if sampled else file_digest(path)
        except OSError:
            return b"", False

    if len(paths) > 1 and _WORKERS > 1:
        try:
            with ThreadPoolExecutor(_WORKERS, thread_name_prefix="lineage-digest") as pool:
                return list(pool.map(one, paths))
        except RuntimeError:  # the interpreter is ending and gives no more threads
            diagnostics.debug("reading a folder without threads")
    return [one(path) for path in paths]
