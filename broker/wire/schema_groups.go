package wire

// groupsSchemas are the requests about consumer groups, as the protocol guide gives them (kafka.apache.org/protocol).
func groupsSchemas() []schema {
	return []schema{
		{key: 15, name: "DescribeGroups", min: 0, max: 6, flexible: 5, body: fields{
			array("Groups", str(element)),
			boolean("IncludeAuthorizedOperations").since(3),
		}},
		{key: 16, name: "ListGroups", min: 0, max: 5, flexible: 3, body: fields{
			array("StatesFilter", str(element)).since(4),
			array("TypesFilter", str(element)).since(5),
		}},
		{key: 42, name: "DeleteGroups", min: 0, max: 3, flexible: 2, body: fields{
			array("Groups", str(element)),
		}},
	}
}
