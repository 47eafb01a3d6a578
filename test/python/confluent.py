"""confluent-kafka (librdkafka) against the broker.

produce BOOTSTRAP CA MECHANISM USER PASSWORD TOPIC COUNT PREFIX [key=value ...]
consume BOOTSTRAP CA MECHANISM USER PASSWORD TOPIC COUNT GROUP [key=value ...]
With the mechanism OAUTHBEARER, PASSWORD is a token that is good for a minute, unless sasl.oauthbearer.method says where to get one.
Consumed values are printed one per line.
"""

import sys
import time

from confluent_kafka import Consumer, Producer

verb, bootstrap, ca, mechanism, user, password, topic, count, last = sys.argv[1:10]
config = {
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_SSL",
    "ssl.ca.location": ca,
    "sasl.mechanism": mechanism,
    "sasl.username": user,
    "sasl.password": password,
}
config.update(pair.split("=", 1) for pair in sys.argv[10:])
if mechanism == "OAUTHBEARER" and "sasl.oauthbearer.method" not in config:
    config["oauth_cb"] = lambda _: (password, time.time() + 60)

if verb == "produce":
    failures = []
    producer = Producer(config)
    for i in range(int(count)):
        producer.produce(topic, key=b"k%d" % i, value=b"%s-%d" % (last.encode(), i), on_delivery=lambda e, _: e and failures.append(e))
    if producer.flush(30) or failures:
        sys.exit(f"not delivered: {failures[:3]}")
elif verb == "consume":
    consumer = Consumer({**config, "group.id": last, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    seen, deadline = 0, time.monotonic() + 45
    while seen < int(count) and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            sys.exit(str(message.error()))
        print(message.value().decode())
        seen += 1
    if seen:
        consumer.commit(asynchronous=False)
    consumer.close()
    if seen < int(count):
        sys.exit(f"read {seen} of {count} records")
else:
    sys.exit(f"unknown verb {verb}")
