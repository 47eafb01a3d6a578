package config

import (
	"strconv"
	"time"
)

// Config is a checked configuration. It never changes.
type Config struct {
	table  *Table
	values map[string]setting

	// Node is who this broker is.
	Node Node
	// Listeners are opened for clients, in the order of listeners. ControllerListeners are recognised and not opened: a single
	// node is its own controller.
	Listeners           []Listener
	ControllerListeners []Listener
	Security            Security
	Policies            Policies
	Approvals           Approvals
	Storage             Storage
	Cleaner             Cleaner
	Limits              Limits
	Tokens              Tokens
	Quotas              Quotas
	Groups              Groups
	// OffsetsTopic says how __consumer_offsets is made.
	OffsetsTopic InternalTopic
	Transactions Transactions
	// TransactionTopic says how __transaction_state is made.
	TransactionTopic InternalTopic
	// HTTPListen is where metrics and health are served, host:port; "" means nowhere.
	HTTPListen string
	// LogFormat is text or json, LogLevel is debug, info, warn or error.
	LogFormat, LogLevel string
	// ShutdownTimeout bounds the time that requests may take to end at a shutdown.
	ShutdownTimeout time.Duration
}

// Table returns the table of keys.
func (c *Config) Table() *Table { return c.table }

// Value returns the value of a broker's key in its canonical form, and where it comes from. It knows no synonyms. ok is false
// where the key has neither a value nor a default. Values of sensitive keys are returned like others.
func (c *Config) Value(name string) (value string, origin Origin, ok bool) {
	if s, set := c.values[name]; set {
		return s.value, s.origin, true
	}
	k := c.table.broker[name]
	if k == nil || k.Null {
		return "", Default, false
	}
	return k.Default, Default, true
}

// Explicit lists the names that were given, in no order, those for single listeners included.
func (c *Config) Explicit(yield func(name string, sensitive bool) bool) {
	for name, s := range c.values {
		if !yield(name, s.key.Sensitive()) {
			return
		}
	}
}

func (c *Config) isSet(name string) bool {
	_, set := c.values[name]
	return set
}

func (c *Config) text(name string) string {
	value, _, _ := c.Value(name)
	return value
}

func (c *Config) boolean(name string) bool { return c.text(name) == "true" }

// long returns a number; values were parsed when they were read.
func (c *Config) long(name string) int64 {
	n, err := strconv.ParseInt(c.text(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// double returns a number with a fraction; values were parsed when they were read.
func (c *Config) double(name string) float64 {
	n, err := strconv.ParseFloat(c.text(name), 64)
	if err != nil {
		return 0
	}
	return n
}

func (c *Config) millis(name string) time.Duration { return millis(c.long(name)) }

// millis turns milliseconds into a duration, the longest one where there is none so long.
func millis(ms int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(max(-most, min(most, ms))) * time.Millisecond
}
