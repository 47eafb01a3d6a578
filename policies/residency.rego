# Data stays where it belongs: topics with a label residency are for clients of that region only.
#
# data.topics               a list of {"prefix": ..., "labels": {"residency": REGION}}; see pii.rego
# data.residency.networks   the networks of each region, such as {"eu": ["10.1.0.0/16"]}
package chronik.residency

import rego.v1

moving := {"READ", "WRITE"}

regions contains topic.labels.residency if {
	input.action.resourcePattern.resourceType == "TOPIC"
	some topic in data.topics
	startswith(input.action.resourcePattern.name, topic.prefix)
}

inside(region) if {
	some network in data.residency.networks[region]
	net.cidr_contains(network, input.host)
}

deny contains sprintf("the data stays in %s", [region]) if {
	input.action.operation in moving
	some region in regions
	not inside(region)
}

# Without the list nobody knows which data belongs where.
deny contains "the list data.topics is missing" if {
	input.action.resourcePattern.resourceType == "TOPIC"
	not data.topics
}
