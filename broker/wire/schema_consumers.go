package wire

// consumersSchemas are the requests of members of consumer groups of KIP-848, and about them, as the protocol guide gives them
// (kafka.apache.org/protocol).
func consumersSchemas() []schema {
	return []schema{
		{key: 68, name: "ConsumerGroupHeartbeat", min: 0, max: 1, flexible: 0, body: fields{
			str("Group"),
			str("MemberID"),
			i32("MemberEpoch"),
			str("InstanceID").null(0),
			str("RackID").null(0),
			i32("RebalanceTimeoutMillis"),
			array("SubscribedTopicNames", str(element)).null(0),
			str("SubscribedTopicRegex").null(1).since(1),
			str("ServerAssignor").null(0),
			array("Topics",
				uuid("TopicID"),
				array("Partitions", i32(element)),
			).null(0),
		}},
		{key: 69, name: "ConsumerGroupDescribe", min: 0, max: 1, flexible: 0, body: fields{
			array("Groups", str(element)),
			boolean("IncludeAuthorizedOperations"),
		}},
	}
}
