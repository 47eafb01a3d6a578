"""confluent-kafka (librdkafka): takes records from a topic, sends each to another one and commits both in a transaction.

BOOTSTRAP CA USER PASSWORD IN OUT GROUP TRANSACTIONAL_ID SEED HANG_AFTER PROTOCOL
It aborts now and then, by the seed, and runs until it is ended. After HANG_AFTER transactions, unless that is negative, it leaves one
open, with records and offsets, and waits. PROTOCOL is that of the group: "classic" or "consumer". It prints "committed N", "aborted N"
and "open N" for transactions of N records.
"""

import random
import signal
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

bootstrap, ca, user, password, source, target, group, transactional_id, seed, hang_after, protocol = sys.argv[1:]
common = {
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_SSL",
    "ssl.ca.location": ca,
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": user,
    "sasl.password": password,
    "reconnect.backoff.max.ms": 200,
    "log_level": 0,
}
chance = random.Random(int(seed))
until_hang = int(hang_after)
membership = None


def assigned(consumer, _):
    """Keeps what the assignment was made for: a member that has been put out since must not commit as if it were none."""
    global membership
    membership = consumer.consumer_group_metadata()


def retrying(call):
    """A broker that is gone comes back: librdkafka says of each error whether the same call may be made again."""
    while True:
        try:
            return call()
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
            print("again:", error, file=sys.stderr)


def rewind(consumer):
    assigned = consumer.assignment()
    for partition in retrying(lambda: consumer.committed(assigned, timeout=10)) if assigned else []:
        consumer.seek(TopicPartition(partition.topic, partition.partition, max(partition.offset, 0)))


def transaction(consumer, producer, messages):
    global until_hang
    last = {m.partition(): m.offset() for m in messages}
    offsets = [TopicPartition(source, partition, offset + 1) for partition, offset in last.items()]
    producer.begin_transaction()
    try:
        for m in messages:
            producer.produce(target, key=m.key(), value=m.value())
        producer.send_offsets_to_transaction(offsets, membership, 10)
        if until_hang == 0:
            producer.flush()
            print("open", len(messages), flush=True)
            signal.pause()
        until_hang -= 1
        if chance.randrange(5) > 0:
            retrying(producer.commit_transaction)
            print("committed", len(messages), flush=True)
            return
    except KafkaException as error:
        print("aborts:", error, file=sys.stderr)
        if error.args[0].fatal():
            raise
    retrying(producer.abort_transaction)
    rewind(consumer)
    print("aborted", len(messages), flush=True)


def work():
    classic = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 1000} if protocol == "classic" else {}
    consumer = Consumer({
        **common,
        **classic,
        "group.protocol": protocol,
        "group.id": group,
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
    })
    try:
        producer = Producer({**common, "transactional.id": transactional_id})
        retrying(producer.init_transactions)
        consumer.subscribe([source], on_assign=assigned)
        while True:
            polled = [m for m in consumer.consume(40, timeout=0.2) if not m.error()]
            if polled:
                transaction(consumer, producer, polled)
    finally:
        consumer.close()


while True:
    try:
        work()
    except KafkaException as error:
        print("begins anew:", error, file=sys.stderr)  # a fatal error asks for another producer
