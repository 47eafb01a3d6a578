package chronik.hours_test

import data.chronik.hours
import rego.v1

office := {"zone": "Europe/Zurich", "from": 7, "to": 19, "days": ["Monday", "Tuesday"], "exempt": ["pipeline"]}

# 2026-11-23 is a Monday. In winter Zurich is an hour before UTC.
at(text, operation, name) := {
	"time": {"minute": time.parse_rfc3339_ns(text)},
	"action": {"operation": operation},
	"requestContext": {"principal": {"name": name}},
}

test_within if {
	count(hours.deny) == 0 with input as at("2026-11-23T06:00:00Z", "DELETE", "alice") with data.hours as office
	count(hours.deny) == 0 with input as at("2026-11-23T17:59:00Z", "CREATE", "alice") with data.hours as office
}

test_outside if {
	some text in ["2026-11-23T05:59:00Z", "2026-11-23T18:00:00Z", "2026-11-25T10:00:00Z"]
	"outside of working hours" in hours.deny with input as at(text, "ALTER_CONFIGS", "alice") with data.hours as office
}

test_every_edge_outside if {
	every text in ["2026-11-23T05:59:00Z", "2026-11-23T18:00:00Z", "2026-11-25T10:00:00Z"] {
		count(hours.deny) == 1 with input as at(text, "DELETE", "alice") with data.hours as office
	}
}

test_reading_is_not_administrative if {
	count(hours.deny) == 0 with input as at("2026-11-29T03:00:00Z", "READ", "alice") with data.hours as office
}

test_exempt if {
	count(hours.deny) == 0 with input as at("2026-11-29T03:00:00Z", "DELETE", "pipeline") with data.hours as office
}

test_without_data_it_is_closed if {
	count(hours.deny) == 1 with input as at("2026-11-23T10:00:00Z", "DELETE", "alice") with data.hours as {}
}
