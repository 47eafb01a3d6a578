package wire

// configsSchemas are the requests about configuration and quotas, as the protocol guide gives them (kafka.apache.org/protocol).
func configsSchemas() []schema {
	return []schema{
		{key: 32, name: "DescribeConfigs", min: 1, max: 4, flexible: 4, body: fields{
			array("Resources",
				i8("ResourceType"),
				str("ResourceName"),
				array("ConfigNames", str(element)).null(0),
			),
			boolean("IncludeSynonyms"),
			boolean("IncludeDocumentation").since(3),
		}},
		{key: 33, name: "AlterConfigs", min: 0, max: 2, flexible: 2, body: fields{
			array("Resources",
				i8("ResourceType"),
				str("ResourceName"),
				array("Configs",
					str("Name"),
					str("Value").null(0),
				),
			),
			boolean("ValidateOnly"),
		}},
		{key: 44, name: "IncrementalAlterConfigs", min: 0, max: 1, flexible: 1, body: fields{
			array("Resources",
				i8("ResourceType"),
				str("ResourceName"),
				array("Configs",
					str("Name"),
					i8("Op"),
					str("Value").null(0),
				),
			),
			boolean("ValidateOnly"),
		}},
		{key: 48, name: "DescribeClientQuotas", min: 0, max: 1, flexible: 1, body: fields{
			array("Components",
				str("EntityType"),
				i8("MatchType"),
				str("Match").null(0),
			),
			boolean("Strict"),
		}},
		{key: 49, name: "AlterClientQuotas", min: 0, max: 1, flexible: 1, body: fields{
			array("Entries",
				array("Entity",
					str("Type"),
					str("Name").null(0),
				),
				array("Ops",
					str("Key"),
					f64("Value"),
					boolean("Remove"),
				),
			),
			boolean("ValidateOnly"),
		}},
		{key: 74, name: "ListConfigResources", min: 0, max: 1, flexible: 0, body: fields{
			array("ResourceTypes", i8(element)).since(1),
		}},
	}
}
