package config

import "fmt"

// tokenKeys are the keys of delegation tokens (KIP-48).
func tokenKeys() []Key {
	return []Key{
		{Name: "delegation.token.secret.key", Type: Password, Null: true, Check: tokenSecret{}, Effect: ActedOn, Doc: "Secret that delegation tokens are derived from, the same on all brokers. Unset means that there are none. A change makes all tokens void. Whoever has a token can try secrets on it, so it should be random."},
		{Name: "delegation.token.expiry.check.interval.ms", Type: Long, Default: "3600000", Check: atLeast(1), Effect: ActedOn, Doc: "How often expired delegation tokens are removed, in milliseconds. They are of no use to anybody before that: their sessions end when they expire."},
		{Name: "delegation.token.expiry.time.ms", Type: Long, Default: "86400000", Check: atLeast(1), Effect: ActedOn, Doc: "How long a delegation token lives before it has to be renewed, in milliseconds."},
		{Name: "delegation.token.max.lifetime.ms", Type: Long, Default: "604800000", Check: atLeast(1), Effect: ActedOn, Doc: "How long a delegation token lives at most, however often it is renewed, in milliseconds."},
	}
}

// minTokenSecret is the least length of the secret in bytes, 128 bits.
const minTokenSecret = 16

// tokenSecret refuses secrets that are guessed too easily. Its words never hold one.
type tokenSecret struct{}

func (tokenSecret) problem(value string) string {
	if value == "" || len(value) >= minTokenSecret {
		return ""
	}
	return "The secret is too short: it has to have " + tokenSecret{}.allowed()
}

func (tokenSecret) allowed() string { return fmt.Sprintf("at least %d bytes", minTokenSecret) }
