package wire

// topicsSchemas are the requests that change topics, as the protocol guide gives them (kafka.apache.org/protocol).
func topicsSchemas() []schema {
	return []schema{
		{key: 19, name: "CreateTopics", min: 2, max: 7, flexible: 5, body: fields{
			array("Topics",
				str("Topic"),
				i32("NumPartitions"),
				i16("ReplicationFactor"),
				array("ReplicaAssignment",
					i32("Partition"),
					array("Replicas", i32(element)),
				),
				array("Configs",
					str("Name"),
					str("Value").null(0),
				),
			),
			i32("TimeoutMillis"),
			boolean("ValidateOnly"),
		}},
		{key: 20, name: "DeleteTopics", min: 1, max: 6, flexible: 4, body: fields{
			array("TopicNames", str(element)).until(5),
			array("Topics",
				str("Topic").null(0),
				uuid("TopicID"),
			).since(6),
			i32("TimeoutMillis"),
		}},
		{key: 37, name: "CreatePartitions", min: 0, max: 3, flexible: 2, body: fields{
			array("Topics",
				str("Topic"),
				i32("Count"),
				array("Assignment",
					array("Replicas", i32(element)),
				).null(0),
			),
			i32("TimeoutMillis"),
			boolean("ValidateOnly"),
		}},
	}
}
