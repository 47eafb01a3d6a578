package config

// Scope says what a key configures.
type Scope uint8

// The scopes.
const (
	// BrokerScope keys stand in the properties file (Apache Kafka's KafkaConfig).
	BrokerScope Scope = iota + 1
	// TopicScope keys belong to one topic (LogConfig).
	TopicScope
	// GroupScope keys belong to one group (GroupConfig).
	GroupScope
)

// Effect says what comes of setting a key.
type Effect uint8

// The effects.
const (
	// ActedOn keys do what they say.
	ActedOn Effect = iota + 1
	// Ignored keys are accepted with one warning: they have no meaning here, or none yet.
	Ignored
	// Refused keys may stand there with their default only: to go on without what they ask for would be a loss.
	Refused
)

// Update says when a change of a broker's key takes effect (DynamicBrokerConfig of Apache Kafka).
type Update uint8

// The update modes.
const (
	// ReadOnly keys need a restart.
	ReadOnly Update = iota
	// ClusterWide keys may be changed at run time, for one broker or as the default of all.
	ClusterWide
)

// Key is one row of the table.
type Key struct {
	Name  string
	Type  Type
	Scope Scope
	// Default is the value where none is given; Null says that there is none.
	Default string
	Null    bool
	// Check says which values of the type are allowed; nil means all.
	Check Check
	// Broker names the broker's key that gives the default of a topic's or group's key.
	Broker string
	// Internal keys are known but not shown to clients: those that Apache Kafka hides, and those of its older releases.
	Internal bool
	Update   Update
	Effect   Effect
	// Doc is one or more sentences for docs/configuration.md and DescribeConfigs.
	Doc string
}

// renamed is the row under another name, such as that for one listener.
func (k *Key) renamed(name string) *Key {
	row := *k
	row.Name = name
	return &row
}

// Sensitive reports whether the value must never be shown.
func (k *Key) Sensitive() bool { return k.Type == Password }

// Parse brings a value into its canonical form: trimmed, lists without blanks, booleans in lower case. The error is a
// *ValueError.
func (k *Key) Parse(text string) (string, error) {
	value, problem := k.Type.parse(text)
	if problem == "" && k.Check != nil {
		problem = k.Check.problem(value)
	}
	if problem == "" {
		return value, nil
	}
	return "", &ValueError{Key: k.Name, Value: text, Sensitive: k.Sensitive(), Problem: problem}
}

// allowed describes the allowed values for people.
func (k *Key) allowed() string {
	if k.Check == nil {
		return ""
	}
	return k.Check.allowed()
}

// isDefault reports whether a canonical value is the key's default.
func (k *Key) isDefault(value string) bool {
	if k.Null {
		return value == ""
	}
	return value == k.Default
}
