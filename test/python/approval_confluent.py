"""Administration by confluent-kafka (librdkafka) that may take the approval of a second person.

retain BOOTSTRAP CA USER PASSWORD TOPIC MILLISECONDS    sets retention.ms
delete BOOTSTRAP CA USER PASSWORD TOPIC                 deletes the topic
grant BOOTSTRAP CA USER PASSWORD PRINCIPAL              allows ALTER on the cluster
Prints what has come of it: "done", or the error's name and message.
"""

import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding, AclOperation, AclPermissionType, AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourcePatternType, ResourceType,
)

verb, bootstrap, ca, user, password, name = sys.argv[1:7]
client = AdminClient({
    "bootstrap.servers": bootstrap,
    "security.protocol": "SASL_SSL",
    "ssl.ca.location": ca,
    "sasl.mechanism": "SCRAM-SHA-512",
    "sasl.username": user,
    "sasl.password": password,
})
if verb == "retain":
    entry = ConfigEntry("retention.ms", sys.argv[7], incremental_operation=AlterConfigOpType.SET)
    asked = client.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, name, incremental_configs=[entry])])
elif verb == "delete":
    asked = client.delete_topics([name])
elif verb == "grant":
    asked = client.create_acls([AclBinding(
        ResourceType.BROKER, "kafka-cluster", ResourcePatternType.LITERAL, name, "*", AclOperation.ALTER, AclPermissionType.ALLOW,
    )])
else:
    sys.exit(f"unknown verb {verb}")
for outcome in asked.values():
    try:
        outcome.result(timeout=60)
        print("done")
    except KafkaException as failure:
        print(failure.args[0].name(), failure.args[0].str())
