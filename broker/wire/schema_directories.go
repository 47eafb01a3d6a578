package wire

// directoriesSchemas are the requests about log directories, as the protocol guide gives them (kafka.apache.org/protocol).
func directoriesSchemas() []schema {
	return []schema{
		{key: 34, name: "AlterReplicaLogDirs", min: 1, max: 2, flexible: 2, body: fields{
			array("Dirs",
				str("Dir"),
				array("Topics",
					str("Topic"),
					array("Partitions", i32(element)),
				),
			),
		}},
		{key: 35, name: "DescribeLogDirs", min: 1, max: 5, flexible: 2, body: fields{
			array("Topics",
				str("Topic"),
				array("Partitions", i32(element)),
			).null(0),
		}},
	}
}
