package config

// removedKeys are the keys of older releases of Apache Kafka.
func removedKeys() []Key {
	return []Key{
		{Name: "zookeeper.connect", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Address of ZooKeeper. There is none."},
		{Name: "zookeeper.connection.timeout.ms", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Time-out of the connection to ZooKeeper. There is none."},
		{Name: "zookeeper.session.timeout.ms", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Time-out of the session at ZooKeeper. There is none."},
		{Name: "zookeeper.max.in.flight.requests", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Requests to ZooKeeper at once. There is none."},
		{Name: "inter.broker.protocol.version", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Version that brokers of different ages use among themselves."},
		{Name: "log.message.format.version", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Format of stored records. It is version 2."},
		{Name: "log.message.downconversion.enable", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Whether records are turned into formats before version 2. They are not."},
		{Name: "log.message.timestamp.difference.max.ms", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Older form of log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms."},
		{Name: "broker.id.generation.enable", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Whether a broker takes its id from ZooKeeper."},
		{Name: "reserved.broker.max.id", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Largest id that ZooKeeper does not give away."},
		{Name: "control.plane.listener.name", Type: String, Null: true, Internal: true, Effect: Ignored, Doc: "Listener for a controller that uses ZooKeeper."},
	}
}
