"""A consumer of kafka-python whose fetches wait for long.

BOOTSTRAP CA USER PASSWORD TOPIC WAIT
Reads partition 0 from its begin and prints one value per line, until an error ends it: its name goes to standard error. WAIT is in
milliseconds.
"""

import sys

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

bootstrap, ca, user, password, topic, wait = sys.argv[1:]
consumer = KafkaConsumer(
    bootstrap_servers=bootstrap,
    security_protocol="SASL_SSL",
    ssl_cafile=ca,
    sasl_mechanism="SCRAM-SHA-512",
    sasl_plain_username=user,
    sasl_plain_password=password,
    auto_offset_reset="earliest",
    fetch_max_wait_ms=int(wait),
    request_timeout_ms=2 * int(wait),
    connections_max_idle_ms=3 * int(wait),
)
consumer.assign([TopicPartition(topic, 0)])
try:
    while True:
        for records in consumer.poll(timeout_ms=1000).values():
            for record in records:
                print(record.value.decode(), flush=True)
except KafkaError as error:
    sys.exit(type(error).__name__)
