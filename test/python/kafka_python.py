"""kafka-python against the broker.

produce BOOTSTRAP CA MECHANISM USER PASSWORD TOPIC COUNT PREFIX
consume BOOTSTRAP CA MECHANISM USER PASSWORD TOPIC COUNT GROUP
With the mechanism mTLS, USER and PASSWORD are the files of the client's certificate and key.
With the mechanism OAUTHBEARER, PASSWORD is a token.
With the mechanism GSSAPI, USER is the service's name, and the tickets are where KRB5CCNAME says.
Without a CA the listener is SASL_PLAINTEXT.
Consumed values are printed one per line.
"""

import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.net.sasl.oauth import AbstractTokenProvider

verb, bootstrap, ca, mechanism, user, password, topic, count, last = sys.argv[1:]
common = dict(bootstrap_servers=bootstrap, ssl_cafile=ca or None)


class Token(AbstractTokenProvider):
    def token(self):
        return password


if mechanism == "mTLS":
    common.update(security_protocol="SSL", ssl_certfile=user, ssl_keyfile=password)
elif mechanism == "GSSAPI":
    common.update(
        security_protocol="SASL_SSL" if ca else "SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
        sasl_kerberos_service_name=user,
    )
else:
    common.update(
        security_protocol="SASL_SSL",
        sasl_mechanism=mechanism,
        sasl_plain_username=user,
        sasl_plain_password=password,
        sasl_oauth_token_provider=Token() if mechanism == "OAUTHBEARER" else None,
    )

if verb == "produce":
    producer = KafkaProducer(**common)
    futures = [producer.send(topic, key=b"k%d" % i, value=b"%s-%d" % (last.encode(), i)) for i in range(int(count))]
    for future in futures:
        future.get(timeout=30)
    producer.close()
elif verb == "consume":
    consumer = KafkaConsumer(topic, group_id=last, auto_offset_reset="earliest", consumer_timeout_ms=30000, **common)
    for seen, record in enumerate(consumer, start=1):
        print(record.value.decode())
        if seen == int(count):
            break
    consumer.commit()
    consumer.close()
else:
    sys.exit(f"unknown verb {verb}")
