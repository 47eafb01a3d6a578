package assign

// TopicID is a topic's id.
type TopicID = [16]byte

// Assignment is the partitions of one member by topic. The partitions of a topic are in ascending order, and there are no topics
// without partitions.
type Assignment map[TopicID][]int32

// Member is what an assignor has to know of a member.
type Member struct {
	// ID is no other member's.
	ID string
	// Instance is nil for members that are not static.
	Instance *string
	// Topics are the subscribed topics that exist, by name or by regular expression. Repetitions do not count.
	Topics []TopicID
	// Owned is the member's part of the target assignment so far, or that of the member whose place it takes. What it has that the
	// member may not have any more, or that another member has too, is passed over.
	Owned Assignment
}

// Topics are the topics that exist.
type Topics interface {
	// Partitions returns how many partitions the topic has.
	Partitions(topic TopicID) (count int32, exists bool)
}

// Assignor returns the assignment of each member, by its id: every partition of every subscribed topic is one member's, and that
// member subscribes to the topic. Its error says that a member subscribes to a topic that does not exist.
type Assignor func(members []Member, topics Topics) (map[string]Assignment, error)

// Names of the assignors, as in group.consumer.assignors and in a heartbeat's ServerAssignor.
const (
	RangeName   = "range"
	UniformName = "uniform"
)

// ByName returns the assignor of that name.
func ByName(name string) (Assignor, bool) {
	switch name {
	case RangeName:
		return Range, true
	case UniformName:
		return Uniform, true
	default:
		return nil, false
	}
}
