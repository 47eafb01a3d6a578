"""confluent-kafka (librdkafka) for logins.py."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

import logins


def settings(login):
    config = {
        "bootstrap.servers": login["bootstrap"],
        "security.protocol": login["protocol"],
        "ssl.ca.location": login.get("ca"),
        "ssl.certificate.location": login.get("certificate"),
        "ssl.key.location": login.get("key"),
        "sasl.mechanism": login.get("mechanism"),
        "sasl.username": login.get("user"),
        "sasl.password": login.get("password"),
    }
    config = {key: value for key, value in config.items() if value}
    if login.get("token"):
        config["oauth_cb"] = lambda _: (login["token"], time.time() + 60)
    return config


def exchange(login):
    failures = []
    producer = Producer({**settings(login), "linger.ms": 0})
    producer.produce(login["topic"], value=login["value"].encode(), on_delivery=lambda e, _: e and failures.append(e))
    if producer.flush(30) or failures:
        raise RuntimeError(f"not delivered: {failures}")
    consumer = Consumer({**settings(login), "group.id": login["topic"]})
    try:
        consumer.assign([TopicPartition(login["topic"], 0, OFFSET_BEGINNING)])
        message = consumer.poll(30)
        if message is None or message.error():
            raise RuntimeError(f"not read: {message and message.error()}")
        return message.value().decode()
    finally:
        consumer.close()


logins.serve(exchange)
