package wire

// securitySchemas are the requests about ACLs, credentials and delegation tokens, as the protocol guide gives them (kafka.apache.org/protocol).
func securitySchemas() []schema {
	return []schema{
		{key: 29, name: "DescribeACLs", min: 1, max: 3, flexible: 2, body: fields{
			i8("ResourceType"),
			str("ResourceName").null(0),
			i8("ResourcePatternType"),
			str("Principal").null(0),
			str("Host").null(0),
			i8("Operation"),
			i8("PermissionType"),
		}},
		{key: 30, name: "CreateACLs", min: 1, max: 3, flexible: 2, body: fields{
			array("Creations",
				i8("ResourceType"),
				str("ResourceName"),
				i8("ResourcePatternType"),
				str("Principal"),
				str("Host"),
				i8("Operation"),
				i8("PermissionType"),
			),
		}},
		{key: 31, name: "DeleteACLs", min: 1, max: 3, flexible: 2, body: fields{
			array("Filters",
				i8("ResourceType"),
				str("ResourceName").null(0),
				i8("ResourcePatternType"),
				str("Principal").null(0),
				str("Host").null(0),
				i8("Operation"),
				i8("PermissionType"),
			),
		}},
		{key: 38, name: "CreateDelegationToken", min: 1, max: 3, flexible: 2, body: fields{
			str("OwnerPrincipalType").null(3).since(3),
			str("OwnerPrincipalName").null(3).since(3),
			array("Renewers",
				str("PrincipalType"),
				str("PrincipalName"),
			),
			i64("MaxLifetimeMillis"),
		}},
		{key: 39, name: "RenewDelegationToken", min: 1, max: 2, flexible: 2, body: fields{
			blob("HMAC"),
			i64("RenewTimeMillis"),
		}},
		{key: 40, name: "ExpireDelegationToken", min: 1, max: 2, flexible: 2, body: fields{
			blob("HMAC"),
			i64("ExpiryPeriodMillis"),
		}},
		{key: 41, name: "DescribeDelegationToken", min: 1, max: 3, flexible: 2, body: fields{
			array("Owners",
				str("PrincipalType"),
				str("PrincipalName"),
			).null(0),
		}},
		{key: 50, name: "DescribeUserSCRAMCredentials", min: 0, max: 0, flexible: 0, body: fields{
			array("Users",
				str("Name"),
			).null(0),
		}},
		{key: 51, name: "AlterUserSCRAMCredentials", min: 0, max: 0, flexible: 0, body: fields{
			array("Deletions",
				str("Name"),
				i8("Mechanism"),
			),
			array("Upsertions",
				str("Name"),
				i8("Mechanism"),
				i32("Iterations"),
				blob("Salt"),
				blob("SaltedPassword"),
			),
		}},
	}
}
