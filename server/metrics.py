"""The meters, to be scraped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response

from server.operations import Call

TEXT = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(call: Call) -> Response:
    """All meters, as Prometheus reads them; those of several processes are labelled by the worker."""
    here = generate_latest(call.service.meters.registry)
    answers = await call.service.crew.ask(call.scope)
    others = [body for status, body in answers if status == 200]
    return Response(labelled([here, *others]) if others else here, headers={"Content-Type": TEXT})


def labelled(texts: Sequence[bytes]) -> bytes:
    """The meters of many processes as one text: each sample says whose it is, from 1 on."""
    return generate_latest(Labelled(texts))


class Labelled(CollectorRegistry):
    """The samples of several texts, by meter."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        super().__init__()
        self._texts = texts

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        for worker, text in enumerate(self._texts, 1):
            for metric in text_string_to_metric_families(text.decode()):
                one = found.setdefault(metric.name, Metric(metric.name, metric.documentation, metric.type))
                one.samples += [s._replace(labels={**s.labels, "worker": str(worker)}) for s in metric.samples]
        yield from found.values()
