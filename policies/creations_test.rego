package chronik.creations_test

import data.chronik.creations
import rego.v1

rules := {"limit": 10, "limits": {"pipeline": 100}, "exempt": ["root"]}

asks(name, type, created, asked) := {
	"topics": {"created": created, "asked": asked},
	"action": {"operation": "CREATE", "resourcePattern": {"resourceType": type, "name": "t"}},
	"requestContext": {"principal": {"name": name}},
}

test_up_to_the_limit if {
	every type in ["TOPIC", "CLUSTER"] {
		count(creations.deny) == 0 with input as asks("alice", type, 9, 1) with data.creations as rules
		creations.deny == {"more topics than may be created in an hour"} with input as asks("alice", type, 10, 1) with data.creations as rules
	}
}

test_many_at_once if {
	count(creations.deny) == 0 with input as asks("alice", "TOPIC", 0, 10) with data.creations as rules
	count(creations.deny) == 1 with input as asks("alice", "TOPIC", 0, 11) with data.creations as rules
}

test_a_limit_of_ones_own if {
	count(creations.deny) == 0 with input as asks("pipeline", "CLUSTER", 99, 1) with data.creations as rules
	count(creations.deny) == 1 with input as asks("pipeline", "CLUSTER", 100, 1) with data.creations as rules
}

test_exempt if {
	count(creations.deny) == 0 with input as asks("root", "TOPIC", 1000, 1) with data.creations as rules
}

test_other_operations if {
	read := {"action": {"operation": "READ", "resourcePattern": {"resourceType": "TOPIC", "name": "t"}}, "requestContext": {"principal": {"name": "alice"}}}
	count(creations.deny) == 0 with input as read with data.creations as {}
}

test_without_a_limit_nobody_creates if {
	some wrong in [{}, {"limit": "ten"}]
	creations.deny["the number data.creations.limit is missing"] with input as asks("alice", "TOPIC", 0, 1) with data.creations as wrong
}

test_every_wrong_limit if {
	every wrong in [{}, {"limit": "ten"}, {"limit": null}] {
		creations.deny["the number data.creations.limit is missing"] with input as asks("alice", "TOPIC", 0, 1) with data.creations as wrong
	}
}
