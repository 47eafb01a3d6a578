package config

import (
	"fmt"
	"slices"
	"strings"
)

// listenerPrefix begins keys that are for one listener (KIP-103): listener.name.<listener in lower case>.<key>.
const listenerPrefix = "listener.name."

// superUsers is the one key whose values for a listener come beside the general ones: they hold for who came in by it.
const superUsers = "super.users"

const jaasSuffix = ".sasl.jaas.config"

func listenerKey(listener, key string) string {
	return listenerPrefix + strings.ToLower(listener) + "." + key
}

// mechanismKeys are the keys that may be set for one mechanism, by the names that begin with it (KIP-85): its log-in module, how long
// its sessions last (KIP-368) and, for OAUTHBEARER, its settings.
func mechanismKeys(t *Table) map[string]*Key {
	out := map[string]*Key{}
	for _, m := range (mechanisms{}).served() {
		name := strings.ToLower(m) + jaasSuffix
		out[name] = jaasKey(name)
		name = strings.ToLower(m) + "." + maxReauth
		out[name] = t.broker[maxReauth].renamed(name)
	}
	prefix := strings.ToLower(oauthMechanism) + "."
	for name, k := range t.broker {
		if strings.HasPrefix(name, "sasl.oauthbearer.") || strings.HasPrefix(name, "chronik.sasl.oauthbearer.") {
			out[prefix+name] = k.renamed(prefix + name)
		}
	}
	out[prefix+callbackHandler] = callbackHandlerKey(prefix + callbackHandler)
	return out
}

// ofMechanism returns a listener's own value of a mechanism's key, the mechanism's, the listener's, or the general one.
func (c *Config) ofMechanism(listener, mechanism, key string) string {
	own := strings.ToLower(mechanism) + "." + key
	for _, name := range []string{listenerKey(listener, own), own} {
		if s, set := c.values[name]; set {
			return s.value
		}
	}
	return c.of(listener, key)
}

// listenerKeyNames are the keys that may be set for one listener.
func listenerKeyNames(t *Table) []string {
	out := []string{"sasl.enabled.mechanisms", maxReauth, superUsers}
	for name := range mechanismKeys(t) {
		out = append(out, name)
	}
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
func listenerKeyPrefixes() []string {
	return []string{"ssl.", "chronik.ssl.", "chronik.listener.", "sasl.kerberos.", "chronik.sasl.kerberos.", "sasl.oauthbearer.", "chronik.sasl.oauthbearer.", ldapPrefix}
}

func jaasKey(name string) *Key {
	return &Key{
		Name: name, Type: Password, Scope: BrokerScope, Null: true, Effect: ActedOn,
		Doc: "Log-in module of a SASL mechanism; for PLAIN its options user_NAME are the users, for GSSAPI keyTab and principal say what the broker is, for OAUTHBEARER ssl.truststore.* says whom the issuer's address is verified by.",
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
	if k := mechanismKeys(t)[key]; k != nil {
		return k.renamed(name), nil
	}
	if !slices.Contains(listenerKeyNames(t), key) {
		if t.broker[key] != nil {
			return nil, fmt.Errorf("%w: %s: %s can not be set for one listener", ErrInvalid, name, key)
		}
		return nil, &UnknownKeyError{Key: name, Nearest: listenerPrefix + listener + nearest(key, listenerKeyNames(t))}
	}
	return t.broker[key].renamed(name), nil
}
