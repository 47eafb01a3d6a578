"""kafka-python: members of consumer groups that do as they are told (members.py). The client knows the classic protocol only.
They commit what they have told of before they poll again: a commit that is awaited in a callback may never end.

BOOTSTRAP CA USER PASSWORD
"""

import sys

from kafka import AsyncConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError

import members

bootstrap, ca, user, password = sys.argv[1:]

# The client joins in poll(). If that returns before the join is answered, and new topics or partitions were why it joined, the client
# forgets it: it neither reads nor heartbeats from then on. So poll() is given far longer than a join takes.
POLL_MS = 10_000


class Member(members.Member, AsyncConsumerRebalanceListener):
    def __init__(self, name, role):
        super().__init__(name)
        self.consumer = KafkaConsumer(
            bootstrap_servers=bootstrap,
            security_protocol="SASL_SSL",
            ssl_cafile=ca,
            sasl_mechanism="SCRAM-SHA-512",
            sasl_plain_username=user,
            sasl_plain_password=password,
            client_id=name,
            group_id=role["group"],
            group_instance_id=role["instance"] or None,
            partition_assignment_strategy=[CooperativeStickyAssignor if role["cooperative"] else RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=1000,
            retry_backoff_ms=10,
            session_timeout_ms=30000,
            heartbeat_interval_ms=300,
        )
        self.consumer.subscribe(topics=role["topics"] or (), pattern=role["pattern"] or None, listener=self)

    def run(self):
        try:
            while not self.closing:
                polled = self.consumer.poll(timeout_ms=POLL_MS)
                for place, records in polled.items():
                    for r in records:
                        self.read(place, r.offset)
                if polled:
                    self.consumer.commit({p: OffsetAndMetadata(offset, "", -1) for p, offset in self.take(polled).items()})
            self.consumer.close()
        except KafkaError as error:
            self.tell("error", error=repr(error.__cause__ or error))
        self.tell("closed")

    async def on_partitions_assigned(self, assigned):
        self.assigned(assigned)

    async def on_partitions_revoked(self, revoked):
        self.tell("revoked", revoked)
        while not self.held.is_set():
            await self.consumer._net.sleep(0.01)  # what waits here holds up the client's event loop

    async def on_partitions_lost(self, lost):
        self.lost(lost)


members.serve(Member)
