"""Sinks: results leave for Kafka, MQTT, a webhook or a file, and none is lost while these are away.

Nothing here imports a client library: each is imported by its own module when such a sink is
used, so that a server without sinks pays for none.
"""
