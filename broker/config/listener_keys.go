package config

import (
	"fmt"
	"slices"
	"strings"
)

// listenerPrefix begins keys that are for one listener (KIP-103): listener.name.<listener in lower case>.<key>.
const listenerPrefix = "listener.name."

const jaasSuffix = ".sasl.jaas.config"

func listenerKey(listener, key string) string {
	return listenerPrefix + strings.ToLower(listener) + "." + key
}

// mechanismKeyNames are the keys that hold a mechanism's log-in module (KIP-85).
func mechanismKeyNames() []string {
	var out []string
	for _, m := range (mechanisms{}).served() {
		out = append(out, strings.ToLower(m)+jaasSuffix)
	}
	return out
}

// listenerKeyNames are the keys that may be set for one listener.
func listenerKeyNames(t *Table) []string {
	out := append(mechanismKeyNames(), "sasl.enabled.mechanisms")
	for name := range t.broker {
		isPerListener := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if slices.ContainsFunc(listenerKeyPrefixes(), isPerListener) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// listenerKeyPrefixes begin the keys that may be set for one listener.
func listenerKeyPrefixes() []string { return []string{"ssl.", "chronik.ssl.", "sasl.kerberos."} }

func jaasKey(name string) *Key {
	return &Key{
		Name: name, Type: Password, Scope: BrokerScope, Null: true, Effect: ActedOn,
		Doc: "Log-in module of a SASL mechanism; for PLAIN its options user_NAME are the users, for GSSAPI keyTab and principal say what the broker is.",
	}
}

// lookupListenerKey finds the row of listener.name.<rest>. Names of listeners may hold dots, so the longest that fits counts.
func lookupListenerKey(t *Table, name, rest string, listeners []string) (*Key, error) {
	listener := ""
	for _, l := range listeners {
		if l = strings.ToLower(l) + "."; strings.HasPrefix(rest, l) && len(l) > len(listener) {
			listener = l
		}
	}
	if listener == "" {
		return nil, fmt.Errorf("%w: %s names no listener; listeners are %s", ErrInvalid, name, strings.ToLower(strings.Join(listeners, ", ")))
	}
	key := strings.TrimPrefix(rest, listener)
	if slices.Contains(mechanismKeyNames(), key) {
		return jaasKey(name), nil
	}
	if !slices.Contains(listenerKeyNames(t), key) {
		if t.broker[key] != nil {
			return nil, fmt.Errorf("%w: %s: %s can not be set for one listener", ErrInvalid, name, key)
		}
		return nil, &UnknownKeyError{Key: name, Nearest: listenerPrefix + listener + nearest(key, listenerKeyNames(t))}
	}
	row := *t.broker[key]
	row.Name = name
	return &row, nil
}
