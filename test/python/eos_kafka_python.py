"""kafka-python: takes records from a topic, sends each to another one and commits both in a transaction.

BOOTSTRAP CA USER PASSWORD IN OUT GROUP TRANSACTIONAL_ID SEED HANG_AFTER
It aborts now and then, by the seed, and runs until it is ended. After HANG_AFTER transactions, unless that is negative, it leaves one
open, with records and offsets, and waits. It prints "committed N", "aborted N" and "open N" for transactions of N records.
"""

import random
import signal
import sys

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, OffsetAndMetadata
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

bootstrap, ca, user, password, source, target, group, transactional_id, seed, hang_after = sys.argv[1:]
common = dict(
    bootstrap_servers=bootstrap,
    security_protocol="SASL_SSL",
    ssl_cafile=ca,
    sasl_mechanism="SCRAM-SHA-512",
    sasl_plain_username=user,
    sasl_plain_password=password,
    reconnect_backoff_max_ms=200,
)
consumer = KafkaConsumer(
    group_id=group,
    isolation_level="read_committed",
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    max_poll_records=40,
    session_timeout_ms=6000,
    heartbeat_interval_ms=1000,
    **common,
)
producer = KafkaProducer(transactional_id=transactional_id, **common)
chance = random.Random(int(seed))
until_hang = int(hang_after)
membership = None


class Assigned(ConsumerRebalanceListener):
    """Keeps what the assignment was made for: a member that has been put out since must not commit as if it were none."""

    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        global membership
        membership = consumer.group_metadata()


def retrying(call):
    """A broker that is gone comes back: the outcome is only known when the same call ends well."""
    while True:
        try:
            return call()
        except (KafkaConnectionError, KafkaTimeoutError) as error:
            print("again:", repr(error), file=sys.stderr)


def rewind():
    for partition in consumer.assignment():
        at = retrying(lambda: consumer.committed(partition))
        if at is None:
            consumer.seek_to_beginning(partition)
        else:
            consumer.seek(partition, at)


def transaction(batches):
    global until_hang
    count = sum(len(records) for records in batches.values())
    producer.begin_transaction()
    try:
        for records in batches.values():
            for r in records:
                producer.send(target, key=r.key, value=r.value)
        offsets = {p: OffsetAndMetadata(records[-1].offset + 1, "", -1) for p, records in batches.items()}
        producer.send_offsets_to_transaction(offsets, membership)
        if until_hang == 0:
            producer.flush()
            print("open", count, flush=True)
            signal.pause()
        until_hang -= 1
        if chance.randrange(5) > 0:
            retrying(producer.commit_transaction)
            print("committed", count, flush=True)
            return
    except KafkaError as error:
        print("aborts:", repr(error), file=sys.stderr)
    retrying(producer.abort_transaction)
    rewind()
    print("aborted", count, flush=True)


retrying(producer.init_transactions)
consumer.subscribe([source], listener=Assigned())
while True:
    polled = retrying(lambda: consumer.poll(timeout_ms=200))
    if polled:
        transaction(polled)
