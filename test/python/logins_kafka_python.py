"""kafka-python for logins.py."""

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.net.sasl.oauth import AbstractTokenProvider

import logins


class Given(AbstractTokenProvider):
    def __init__(self, token):
        super().__init__()
        self.given = token

    def token(self):
        return self.given


def exchange(login):
    config = {
        "bootstrap_servers": login["bootstrap"],
        "security_protocol": login["protocol"],
        "ssl_context": logins.tls(login),
        "sasl_mechanism": login.get("mechanism"),
        "sasl_plain_username": login.get("user"),
        "sasl_plain_password": login.get("password"),
        "sasl_kerberos_service_name": "kafka",
        "sasl_oauth_token_provider": Given(login["token"]) if login.get("token") else None,
    }
    producer = KafkaProducer(**config)
    producer.send(login["topic"], value=login["value"].encode()).get(timeout=30)
    producer.close()
    consumer = KafkaConsumer(consumer_timeout_ms=30000, **config)
    try:
        partition = TopicPartition(login["topic"], 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        return next(consumer).value.decode()
    finally:
        consumer.close()


logins.serve(exchange)
