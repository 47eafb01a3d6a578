"""kafka-python under load, while the broker is killed and comes back.

BOOTSTRAP CA USER PASSWORD TOPIC[,TOPIC...] WRITER
Without a PASSWORD it logs in by Kerberos: USER is the service's name, and the environment says where the tickets or the keytab are.
Runs until SIGTERM, idempotent, and prints each acknowledged record, and each that failed, as a line of JSON with the field names of
Apache Kafka's VerifiableProducer.
"""

import json
import signal
import sys
import time

from kafka import KafkaProducer

bootstrap, ca, user, password, topics, writer = sys.argv[1:]
running = True


def stop(*_):
    global running
    running = False


def acknowledged(value):
    def tell(at):
        line = {"name": "producer_send_success", "topic": at.topic, "partition": at.partition, "offset": at.offset, "value": value}
        print(json.dumps(line), flush=True)

    return tell


def failed(error):
    print(json.dumps({"name": "producer_send_error", "exception": repr(error)}), flush=True)


signal.signal(signal.SIGTERM, stop)
producer = KafkaProducer(
    bootstrap_servers=bootstrap,
    security_protocol="SASL_SSL",
    ssl_cafile=ca,
    sasl_mechanism="SCRAM-SHA-512" if password else "GSSAPI",
    sasl_plain_username=user,
    sasl_plain_password=password,
    sasl_kerberos_service_name=user,
    enable_idempotence=True,
    acks="all",
    delivery_timeout_ms=600000,
    max_block_ms=600000,
    reconnect_backoff_max_ms=200,
)
number = 0
while running:
    for topic in topics.split(","):
        value = f"{writer}.{number}." + "kafka-python " * 20
        producer.send(topic, value.encode()).add_callback(acknowledged(value)).add_errback(failed)
        number += 1
    time.sleep(0.005)  # the rate: a few hundred records a second
producer.flush(timeout=60)
producer.close(timeout=60)
