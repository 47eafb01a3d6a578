package wire

// featuresSchemas are the requests about the features of the cluster, as the protocol guide gives them (kafka.apache.org/protocol).
func featuresSchemas() []schema {
	return []schema{
		{key: 57, name: "UpdateFeatures", min: 0, max: 2, flexible: 0, body: fields{
			i32("TimeoutMillis"),
			array("FeatureUpdates",
				str("Feature"),
				i16("MaxVersionLevel"),
				boolean("AllowDowngrade").until(0),
				i8("UpgradeType").since(1),
			),
			boolean("ValidateOnly").since(1),
		}},
	}
}
