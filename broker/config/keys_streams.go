package config

// streamsKeys are the keys of streams groups, which are not served yet.
func streamsKeys() []Key {
	return []Key{
		{Name: "group.streams.assignment.interval.ms", Type: Int, Default: "1000", Check: atLeast(0), Effect: Ignored, Doc: "Shortest time between two assignments of a streams group, in milliseconds."},
		{Name: "group.streams.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Effect: Ignored, Doc: "Heartbeat interval of members of streams groups, in milliseconds."},
		{Name: "group.streams.initial.rebalance.delay.ms", Type: Int, Default: "3000", Check: atLeast(0), Effect: Ignored, Doc: "How long a new streams group waits for more members, in milliseconds."},
		{Name: "group.streams.max.assignment.interval.ms", Type: Int, Default: "15000", Check: atLeast(0), Effect: Ignored, Doc: "Upper bound of a group's streams.assignment.interval.ms."},
		{Name: "group.streams.max.heartbeat.interval.ms", Type: Int, Default: "15000", Check: atLeast(1), Effect: Ignored, Doc: "Upper bound of a group's streams.heartbeat.interval.ms."},
		{Name: "group.streams.max.session.timeout.ms", Type: Int, Default: "60000", Check: atLeast(1), Effect: Ignored, Doc: "Upper bound of a group's streams.session.timeout.ms."},
		{Name: "group.streams.max.size", Type: Int, Default: "2147483647", Check: atLeast(1), Effect: Ignored, Doc: "Most members of one streams group."},
		{Name: "group.streams.max.standby.replicas", Type: Int, Default: "2", Check: atLeast(0), Effect: Ignored, Doc: "Upper bound of a group's streams.num.standby.replicas."},
		{Name: "group.streams.min.assignment.interval.ms", Type: Int, Default: "0", Check: atLeast(0), Effect: Ignored, Doc: "Lower bound of a group's streams.assignment.interval.ms."},
		{Name: "group.streams.min.heartbeat.interval.ms", Type: Int, Default: "5000", Check: atLeast(1), Effect: Ignored, Doc: "Lower bound of a group's streams.heartbeat.interval.ms."},
		{Name: "group.streams.min.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Effect: Ignored, Doc: "Lower bound of a group's streams.session.timeout.ms."},
		{Name: "group.streams.num.standby.replicas", Type: Int, Default: "0", Check: atLeast(0), Effect: Ignored, Doc: "Standby copies of each task of a streams group."},
		{Name: "group.streams.session.timeout.ms", Type: Int, Default: "45000", Check: atLeast(1), Effect: Ignored, Doc: "Time without a heartbeat after which a member of a streams group is removed, in milliseconds."},
	}
}
