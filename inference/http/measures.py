"""What Prometheus reads at `/metrics`: requests, times and tokens at the door, and the counters of each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inference.http.answers import answered_model
from inference.http.backend import BackendState
from inference.text import TextCounters, TextGenerated

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Measures:
    """Of one door."""

    def __init__(self, state: Callable[[], BackendState]) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Counter(
            "scrummage_door_requests",
            "Requests that ended, by route and status",
            ["route", "status"],
            registry=registry,
        )
        self.under_way = Gauge("scrummage_door_under_way", "Answers worked on or waiting", registry=registry)
        self.seconds = Histogram(
            "scrummage_door_answer_seconds", "Until an answer was complete", buckets=_BUCKETS_S, registry=registry
        )
        self._tokens = Counter(
            "scrummage_door_tokens", "Tokens of complete answers", ["caller", "model", "kind"], registry=registry
        )
        registry.register(_Engines(state))

    def answered(self, reply: TextGenerated, caller: str) -> None:
        """An answer is complete; `caller` is the name of the token that asked."""
        model = answered_model(reply)
        for kind, tokens in (
            ("prompt", reply.prompt_tokens),
            ("cached", reply.cached_tokens or 0),
            ("completion", reply.completion_tokens),
        ):
            self._tokens.labels(caller=caller, model=model, kind=kind).inc(tokens)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Engines(Collector):
    """The engines' own counters, read when somebody asks."""

    def __init__(self, state: Callable[[], BackendState]) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        state = self._state()
        labels = ["engine", "incarnation"]
        slots = GaugeMetricFamily("scrummage_engine_slots", "Requests it works on at once", labels=labels)
        under_way = GaugeMetricFamily("scrummage_engine_under_way", "Requests it has now", labels=labels)
        counts = CounterMetricFamily("scrummage_engine", "What it did since it was started", labels=[*labels, "what"])
        for engine in state.engines:
            names = [engine.name, engine.incarnation]
            slots.add_metric(names, engine.slots)
            under_way.add_metric(names, engine.under_way)
            for field in fields(TextCounters):
                counts.add_metric([*names, field.name], getattr(engine.counters, field.name))
        up = GaugeMetricFamily("scrummage_model_up", "Whether an engine of it takes requests", labels=["model"])
        for model in sorted({each.model for each in state.served}):
            up.add_metric([model], state.is_up(model))
        open_tickets = GaugeMetricFamily(
            "scrummage_door_open_tickets", "Requests sent to engines without an answer yet", value=state.open_tickets
        )
        return [slots, under_way, counts, up, open_tickets]
