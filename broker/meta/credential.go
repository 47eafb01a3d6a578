package meta

import (
	"fmt"
	"log/slog"
)

// ScramMechanism is a SCRAM mechanism with Apache Kafka's numbers (KIP-554).
type ScramMechanism uint8

// The mechanisms; zero is unknown.
const (
	UnknownScram ScramMechanism = iota
	ScramSHA256
	ScramSHA512
)

// String is the SASL name.
func (m ScramMechanism) String() string {
	switch m {
	case ScramSHA256:
		return "SCRAM-SHA-256"
	case ScramSHA512:
		return "SCRAM-SHA-512"
	default:
		return "UNKNOWN"
	}
}

// ScramCredential is what the server keeps of a password (RFC 5802, section 3). It prints without its secrets.
type ScramCredential struct {
	User       string         `json:"user"`
	Mechanism  ScramMechanism `json:"mechanism"`
	Salt       []byte         `json:"salt"`
	StoredKey  []byte         `json:"storedKey"`
	ServerKey  []byte         `json:"serverKey"`
	Iterations int            `json:"iterations"`
}

// Format prints the credential without salt and keys, whatever the verb.
func (c ScramCredential) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.redacted()) }

// LogValue logs the credential without salt and keys.
func (c ScramCredential) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

func (c ScramCredential) redacted() string {
	return fmt.Sprintf("%s of %s, %d iterations, keys hidden", c.Mechanism, c.User, c.Iterations)
}
