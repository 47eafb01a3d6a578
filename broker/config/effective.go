package config

import "slices"

// ValueSource is where an effective value comes from, with the numbers of DescribeConfigs (DescribeConfigsResponse.ConfigSource
// of Apache Kafka).
type ValueSource int8

// The sources.
const (
	DynamicTopic         ValueSource = 1
	DynamicBroker        ValueSource = 2
	DynamicDefaultBroker ValueSource = 3
	StaticBroker         ValueSource = 4
	DefaultConfig        ValueSource = 5
	DynamicBrokerLogger  ValueSource = 6
	DynamicGroup         ValueSource = 8
)

// Dynamic is what was changed at run time and holds for this broker.
type Dynamic struct {
	// Broker is this broker's own, Default is that of all brokers.
	Broker, Default map[string]string
}

// Synonym is one place that a value could come from.
type Synonym struct {
	Name string
	// Value is not meant for clients where the key is sensitive.
	Value  string
	Source ValueSource
}

// Effective is a key's value in force and where it comes from.
type Effective struct {
	Key *Key
	// Value is in its canonical form; Null says that there is none.
	Value string
	Null  bool
	// Source is that of the strongest synonym, else DefaultConfig.
	Source ValueSource
	// Synonyms are in the order of strength, as ConfigHelper of Apache Kafka lists them.
	Synonyms []Synonym
}

// Broker returns the effective value of a broker's key, or of a name for one listener that was given. ok is false for an unknown one.
func (c *Config) Broker(name string, d Dynamic) (Effective, bool) {
	k := c.table.broker[name]
	if s, set := c.values[name]; k == nil && set {
		k = s.key
	}
	if k == nil {
		return Effective{}, false
	}
	e := Effective{Key: k, Source: DefaultConfig, Null: k.Null, Value: k.Default, Synonyms: c.synonyms(name, d)}
	if len(e.Synonyms) == 0 {
		return e, true
	}
	e.Source = e.Synonyms[0].Source
	if first := e.Synonyms[0]; first.Name == name {
		e.Value, e.Null = first.Value, false
	}
	return e, true
}

// synonyms lists all places of a key and its weaker forms, from the first that has the key's own name on.
func (c *Config) synonyms(name string, d Dynamic) []Synonym {
	var all []Synonym
	family := brokerSynonyms(name)
	add := func(source ValueSource, get func(string) (string, bool)) {
		for _, n := range family {
			if v, set := get(n); set {
				all = append(all, Synonym{Name: n, Value: v, Source: source})
			}
		}
	}
	add(DynamicBroker, func(n string) (string, bool) { v, set := d.Broker[n]; return v, set })
	add(DynamicDefaultBroker, func(n string) (string, bool) { v, set := d.Default[n]; return v, set })
	add(StaticBroker, c.static)
	add(DefaultConfig, func(n string) (string, bool) {
		if k := c.table.broker[n]; k != nil && !k.Null {
			return k.Default, true
		}
		return "", false
	})
	first := slices.IndexFunc(all, func(s Synonym) bool { return s.Name == name })
	if first < 0 {
		return nil
	}
	return all[first:]
}

// static is what was given for a key. The id counts under both of its names, as in Apache Kafka.
func (c *Config) static(name string) (string, bool) {
	if s, set := c.values[name]; set {
		return s.value, true
	}
	other := map[string]string{"node.id": "broker.id", "broker.id": "node.id"}[name]
	if s, set := c.values[other]; set {
		return s.value, true
	}
	return "", false
}

// Resource returns the effective value of a topic's or a group's key, of which explicit is what is set for it. ok is false for an
// unknown key.
func (c *Config) Resource(scope Scope, name string, explicit map[string]string, d Dynamic) (Effective, bool) {
	k := c.table.Key(scope, name)
	if k == nil || scope == BrokerScope {
		return Effective{}, false
	}
	e := Effective{Key: k, Source: DefaultConfig, Value: k.Default, Null: k.Null}
	if k.Broker != "" && c.follows(k) {
		e.Value = c.brokerDefault(k, d)
		e.Synonyms = c.synonyms(k.Broker, d)
	} else if b := c.table.broker[k.Broker]; b != nil && !b.Null {
		e.Synonyms = []Synonym{{Name: k.Broker, Value: k.Default, Source: DefaultConfig}}
	} else if scope == GroupScope && k.Broker == "" && !k.Null {
		e.Synonyms = []Synonym{{Name: name, Value: k.Default, Source: DefaultConfig}}
	}
	if v, set := explicit[name]; set {
		source := DynamicTopic
		if scope == GroupScope {
			source = DynamicGroup
		}
		e.Value, e.Null = v, false
		e.Synonyms = append([]Synonym{{Name: name, Value: v, Source: source}}, e.Synonyms...)
	}
	if len(e.Synonyms) > 0 {
		e.Source = e.Synonyms[0].Source
	}
	return e, true
}

// follows reports whether a key takes its default from the broker: one that is not acted on has its own default alone.
func (c *Config) follows(k *Key) bool {
	b := c.table.broker[k.Broker]
	return b != nil && b.Effect == ActedOn && k.Effect == ActedOn
}

// brokerDefault is the strongest value of the broker's keys, brought to the unit of the topic's key.
func (c *Config) brokerDefault(k *Key, d Dynamic) string {
	for _, get := range []func(string) (string, bool){
		func(n string) (string, bool) { v, set := d.Broker[n]; return v, set },
		func(n string) (string, bool) { v, set := d.Default[n]; return v, set },
		c.static,
	} {
		for _, n := range brokerSynonyms(k.Broker) {
			if v, set := get(n); set {
				return inMillis(n, v)
			}
		}
	}
	return k.Default
}
