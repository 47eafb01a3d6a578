package group

// TopicState is a topic as it is.
type TopicState struct {
	TopicRef
	Partitions int32
}

// Topics are the topics of the cluster at one moment. They never change; newer ones have a greater Version.
type Topics interface {
	ByName(name string) (t TopicState, exists bool)
	ByID(id [16]byte) (t TopicState, exists bool)
	// Version grows whenever a topic is created, deleted or changed; it is never 0.
	Version() uint64
}

// learn takes in the topics that a request was made with.
func (m *Machine) learn(t Topics) {
	if m.topics == nil || t.Version() > m.topics.Version() {
		m.topics = t
	}
}
