"""aiokafka for logins.py."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import AbstractTokenProvider

import logins


class Given(AbstractTokenProvider):
    def __init__(self, token):
        self.given = token

    async def token(self):
        return self.given


async def exchange(login):
    config = {
        "bootstrap_servers": login["bootstrap"],
        "security_protocol": login["protocol"],
        "ssl_context": logins.tls(login),
        "sasl_plain_username": login.get("user"),
        "sasl_plain_password": login.get("password"),
        "sasl_kerberos_service_name": "kafka",
        "sasl_oauth_token_provider": Given(login["token"]) if login.get("token") else None,
    }
    if login.get("mechanism"):
        config["sasl_mechanism"] = login["mechanism"]
    producer = AIOKafkaProducer(**config)
    await producer.start()
    try:
        await producer.send_and_wait(login["topic"], login["value"].encode(), partition=0)
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(**config)
    await consumer.start()
    try:
        partition = TopicPartition(login["topic"], 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        return (await asyncio.wait_for(consumer.getone(), 30)).value.decode()
    finally:
        await consumer.stop()


logins.serve(lambda login: asyncio.run(exchange(login)))
