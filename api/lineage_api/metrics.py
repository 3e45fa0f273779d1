"""Prometheus metrics, read from the parts' own counters when scraped: the hot path pays nothing for them.

Owns names and help texts.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from lineage_api.service import Service

MEDIA_TYPE = CONTENT_TYPE_LATEST

_OUTCOMES: dict[int | str, str] = {201: "journalled", 200: "known", 409: "conflict", "refused": "refused"}


class _Collector:
    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        service = self._service
        events = CounterMetricFamily("lineage_records", "Records taken in, by what became of them", labels=["outcome"])
        for key, name in _OUTCOMES.items():
            events.add_metric([name], service.ingest.counts[key])
        yield events
        stats = service.writer.stats
        yield CounterMetricFamily("lineage_journal_commits", "Journal transactions", stats.groups)
        yield CounterMetricFamily("lineage_journal_commit_seconds", "Seconds spent in them", stats.commit_seconds)
        yield CounterMetricFamily("lineage_journal_failures", "Requests whose transaction failed", stats.failures)
        yield GaugeMetricFamily(
            "lineage_journal_queue_bytes", "Bytes waiting to be durable", service.writer.waiting_bytes
        )
        yield GaugeMetricFamily("lineage_journal_seq", "Newest journal number", service.journalled)
        projector = service.projector
        records, seconds = projector.lag()
        yield GaugeMetricFamily("lineage_projected_seq", "Newest projected journal number", projector.projected)
        yield GaugeMetricFamily("lineage_projector_lag_records", "Journalled and not yet projected", records)
        yield GaugeMetricFamily("lineage_projector_lag_seconds", "Age of the oldest of them", seconds)
        yield GaugeMetricFamily("lineage_projector_running", "1 while the projector runs", float(projector.running))
        yield CounterMetricFamily("lineage_projector_restarts", "Times it had to be started again", projector.restarts)
        yield from _process(service)


def render(service: Service) -> bytes:
    """The text exposition of all metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(service))
    return generate_latest(registry)


def _process(service: Service) -> Iterator[Metric]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield CounterMetricFamily(
        "lineage_server_cpu_seconds", "CPU of the server process", usage.ru_utime + usage.ru_stime
    )
    yield GaugeMetricFamily("lineage_server_uptime_seconds", "Seconds since start", time.time() - service.started)
    for name, pid in (("server", os.getpid()), ("projector", service.projector.pid)):
        resident = _resident(pid)
        if resident is not None:
            yield GaugeMetricFamily(f"lineage_{name}_resident_bytes", f"Memory of the {name} process", resident)


def _resident(pid: int | None) -> int | None:
    try:
        with open(f"/proc/{pid}/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return None
