# How many topics a principal may create in an hour.
#
# data.creations.limit    how many, for all
# data.creations.limits   how many, by principals' names, for those for whom it is another number; may be missing
# data.creations.exempt   principals' names that it is not about; may be missing
#
# The hour is the last one, to the minute. Topics that are deleted by now count, those of requests that are under way too, and a request for
# more than what is left is denied as a whole.
package chronik.creations

import rego.v1

exempt if input.requestContext.principal.name in data.creations.exempt

creates if {
	input.action.operation == "CREATE"
	input.action.resourcePattern.resourceType in {"TOPIC", "CLUSTER"}
	not exempt
}

limit := n if {
	n := data.creations.limits[input.requestContext.principal.name]
} else := data.creations.limit

limited if is_number(limit)

deny contains "more topics than may be created in an hour" if {
	creates
	input.topics.created + input.topics.asked > limit
}

deny contains "the number data.creations.limit is missing" if {
	creates
	not limited
}
