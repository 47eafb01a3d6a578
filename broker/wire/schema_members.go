package wire

// membersSchemas are the requests of members of consumer groups, as the protocol guide gives them (kafka.apache.org/protocol).
func membersSchemas() []schema {
	return []schema{
		{key: 10, name: "FindCoordinator", min: 0, max: 6, flexible: 3, body: fields{
			str("CoordinatorKey").until(3),
			i8("CoordinatorType").since(1),
			array("CoordinatorKeys", str(element)).since(4),
		}},
		{key: 11, name: "JoinGroup", min: 0, max: 9, flexible: 6, body: fields{
			str("Group"),
			i32("SessionTimeoutMillis"),
			i32("RebalanceTimeoutMillis").since(1),
			str("MemberID"),
			str("InstanceID").null(0).since(5),
			str("ProtocolType"),
			array("Protocols",
				str("Name"),
				blob("Metadata"),
			),
			str("Reason").null(0).since(8),
		}},
		{key: 12, name: "Heartbeat", min: 0, max: 4, flexible: 4, body: fields{
			str("Group"),
			i32("Generation"),
			str("MemberID"),
			str("InstanceID").null(0).since(3),
		}},
		{key: 13, name: "LeaveGroup", min: 0, max: 5, flexible: 4, body: fields{
			str("Group"),
			str("MemberID").until(2),
			array("Members",
				str("MemberID"),
				str("InstanceID").null(0),
				str("Reason").null(0).since(5),
			).since(3),
		}},
		{key: 14, name: "SyncGroup", min: 0, max: 5, flexible: 4, body: fields{
			str("Group"),
			i32("Generation"),
			str("MemberID"),
			str("InstanceID").null(0).since(3),
			str("ProtocolType").null(0).since(5),
			str("Protocol").null(0).since(5),
			array("GroupAssignment",
				str("MemberID"),
				blob("MemberAssignment"),
			),
		}},
	}
}
