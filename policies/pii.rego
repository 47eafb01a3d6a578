# Topics with personal data only for clients that show a certificate.
#
# data.topics is a list of {"prefix": ..., "labels": {...}}: what the topics are whose names begin so. Where several fit, each counts.
# Topics whose label pii is true need a client certificate, and TLS of a post-quantum key exchange where data.pii.postQuantum is true.
package chronik.pii

import rego.v1

personal if {
	input.action.resourcePattern.resourceType == "TOPIC"
	some topic in data.topics
	startswith(input.action.resourcePattern.name, topic.prefix)
	topic.labels.pii == true
}

# To describe a topic tells nothing of anybody.
reveals := {"READ", "WRITE", "ALTER", "ALTER_CONFIGS"}

deny contains "personal data needs a client certificate" if {
	personal
	input.action.operation in reveals
	not input.certificate.subject
}

deny contains "personal data needs a post-quantum key exchange" if {
	data.pii.postQuantum == true
	personal
	input.action.operation in reveals
	not input.tls.postQuantum
}

# Without the list nobody knows which topics have personal data.
deny contains "the list data.topics is missing" if {
	input.action.resourcePattern.resourceType == "TOPIC"
	not data.topics
}
