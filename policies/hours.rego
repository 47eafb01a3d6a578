# Administrators' operations in working hours only, in the office's time zone.
#
# data.hours.zone       the time zone, such as Europe/Zurich
# data.hours.from, to   the first hour, and the first one that is over again, such as 7 and 19
# data.hours.days       the days, such as ["Monday", "Tuesday"]
# data.hours.exempt     principals' names that it is not about; may be missing
package chronik.hours

import rego.v1

administrative := {"CREATE", "DELETE", "ALTER", "ALTER_CONFIGS"}

exempt if input.requestContext.principal.name in data.hours.exempt

open if {
	zoned := [input.time.minute, data.hours.zone]
	time.weekday(zoned) in data.hours.days
	[hour, _, _] := time.clock(zoned)
	hour >= data.hours.from
	hour < data.hours.to
}

deny contains "outside of working hours" if {
	input.action.operation in administrative
	not exempt
	not open
}
