package config

// groupResourceKeys are the keys of single groups.
func groupResourceKeys() []Key {
	return []Key{
		{Name: "consumer.assignment.interval.ms", Type: Int, Default: "1000", Check: atLeast(0), Broker: "group.consumer.assignment.interval.ms", Effect: ActedOn, Doc: "Shortest time between two assignments of the group, in milliseconds."},
		{Name: "consumer.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Broker: "group.consumer.heartbeat.interval.ms", Effect: ActedOn, Doc: "Heartbeat interval of the group's members, in milliseconds."},
		{Name: "consumer.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Broker: "group.consumer.session.timeout.ms", Effect: ActedOn, Doc: "Time without a heartbeat after which a member is removed, in milliseconds."},
		{Name: "share.assignment.interval.ms", Type: Int, Default: "1000", Check: atLeast(0), Broker: "group.share.assignment.interval.ms", Effect: Refused, Doc: "Shortest time between two assignments of the share group, in milliseconds."},
		{Name: "share.auto.offset.reset", Type: String, Default: "latest", Effect: Refused, Doc: "Where a share group begins."},
		{Name: "share.delivery.count.limit", Type: Int, Default: "5", Check: atLeast(2), Broker: "group.share.delivery.count.limit", Effect: Refused, Doc: "How often a record is delivered to the share group at most."},
		{Name: "share.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Broker: "group.share.heartbeat.interval.ms", Effect: Refused, Doc: "Heartbeat interval of the share group's members, in milliseconds."},
		{Name: "share.isolation.level", Type: String, Default: "read_uncommitted", Check: oneOf("read_committed", "read_uncommitted"), Effect: Refused, Doc: "Whether the share group sees records of open transactions."},
		{Name: "share.partition.max.record.locks", Type: Int, Default: "2000", Check: atLeast(100), Broker: "group.share.partition.max.record.locks", Effect: Refused, Doc: "Most records of a partition that the share group holds locked."},
		{Name: "share.record.lock.duration.ms", Type: Int, Default: "30000", Check: atLeast(1000), Broker: "group.share.record.lock.duration.ms", Effect: Refused, Doc: "How long a member holds a record, in milliseconds."},
		{Name: "share.renew.acknowledge.enable", Type: Boolean, Default: "true", Effect: Refused, Doc: "Whether members may renew their hold of a record."},
		{Name: "share.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Broker: "group.share.session.timeout.ms", Effect: Refused, Doc: "Time without a heartbeat after which a member of the share group is removed, in milliseconds."},
		{Name: "streams.assignment.interval.ms", Type: Int, Default: "1000", Check: atLeast(0), Broker: "group.streams.assignment.interval.ms", Effect: Refused, Doc: "Shortest time between two assignments of the streams group, in milliseconds."},
		{Name: "streams.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Broker: "group.streams.heartbeat.interval.ms", Effect: Refused, Doc: "Heartbeat interval of the streams group's members, in milliseconds."},
		{Name: "streams.initial.rebalance.delay.ms", Type: Int, Default: "3000", Check: atLeast(0), Broker: "group.streams.initial.rebalance.delay.ms", Effect: Refused, Doc: "How long the new streams group waits for more members, in milliseconds."},
		{Name: "streams.num.standby.replicas", Type: Int, Default: "0", Check: atLeast(0), Broker: "group.streams.num.standby.replicas", Effect: Refused, Doc: "Standby copies of each task of the streams group."},
		{Name: "streams.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Broker: "group.streams.session.timeout.ms", Effect: Refused, Doc: "Time without a heartbeat after which a member of the streams group is removed, in milliseconds."},
	}
}
