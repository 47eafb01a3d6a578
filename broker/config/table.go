package config

import (
	"fmt"
	"slices"
	"strings"
)

// Table is the set of known keys. It never changes.
type Table struct {
	broker, topic, group map[string]*Key
	ordered              []*Key
}

// NewTable returns the table of all keys.
func NewTable() *Table {
	t := &Table{broker: map[string]*Key{}, topic: map[string]*Key{}, group: map[string]*Key{}}
	for _, section := range sections() {
		t.add(section.scope, section.keys)
	}
	return t
}

type section struct {
	title string
	scope Scope
	keys  []Key
}

func sections() []section {
	return []section{
		{"The node", BrokerScope, quorumKeys()},
		{"Listeners, connections and requests", BrokerScope, listenerKeys()},
		{"TLS", BrokerScope, tlsKeys()},
		{"Certificates", BrokerScope, certificateKeys()},
		{"Requirements", BrokerScope, requirementKeys()},
		{"Log-ins and authorization", BrokerScope, saslKeys()},
		{"OAUTHBEARER", BrokerScope, oauthKeys()},
		{"Directories of users", BrokerScope, ldapKeys()},
		{"Delegation tokens", BrokerScope, tokenKeys()},
		{"Chronik's own", BrokerScope, chronikKeys()},
		{"Policies", BrokerScope, policyKeys()},
		{"Approvals", BrokerScope, approvalKeys()},
		{"Logs and the defaults of topics", BrokerScope, logKeys()},
		{"Groups and offsets", BrokerScope, groupKeys()},
		{"Streams groups (not served yet)", BrokerScope, streamsKeys()},
		{"Share groups (not served yet)", BrokerScope, shareKeys()},
		{"Transactions", BrokerScope, transactionKeys()},
		{"Replication", BrokerScope, replicationKeys()},
		{"Quotas", BrokerScope, quotaKeys()},
		{"Metrics", BrokerScope, metricKeys()},
		{"Tiered storage (does not exist here)", BrokerScope, tieredKeys()},
		{"Older releases of Apache Kafka", BrokerScope, removedKeys()},
		{"Topics", TopicScope, topicKeys()},
		{"Groups", GroupScope, groupResourceKeys()},
	}
}

func (t *Table) add(scope Scope, keys []Key) {
	for i := range keys {
		k := &keys[i]
		k.Scope = scope
		t.in(scope)[k.Name] = k
		t.ordered = append(t.ordered, k)
	}
}

func (t *Table) in(scope Scope) map[string]*Key {
	switch scope {
	case TopicScope:
		return t.topic
	case GroupScope:
		return t.group
	default:
		return t.broker
	}
}

// Key returns the row of a key, or nil.
func (t *Table) Key(scope Scope, name string) *Key { return t.in(scope)[name] }

// Names lists the keys of a scope by name, without internal ones.
func (t *Table) Names(scope Scope) []string {
	var out []string
	for name, k := range t.in(scope) {
		if !k.Internal {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// unknown makes the error for a key that is not in a scope.
func (t *Table) unknown(scope Scope, name string) error {
	return &UnknownKeyError{Key: name, Nearest: nearest(name, t.Names(scope))}
}

// nearest returns the name with the smallest edit distance, "" when it is more than a third of the word away.
func nearest(word string, names []string) string {
	best, found := max(2, len(word)/3)+1, ""
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < best {
			best, found = d, n
		}
	}
	return found
}

// distance is Levenshtein's edit distance, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// brokerSynonyms lists the keys that can give the value of a broker's key, the strongest first
// (DynamicBrokerConfig.brokerConfigSynonyms of Apache Kafka).
func brokerSynonyms(name string) []string {
	for _, family := range [][]string{
		{"log.roll.ms", "log.roll.hours"},
		{"log.roll.jitter.ms", "log.roll.jitter.hours"},
		{"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
	} {
		if slices.Contains(family, name) {
			return family
		}
	}
	return []string{name}
}

func refusal(k *Key, value string) error {
	return &ValueError{
		Key: k.Name, Value: value, Sensitive: k.Sensitive(),
		Problem: fmt.Sprintf("This key is not acted on here; only its default, %s, is allowed. %s", showDefault(k), k.Doc),
	}
}

func showDefault(k *Key) string {
	switch {
	case k.Null:
		return "unset"
	case k.Default == "":
		return "empty"
	default:
		return k.Default
	}
}
