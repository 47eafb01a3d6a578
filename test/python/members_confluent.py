"""confluent-kafka (librdkafka): members of consumer groups that do as they are told (members.py).

BOOTSTRAP CA USER PASSWORD
"""

import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

import members

bootstrap, ca, user, password = sys.argv[1:]


def config(name, role):
    own = {
        "bootstrap.servers": bootstrap,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": ca,
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
        "client.id": name,
        "group.id": role["group"],
        "group.protocol": role["protocol"],
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "topic.metadata.refresh.interval.ms": 1000,
    }
    if role["instance"]:
        own["group.instance.id"] = role["instance"]
    if role["protocol"] == "classic":
        own["partition.assignment.strategy"] = "cooperative-sticky" if role["cooperative"] else "range"
        own["session.timeout.ms"] = 30000
        own["heartbeat.interval.ms"] = 300
    return own


def places(partitions):
    return [(p.topic, p.partition) for p in partitions]


class Member(members.Member):
    def __init__(self, name, role):
        super().__init__(name)
        self.failed = False
        self.consumer = Consumer({**config(name, role), "error_cb": self.error})
        self.consumer.subscribe(
            [role["pattern"]] if role["pattern"] else role["topics"],
            on_assign=lambda _, partitions: self.assigned(places(partitions)),
            on_revoke=self.commit_revoked,
            on_lost=lambda _, partitions: self.lost(places(partitions)),
        )

    def run(self):
        try:
            while not self.closing and not self.failed:
                message = self.consumer.poll(0.1)
                if message is None:
                    continue
                if message.error():
                    self.error(message.error())
                else:
                    self.read((message.topic(), message.partition()), message.offset())
            self.consumer.close()
        except KafkaException as error:
            self.error(error.args[0])
        self.tell("closed")

    def error(self, error):
        """A fatal error has its cause in its text only."""
        self.failed = error.code() == KafkaError._FATAL
        self.tell("error", error=f"{error.name()}: {error.str()}")

    def commit_revoked(self, consumer, partitions):
        self.tell("revoked", places(partitions))
        self.held.wait()
        read = [TopicPartition(*at, offset) for at, offset in self.take(places(partitions)).items()]
        if read:
            for committed in consumer.commit(offsets=read, asynchronous=False):
                if committed.error:
                    self.error(committed.error)


members.serve(Member)
