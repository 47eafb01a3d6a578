"""confluent-kafka (librdkafka) under load, while the broker is killed and comes back.

produce BOOTSTRAP CA USER PASSWORD TOPIC[,TOPIC...] WRITER
consume BOOTSTRAP CA USER PASSWORD TOPIC:PARTITION[,TOPIC:PARTITION...]
group BOOTSTRAP CA USER PASSWORD TOPIC GROUP PROTOCOL
All run until SIGTERM. produce is idempotent and prints each acknowledged record, and each that failed, as a line of JSON with the
field names of Apache Kafka's VerifiableProducer. consume reads from the start without a group and prints what it reads likewise. group
reads as a member of a group, by the protocol "classic" or "consumer", and commits.
"""

import json
import signal
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

verb, bootstrap, ca, user, password, where = sys.argv[1:7]
config = {
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_SSL",
    "ssl.ca.location": ca,
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": user,
    "sasl.password": password,
    "reconnect.backoff.max.ms": 200,
    "log_level": 0,  # a broker that is gone is what the test is about
}
running = True


def stop(*_):
    global running
    running = False


def tell(name, message, value):
    line = {"name": name, "topic": message.topic(), "partition": message.partition(), "offset": message.offset(), "value": value}
    print(json.dumps(line), flush=True)


def delivered(error, message):
    if error:
        print(json.dumps({"name": "producer_send_error", "topic": message.topic(), "exception": str(error)}), flush=True)
    else:
        tell("producer_send_success", message, message.value().decode())


def produce(topics, writer):
    producer = Producer({**config, "enable.idempotence": True, "acks": "all", "delivery.timeout.ms": 600000})
    number = 0
    while running:
        for topic in topics:
            producer.produce(topic, b"%s.%d.%s" % (writer.encode(), number, b"librdkafka " * 20), on_delivery=delivered)
            number += 1
        producer.poll(0)
        time.sleep(0.002)  # the rate: several hundred records a second
    if producer.flush(60):
        sys.exit("not everything was delivered within a minute")


def consume(places):
    consumer = Consumer({**config, "group.id": "unused", "enable.auto.commit": False, "auto.offset.reset": "error"})
    consumer.assign([TopicPartition(topic, int(partition), OFFSET_BEGINNING) for topic, partition in places])
    while running:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            print(json.dumps({"name": "consumer_error", "exception": str(message.error())}), flush=True)
            continue
        tell("record_data", message, message.value().decode())
    consumer.close()


def group(topic, name, protocol):
    more = {"session.timeout.ms": 10000, "partition.assignment.strategy": "range"} if protocol == "classic" else {}
    consumer = Consumer({**config, **more, "group.id": name, "group.protocol": protocol, "auto.offset.reset": "earliest",
                         "auto.commit.interval.ms": 200, "topic.metadata.refresh.interval.ms": 1000})
    consumer.subscribe([topic])
    while running:
        message = consumer.poll(0.2)
        if message is None:
            continue
        if message.error():
            print(json.dumps({"name": "consumer_error", "exception": str(message.error())}), flush=True)
            continue
        tell("record_data", message, message.value().decode())
    consumer.close()


signal.signal(signal.SIGTERM, stop)
if verb == "produce":
    produce(where.split(","), sys.argv[7])
elif verb == "consume":
    consume([place.split(":") for place in where.split(",")])
elif verb == "group":
    group(where, sys.argv[7], sys.argv[8])
else:
    sys.exit(f"unknown verb {verb}")
