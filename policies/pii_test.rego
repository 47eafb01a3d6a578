package chronik.pii_test

import data.chronik.pii
import rego.v1

topics := [{"prefix": "customers", "labels": {"pii": true}}, {"prefix": "prices", "labels": {}}]

ask(operation, name) := {"action": {"operation": operation, "resourcePattern": {"resourceType": "TOPIC", "name": name}}}

proven := {"certificate": {"subject": "CN=app"}, "tls": {"postQuantum": false}}

test_certificate if {
	count(pii.deny) == 0 with input as object.union(ask("READ", "customers-1"), proven) with data.topics as topics
}

test_no_certificate if {
	pii.deny == {"personal data needs a client certificate"} with input as ask("WRITE", "customers-1") with data.topics as topics
}

test_other_topics if {
	count(pii.deny) == 0 with input as ask("READ", "prices") with data.topics as topics
}

test_describe if {
	count(pii.deny) == 0 with input as ask("DESCRIBE", "customers-1") with data.topics as topics
}

test_post_quantum if {
	pii.deny == {"personal data needs a post-quantum key exchange"} with input as object.union(ask("READ", "customers-1"), proven)
		with data.topics as topics
		with data.pii as {"postQuantum": true}
}

test_without_a_list if {
	pii.deny == {"the list data.topics is missing"} with input as ask("READ", "prices") with data.topics as false
}
