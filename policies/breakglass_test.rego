package chronik.breakglass_test

import data.chronik.breakglass
import rego.v1

ask(name, client) := {"requestContext": {"principal": {"name": name}, "header": {"data": {"clientId": client}}}}

who := {"principals": ["alice"]}

test_with_a_reason if {
	breakglass.allow with input as ask("alice", "break-glass:INC-12:the order topic is stuck") with data.breakglass as who
	breakglass.reason == "break-glass INC-12: the order topic is stuck" with input as ask("alice", "break-glass:INC-12: the order topic is stuck ")
		with data.breakglass as who
}

test_without if {
	every client in [
		"", "app", "break-glass", "break-glass:INC-12", "break-glass:INC-12:", "break-glass:INC-12:short", "break-glass:INC-12:                  ",
		"break-glass::the order topic is stuck", "break-glass:xINC-12x:the order topic is stuck", "x:INC-12:the order topic is stuck",
	] {
		not breakglass.allow with input as ask("alice", client) with data.breakglass as who
		not breakglass.reason with input as ask("alice", client) with data.breakglass as who
	}
}

test_another_principal if {
	not breakglass.allow with input as ask("bob", "break-glass:INC-12:the order topic is stuck") with data.breakglass as who
}

test_nobody_without_data if {
	not breakglass.allow with input as ask("alice", "break-glass:INC-12:the order topic is stuck") with data.breakglass as {}
}

test_own_rules if {
	own := {"principals": ["alice"], "reference": "[0-9]{6}", "least": 3}
	breakglass.allow with input as ask("alice", "break-glass:123456:fix") with data.breakglass as own
	not breakglass.allow with input as ask("alice", "break-glass:INC-12:the order topic is stuck") with data.breakglass as own
}
