"""Where a sink delivers to: what every kind of place can do, and which module knows which kind.

A kind's module is imported when a sink of that kind is made, and its client library with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from yolodeploy.core.site_settings import (
    CsvSink,
    JsonLinesSink,
    KafkaSink,
    MqttSink,
    WebhookSink,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yolodeploy.core.errors import YolodeployError
    from yolodeploy.core.site_settings import Sink
    from yolodeploy.serve.sinks.held import Held


class Receipts(Protocol):
    """What became of the messages of one connection; any thread may tell."""

    def delivered(self, held: Held) -> None:
        """The place has it."""

    def refused(self, held: Held, reason: str) -> None:
        """The place will never take it."""

    def broke(self, error: YolodeployError) -> None:
        """The connection is of no use any more; what has no receipt will be sent again."""


class Place(Protocol):
    """Called by one thread. `window` is the most messages in flight.

    For `silence_s` it may acknowledge nothing of what is in flight; then the connection is
    taken for broken.
    """

    window: int
    silence_s: float

    def open(self, receipts: Receipts) -> None:
        """Connect.

        Raises:
            YolodeployError: `sink.*`, it is away for now.
        """

    def send(self, messages: Sequence[Held]) -> None:
        """Send in this order; receipts come now or later.

        Raises:
            YolodeployError: `sink.*`, the connection broke.
        """

    def rest(self) -> None:
        """Called when there has been nothing to send for a second."""

    def close(self, limit_s: float) -> None:
        """Disconnect, open or not; what is in flight may arrive within the limit."""


def place_of(settings: Sink) -> Place:
    """The place that some settings name; nothing is opened yet.

    Raises:
        UsageError: `sink.*`, it cannot work with these settings.
    """
    match settings:
        case KafkaSink():
            from yolodeploy.serve.sinks.kafka import Kafka

            return Kafka(settings)
        case MqttSink():
            from yolodeploy.serve.sinks.mqtt import Mqtt

            return Mqtt(settings)
        case WebhookSink():
            from yolodeploy.serve.sinks.webhook import Webhook

            return Webhook(settings)
        case JsonLinesSink():
            from yolodeploy.serve.sinks.json_lines import json_lines

            return json_lines(settings)
        case CsvSink():
            from yolodeploy.serve.sinks.boxes_csv import boxes_csv

            return boxes_csv(settings)
