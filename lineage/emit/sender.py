"""`python -m lineage.emit.sender`: the process that delivers a spool, outlives its task, and ends when idle.

Its orders, the credential among them, come as one JSON line on standard input: nothing of it is visible in the
process list. It detaches into its own session, keeps no descriptor of its parent, and holds a lease while it works.
The same loop runs in a thread of the task where no process can be started (`launcher`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import orjson

from lineage import settings
from lineage.emit.clock import SYSTEM_CLOCK, Clock
from lineage.emit.delivery import Delivery, Round
from lineage.emit.lease import Lease
from lineage.emit.spooldir import LineState, save_state
from lineage.emit.stored import Source
from lineage.emit.wire import REQUEST_SECONDS, Poster

_SHORTEST_POLL = 0.05
_LONGEST_POLL = 1.0
# With nobody to answer for a week the records stay in the spool; the next process that emits starts a sender again.
GIVE_UP_SECONDS = 7 * 86_400.0
# A credential that is refused does not get better by itself: make room for a process that brings another one.
REFUSALS = 5


class Sender:
    """Delivers one spool folder to one service until there is nothing to do for `idle` seconds."""

    def __init__(
        self,
        root: str,
        url: str,
        token: Callable[[], str | None],
        *,
        idle: float,
        clock: Clock = SYSTEM_CLOCK,
        held: Callable[[], list[Source]] | None = None,
    ) -> None:
        """Prepare; `held` gives segments in this process's memory: nobody else can send those, so no lease is asked."""
        self._root = root
        self._url = url
        self._token = token
        self._idle = idle
        self._clock = clock
        self._held = held
        self._destination = settings.without_userinfo(url)

    def run(self) -> None:
        """Work until idle; returns at once when another sender has the lease."""
        lease = Lease(self._root, self._destination)
        if self._held is None and not lease.acquire():
            return
        try:
            with Poster(self._url, self._token) as poster:
                delivery = Delivery(
                    self._root,
                    poster,
                    destinations=frozenset({self._destination}),
                    clock=self._clock,
                    held=self._held or list,
                )
                while self._work(delivery):
                    # A record may have come in after the last look, by a process that still saw the lease taken.
                    lease.release()
                    if not delivery.has_work() or not lease.acquire():
                        return
        except Exception as error:
            now = self._clock.wall()
            save_state(self._root, LineState(self._destination, f"the sender ended: {error!r}", now, None))
            raise
        finally:
            lease.release()

    def _work(self, delivery: Delivery) -> bool:
        """Send until idle (True) or until it is pointless to go on (False)."""
        clock = self._clock
        worked = clock.monotonic()
        poll = _SHORTEST_POLL
        while True:
            outcome = delivery.round(clock.monotonic() + 2 * REQUEST_SECONDS)
            now = clock.monotonic()
            if outcome.moved:
                worked, poll = now, _SHORTEST_POLL
                continue
            if outcome.waits or outcome.pause:
                if now - worked > GIVE_UP_SECONDS or outcome.refusals >= REFUSALS:
                    return False
            elif now - worked > self._idle:
                return True
            clock.sleep(_nap(outcome, poll))
            poll = min(_LONGEST_POLL, poll * 1.3)


def _nap(outcome: Round, poll: float) -> float:
    return outcome.pause if outcome.pause > 0 else poll


def main() -> int:
    """Read orders, detach, work. Returns 0, or 2 when the orders make no sense."""
    try:
        orders = orjson.loads(sys.stdin.buffer.readline())
        root, url, idle = str(orders["root"]), str(orders["url"]), float(orders["idle"])
        token = orders.get("token")
    except (ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"lineage: the sender is started by the SDK, with its orders on standard input: {error!r}\n")
        return 2
    if hasattr(os, "fork") and not _detach():
        return 0
    Sender(root, url, lambda: token or settings.current().token(), idle=idle).run()
    return 0


def _detach() -> bool:
    """Leave the parent's session, descriptors and folder; True in the process that goes on."""
    if os.fork():
        return False
    with suppress(OSError):
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    os.nice(5)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.closerange(3, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") < 65_536 else 65_536)
    return True


if __name__ == "__main__":
    sys.exit(main())
