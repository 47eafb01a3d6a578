package wire

// transactionsSchemas are the requests of transactional producers, and about them, as the protocol guide gives them
// (kafka.apache.org/protocol).
func transactionsSchemas() []schema {
	return []schema{
		{key: 24, name: "AddPartitionsToTxn", min: 0, max: 5, flexible: 3, body: fields{
			str("TransactionalID").until(3),
			i64("ProducerID").until(3),
			i16("ProducerEpoch").until(3),
			array("Topics", partitionsOfTopic()...).until(3),
			array("Transactions",
				str("TransactionalID"),
				i64("ProducerID"),
				i16("ProducerEpoch"),
				boolean("VerifyOnly"),
				array("Topics", partitionsOfTopic()...),
			).since(4),
		}},
		{key: 25, name: "AddOffsetsToTxn", min: 0, max: 4, flexible: 3, body: fields{
			str("TransactionalID"),
			i64("ProducerID"),
			i16("ProducerEpoch"),
			str("Group"),
		}},
		{key: 26, name: "EndTxn", min: 0, max: 5, flexible: 3, body: fields{
			str("TransactionalID"),
			i64("ProducerID"),
			i16("ProducerEpoch"),
			boolean("Commit"),
		}},
		{key: 27, name: "WriteTxnMarkers", min: 1, max: 2, flexible: 1, body: fields{
			array("Markers",
				i64("ProducerID"),
				i16("ProducerEpoch"),
				boolean("Committed"),
				array("Topics", partitionsOfTopic()...),
				i32("CoordinatorEpoch"),
				i8("TransactionVersion").since(2),
			),
		}},
		{key: 28, name: "TxnOffsetCommit", min: 0, max: 5, flexible: 3, body: fields{
			str("TransactionalID"),
			str("Group"),
			i64("ProducerID"),
			i16("ProducerEpoch"),
			i32("Generation").since(3),
			str("MemberID").since(3),
			str("InstanceID").null(0).since(3),
			array("Topics",
				str("Topic"),
				array("Partitions",
					i32("Partition"),
					i64("Offset"),
					i32("LeaderEpoch").since(2),
					str("Metadata").null(0),
				),
			),
		}},
		{key: 61, name: "DescribeProducers", min: 0, max: 0, flexible: 0, body: fields{
			array("Topics", partitionsOfTopic()...),
		}},
		{key: 65, name: "DescribeTransactions", min: 0, max: 0, flexible: 0, body: fields{
			array("TransactionalIDs", str(element)),
		}},
		{key: 66, name: "ListTransactions", min: 0, max: 2, flexible: 0, body: fields{
			array("StateFilters", str(element)),
			array("ProducerIDFilters", i64(element)),
			i64("DurationFilterMillis").since(1),
			str("TransactionalIDPattern").null(2).since(2),
		}},
	}
}

// partitionsOfTopic are the fields that name partitions of one topic.
func partitionsOfTopic() []field {
	return []field{str("Topic"), array("Partitions", i32(element))}
}
