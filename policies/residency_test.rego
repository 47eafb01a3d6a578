package chronik.residency_test

import data.chronik.residency
import rego.v1

topics := [{"prefix": "eu-", "labels": {"residency": "eu"}}, {"prefix": "eu-ch-", "labels": {"residency": "ch"}}]

networks := {"eu": ["10.1.0.0/16", "2001:db8::/32"], "ch": ["10.1.41.0/24"]}

ask(operation, name, host) := {
	"host": host,
	"action": {"operation": operation, "resourcePattern": {"resourceType": "TOPIC", "name": name}},
}

denied(question) := why if {
	why := residency.deny with input as question with data.topics as topics with data.residency.networks as networks
}

test_inside if {
	count(denied(ask("READ", "eu-orders", "10.1.2.3"))) == 0
	count(denied(ask("WRITE", "eu-orders", "2001:db8::1"))) == 0
}

test_outside if denied(ask("READ", "eu-orders", "10.2.0.1")) == {"the data stays in eu"}

test_every_label_counts if {
	denied(ask("READ", "eu-ch-orders", "10.1.2.3")) == {"the data stays in ch"}
	count(denied(ask("READ", "eu-ch-orders", "10.1.41.9"))) == 0
}

test_other_topics if count(denied(ask("READ", "orders", "10.2.0.1"))) == 0

test_describe if count(denied(ask("DESCRIBE", "eu-orders", "10.2.0.1"))) == 0

test_an_unknown_region_is_nowhere if {
	residency.deny == {"the data stays in us"} with input as ask("READ", "us-1", "10.1.2.3")
		with data.topics as [{"prefix": "us-", "labels": {"residency": "us"}}]
		with data.residency.networks as networks
}

test_without_a_list if {
	residency.deny == {"the list data.topics is missing"} with input as ask("READ", "eu-orders", "10.1.2.3") with data.topics as false
}
