package wire

// offsetsSchemas are the requests about the offsets of consumer groups, as the protocol guide gives them (kafka.apache.org/protocol).
func offsetsSchemas() []schema {
	return []schema{
		{key: 8, name: "OffsetCommit", min: 2, max: 10, flexible: 8, body: fields{
			str("Group"),
			i32("Generation"),
			str("MemberID"),
			i64("RetentionTimeMillis").until(4),
			str("InstanceID").null(0).since(7),
			array("Topics",
				str("Topic").until(9),
				uuid("TopicID").since(10),
				array("Partitions",
					i32("Partition"),
					i64("Offset"),
					i32("LeaderEpoch").since(6),
					str("Metadata").null(0),
				),
			),
		}},
		{key: 9, name: "OffsetFetch", min: 1, max: 10, flexible: 6, body: fields{
			str("Group").until(7),
			array("Topics",
				str("Topic"),
				array("Partitions", i32(element)),
			).null(2).until(7),
			array("Groups",
				str("Group"),
				str("MemberID").null(0).since(9),
				i32("MemberEpoch").since(9),
				array("Topics",
					str("Topic").until(9),
					uuid("TopicID").since(10),
					array("Partitions", i32(element)),
				).null(0),
			).since(8),
			boolean("RequireStable").since(7),
		}},
		{key: 47, name: "OffsetDelete", min: 0, max: 0, flexible: never, body: fields{
			str("Group"),
			array("Topics",
				str("Topic"),
				array("Partitions",
					i32("Partition"),
				),
			),
		}},
	}
}
