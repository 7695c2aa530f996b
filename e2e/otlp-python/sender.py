"""Sends every kind of instrument once: sender.py <http|http-gzip|http-deflate|grpc> <endpoint> <tenant> <token> <service>.

Prints the trace that the exemplars belong to, as JSON.
"""

import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import (
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

protocol, endpoint, tenant, token, service = sys.argv[1:]
headers = {"authorization": f"Bearer {token}", "x-scope-orgid": tenant}
compressions = {
    "http": Compression.NoCompression,
    "http-gzip": Compression.Gzip,
    "http-deflate": Compression.Deflate,
}
if protocol == "grpc":
    exporter = GrpcExporter(endpoint=endpoint, headers=headers, insecure=True)
else:
    exporter = HttpExporter(endpoint=endpoint, headers=headers, compression=compressions[protocol])

provider = MeterProvider(
    resource=Resource.create({"service.name": service, "service.instance.id": "i-1", "list": ["a", "b"]}),
    metric_readers=[PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
    views=[
        View(instrument_name="latency", aggregation=ExplicitBucketHistogramAggregation([0.1, 0.5, 1, 5])),
        View(instrument_name="latency.fine", aggregation=ExponentialBucketHistogramAggregation(max_size=20)),
    ],
)
meter = provider.get_meter("e2e", "1.0")

with TracerProvider().get_tracer("e2e").start_as_current_span("checkout") as span:
    context = span.get_span_context()
    requests = meter.create_counter("http.requests", description="Requests.")
    requests.add(5, {"http.method": "GET", "ok": True, "n": 3})
    requests.add(2.5, {"http.method": "GET", "ok": True, "n": 3})
    for name in ("latency", "latency.fine"):
        histogram = meter.create_histogram(name, unit="s")
        for value in (0.05, 0.3, 0.7, 12):
            histogram.record(value, {"path": "/"})
meter.create_up_down_counter("queue.size", unit="{items}").add(-3)
meter.create_gauge("room.temperature", unit="Cel").set(21.5)
meter.create_observable_counter("cpu.time", unit="s", callbacks=[lambda _: [Observation(9007199254740991)]])
meter.create_observable_up_down_counter("memory", unit="By", callbacks=[lambda _: [Observation(-7)]])
meter.create_observable_gauge("load", unit="1", callbacks=[lambda _: [Observation(0.25)]])

sent = provider.force_flush()
provider.shutdown()
print(json.dumps({"sent": sent, "trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}))
