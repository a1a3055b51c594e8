"""Everything that comes to an MQTT broker, over its restarts: the id of each message, a line each.

python -m tests.soak.mqtt_reader PORT TOPIC FILE
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTMessage, MQTTv5
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class _Id(msgspec.Struct):
    id: str


def main() -> None:
    port, topic, path = sys.argv[1:]
    client = Client(CallbackAPIVersion.VERSION2, client_id="soak-reader", protocol=MQTTv5)
    with Path(path).open("w", buffering=1) as file:

        def came(_client: Client, _user: Any, message: MQTTMessage) -> None:
            file.write(msgspec.json.decode(message.payload, type=_Id).id + "\n")

        def connected(
            client: Client, _user: Any, _flags: Any, _reason: Any, _properties: Any
        ) -> None:
            client.subscribe(topic, qos=1)
            print("ready", flush=True)

        client.on_message = came
        client.on_connect = connected
        # the broker keeps what comes while this one is on its way back
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 3600
        client.reconnect_delay_set(1, 2)
        client.connect("127.0.0.1", int(port), clean_start=False, properties=session)
        client.loop_forever(retry_first_connection=True)


if __name__ == "__main__":
    main()
