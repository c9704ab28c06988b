"""Whether the broker serves, asked in its own protocol."""

import socket

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

CONNECT_WITHIN_S = 0.5
ANSWER_WITHIN_S = 2.0


def serves(port: int) -> bool:
    """True when the broker on this loopback port answers and each partition it has can be written.

    Takes half a second at most when nobody listens, two and a half when somebody listens and is silent.
    """
    try:
        # librdkafka would wait out its own reconnect pauses; a plain connection knows at once.
        socket.create_connection(("127.0.0.1", port), CONNECT_WITHIN_S).close()
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
        found = admin.list_topics(timeout=ANSWER_WITHIN_S)
    except (OSError, KafkaException):
        return False
    led = all(part.leader >= 0 for topic in found.topics.values() for part in topic.partitions.values())
    return bool(found.brokers) and led
