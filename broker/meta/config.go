package meta

// ConfigType is the kind of thing that has a configuration, with the numbers of Apache Kafka's ConfigResource.
type ConfigType int8

// The kinds; zero is unknown.
const (
	TopicConfig  ConfigType = 2
	BrokerConfig ConfigType = 4
	GroupConfig  ConfigType = 32
	// UserConfig is Chronik's own: what is said of a principal, which is named in the form Type:name.
	UserConfig ConfigType = 100
)

// String is Apache Kafka's name.
func (t ConfigType) String() string {
	switch t {
	case TopicConfig:
		return "TOPIC"
	case BrokerConfig:
		return "BROKER"
	case GroupConfig:
		return "GROUP"
	case UserConfig:
		return "USER"
	default:
		return "UNKNOWN"
	}
}

// ResourceKey names one configured thing. The cluster-wide default of brokers has the empty name.
type ResourceKey struct {
	Type ConfigType `json:"type"`
	Name string     `json:"name"`
}

func (k ResourceKey) bytes() []byte { return append(k.Type.prefix(), k.Name...) }

func (t ConfigType) prefix() []byte { return []byte{byte(t)} } //nolint:gosec // the kinds are positive
