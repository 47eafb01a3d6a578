package wire

// clusterSchemas are the requests about the cluster, and of the log-in, as the protocol guide gives them (kafka.apache.org/protocol).
func clusterSchemas() []schema {
	return []schema{
		{key: 3, name: "Metadata", min: 0, max: 13, flexible: 9, body: fields{
			array("Topics",
				uuid("TopicID").since(10),
				str("Topic").null(10),
			).null(1),
			boolean("AllowAutoTopicCreation").since(4),
			boolean("IncludeClusterAuthorizedOperations").only(8, 10),
			boolean("IncludeTopicAuthorizedOperations").since(8),
		}},
		{key: 17, name: "SASLHandshake", min: 0, max: 1, flexible: never, body: fields{
			str("Mechanism"),
		}},
		{key: 18, name: "ApiVersions", min: 0, max: 5, flexible: 3, body: fields{
			str("ClientSoftwareName").since(3),
			str("ClientSoftwareVersion").since(3),
			str("ClusterID").null(0).since(5),
			i32("NodeID").since(5),
		}},
		{key: 36, name: "SASLAuthenticate", min: 0, max: 2, flexible: 2, body: fields{
			blob("SASLAuthBytes"),
		}},
		{key: 60, name: "DescribeCluster", min: 0, max: 2, flexible: 0, body: fields{
			boolean("IncludeClusterAuthorizedOperations"),
			i8("EndpointType").since(1),
			boolean("IncludeFencedBrokers").since(2),
		}},
		{key: 75, name: "DescribeTopicPartitions", min: 0, max: 0, flexible: 0, body: fields{
			array("Topics",
				str("Topic"),
			),
			i32("ResponsePartitionLimit"),
			optional("Cursor",
				str("Topic"),
				i32("Partition"),
			),
		}},
	}
}
