package config

// groupKeys are the keys of groups and their offsets.
func groupKeys() []Key {
	return []Key{
		{Name: "group.initial.rebalance.delay.ms", Type: Int, Default: "3000", Check: atLeast(0), Effect: ActedOn, Doc: "How long a new group waits for more members before its first rebalance, in milliseconds."},
		{Name: "group.min.session.timeout.ms", Type: Int, Default: "6000", Check: atLeast(1), Effect: ActedOn, Doc: "Shortest session time-out that a group's member may ask for, in milliseconds."},
		{Name: "group.max.session.timeout.ms", Type: Int, Default: "1800000", Check: atLeast(1), Effect: ActedOn, Doc: "Longest session time-out that a group's member may ask for, in milliseconds."},
		{Name: "group.max.size", Type: Int, Default: "2147483647", Check: atLeast(1), Effect: ActedOn, Doc: "Most members of one group."},
		{Name: "group.coordinator.rebalance.protocols", Type: List, Default: "classic,consumer,streams", Check: eachOf("consumer", "classic", "share", "streams"), Effect: ActedOn, Doc: "Protocols of groups that are served. The classic one always is; share and streams are not yet."},
		{Name: "group.coordinator.threads", Type: Int, Default: "4", Check: atLeast(1), Effect: Ignored, Doc: "Threads of the group coordinator. Each of its partitions has a goroutine."},
		{Name: "group.coordinator.background.threads", Type: Int, Default: "2", Check: atLeast(1), Effect: Ignored, Doc: "Threads for the group coordinator's chores."},
		{Name: "group.coordinator.append.linger.ms", Type: Int, Default: "-1", Check: atLeast(-1), Effect: Ignored, Doc: "How long writes of the group coordinator wait for more. The journal gathers them."},
		{Name: "group.coordinator.cached.buffer.max.bytes", Type: Int, Default: "1048588", Check: atLeast(524288), Effect: Ignored, Doc: "Largest buffer that the group coordinator keeps."},
		{Name: "offset.metadata.max.bytes", Type: Int, Default: "4096", Check: atLeast(0), Effect: ActedOn, Doc: "Longest metadata with a committed offset."},
		{Name: "offsets.retention.minutes", Type: Int, Default: "10080", Check: atLeast(1), Effect: ActedOn, Doc: "How long offsets outlive their group, in minutes."},
		{Name: "offsets.retention.check.interval.ms", Type: Long, Default: "600000", Check: atLeast(1), Effect: ActedOn, Doc: "How often expired offsets are looked for, in milliseconds."},
		{Name: "offsets.commit.timeout.ms", Type: Int, Default: "5000", Check: atLeast(1), Effect: ActedOn, Doc: "How long a commit of offsets waits until it is durable, in milliseconds; then clients are told to try again (COORDINATOR_NOT_AVAILABLE)."},
		{Name: "offsets.load.buffer.size", Type: Int, Default: "5242880", Check: atLeast(1), Effect: Ignored, Doc: "Size of reads while offsets are loaded, in bytes."},
		{Name: "offsets.topic.compression.codec", Type: Int, Default: "0", Effect: Ignored, Doc: "Compression of __consumer_offsets. Its batches are not compressed."},
		{Name: "offsets.topic.num.partitions", Type: Int, Default: "50", Check: atLeast(1), Effect: ActedOn, Doc: "Partitions of __consumer_offsets, when it is created."},
		{Name: "offsets.topic.replication.factor", Type: Short, Default: "3", Check: atLeast(1), Effect: ActedOn, Doc: "Replicas of __consumer_offsets; while there are fewer brokers, as many as there are."},
		{Name: "offsets.topic.segment.bytes", Type: Int, Default: "104857600", Check: atLeast(1), Effect: ActedOn, Doc: "Size of the segments of __consumer_offsets, in bytes."},
		{Name: "group.consumer.assignment.interval.ms", Type: Int, Default: "1000", Check: atLeast(0), Update: ClusterWide, Effect: ActedOn, Doc: "Shortest time between two assignments of a consumer group, in milliseconds."},
		{Name: "group.consumer.assignors", Type: List, Default: "uniform,range", Effect: ActedOn, Doc: "Assignors of consumer groups."},
		{Name: "group.consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Effect: ActedOn, Doc: "Heartbeat interval of members of consumer groups, in milliseconds."},
		{Name: "group.consumer.max.assignment.interval.ms", Type: Int, Default: "15000", Check: atLeast(0), Effect: ActedOn, Doc: "Upper bound of a group's consumer.assignment.interval.ms."},
		{Name: "group.consumer.max.heartbeat.interval.ms", Type: Int, Default: "15000", Check: atLeast(1), Effect: ActedOn, Doc: "Upper bound of a group's consumer.heartbeat.interval.ms."},
		{Name: "group.consumer.max.session.timeout.ms", Type: Int, Default: "60000", Check: atLeast(1), Effect: ActedOn, Doc: "Upper bound of a group's consumer.session.timeout.ms."},
		{Name: "group.consumer.max.size", Type: Int, Default: "2147483647", Check: atLeast(1), Effect: ActedOn, Doc: "Most members of one consumer group."},
		{Name: "group.consumer.migration.policy", Type: String, Default: "bidirectional", Check: anyCase("DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"), Effect: ActedOn, Doc: "Whether a classic group becomes a consumer group when a member of that protocol joins (upgrade), and a classic one when the last of them leaves (downgrade)."},
		{Name: "group.consumer.min.assignment.interval.ms", Type: Int, Default: "0", Check: atLeast(0), Effect: ActedOn, Doc: "Lower bound of a group's consumer.assignment.interval.ms."},
		{Name: "group.consumer.min.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Effect: ActedOn, Doc: "Lower bound of a group's consumer.heartbeat.interval.ms."},
		{Name: "group.consumer.min.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Effect: ActedOn, Doc: "Lower bound of a group's consumer.session.timeout.ms."},
		{Name: "group.consumer.regex.refresh.interval.ms", Type: Int, Default: "600000", Check: atLeast(10000), Internal: true, Effect: ActedOn, Doc: "How often subscriptions by pattern are resolved again, in milliseconds."},
		{Name: "group.consumer.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Effect: ActedOn, Doc: "Time without a heartbeat after which a member of a consumer group is removed, in milliseconds."},
	}
}
