"""The platform's figures as Prometheus reads them. Every process says the same, because all of them are read from the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cdp import __version__
from cdp.status import PlatformStatus

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[Iterable[str], float | datetime | None]


def metrics(status: PlatformStatus) -> bytes:
    """The text that Prometheus scrapes (exposition format 0.0.4)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, status: PlatformStatus) -> None:
        self.status = status

    def collect(self) -> Iterator[Metric]:
        yield _gauge("cdp_info", "Version of the platform.", ("version",), [((__version__,), 1)])
        yield from self._totals()
        yield from self._streams()
        yield from self._stages()
        yield from self._segments()
        yield from self._destinations()

    def _totals(self) -> Iterator[Metric]:
        found = self.status.totals
        for name, what in (
            ("records", "Customer records"),
            ("interactions", "Interactions"),
            ("profiles", "Living profiles"),
            ("households", "Households"),
            ("unlinked_interactions", "Interactions of no profile yet"),
            ("events_waiting", "Events that are accepted and not processed yet"),
        ):
            yield _gauge(f"cdp_{name}", f"{what}.", (), [((), getattr(found, name))])
        since = self.status.events_waiting_since
        yield _gauge("cdp_events_waiting_since_timestamp_seconds", "When the oldest event that waits came in.", (), [((), since)])
        yield _gauge("cdp_figures_timestamp_seconds", "When the counts over whole tables were made.", (), [((), found.as_of)])

    def _streams(self) -> Iterator[Metric]:
        streams = [((s.source, s.stream), s) for s in self.status.streams if s.stream is not None]
        labels = ("source", "stream")
        yield _gauge("cdp_stream_rows", "Rows of a stream that are there.", labels, [(key, s.rows) for key, s in streams])
        yield _gauge("cdp_quarantine_rows", "Refused rows that wait.", labels, [(key, s.refused) for key, s in streams])
        failing = [((s.source, s.stream or ""), bool(s.last_error)) for s in self.status.streams if s.stream is not None or s.last_error]
        yield _gauge("cdp_stream_failing", "1 where the last read failed; the stream is empty of a source never opened.", labels, failing)
        landed = [(key, s.last_success_at) for key, s in streams]
        yield _gauge("cdp_stream_last_success_timestamp_seconds", "When a stream was last read to its end.", labels, landed)

    def _stages(self) -> Iterator[Metric]:
        stages, labels = self.status.stages, ("stage",)
        done = [((s.stage,), s.last_success_at) for s in stages]
        yield _gauge("cdp_stage_last_success_timestamp_seconds", "When a stage last ended well.", labels, done)
        yield _gauge(
            "cdp_stage_failing", "1 where the last run of a stage failed.", labels, [((s.stage,), s.status == "failed") for s in stages]
        )
        yield _gauge("cdp_stage_seconds", "How long the last run of a stage took.", labels, [((s.stage,), s.seconds) for s in stages])

    def _segments(self) -> Iterator[Metric]:
        found, labels = self.status.segments, ("segment",)
        yield _gauge("cdp_segment_members", "People in a segment.", labels, [((s.name,), s.members) for s in found])
        yield _gauge(
            "cdp_segment_as_of_timestamp_seconds", "When a segment was last decided.", labels, [((s.name,), s.as_of) for s in found]
        )

    def _destinations(self) -> Iterator[Metric]:
        found, labels = self.status.destinations, ("destination", "kind")
        keyed = [((d.name, d.kind), d) for d in found if d.enabled]
        yield _gauge(
            "cdp_destination_people", "People at a destination after its last delivery.", labels, [(k, d.present) for k, d in keyed]
        )
        yield _gauge("cdp_destination_refused_rows", "Rows refused by the last delivery.", labels, [(k, d.refused) for k, d in keyed])
        failing = [(key, d.status in ("failed", "partial")) for key, d in keyed]
        yield _gauge("cdp_destination_failing", "1 where the last delivery did not end well.", labels, failing)
        done = [(key, d.last_success_at) for key, d in keyed]
        yield _gauge("cdp_destination_last_success_timestamp_seconds", "When a delivery last ended well.", labels, done)


def _gauge(name: str, what: str, labels: tuple[str, ...], samples: Iterable[Sample]) -> Metric:
    """A gauge; a sample without a value is left out."""
    made = GaugeMetricFamily(name, what, labels=labels)
    for key, value in samples:
        if value is not None:
            made.add_metric([str(part) for part in key], value.timestamp() if isinstance(value, datetime) else float(value))
    return made
