package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says how much a finding weighs. The zero value is invalid.
type Severity uint8

// The severities, the lightest first.
const (
	Info Severity = iota + 1
	Low
	Medium
	High
	Critical
)

// ErrUnknownSeverity is wrapped by ParseSeverity's errors.
var ErrUnknownSeverity = errors.New("unknown severity")

// Severities are the words for the severities, the lightest first.
func Severities() []string { return []string{"info", "low", "medium", "high", "critical"} }

// ParseSeverity reads a word of Severities.
func ParseSeverity(word string) (Severity, error) {
	at := slices.Index(Severities(), word)
	if at < 0 {
		return 0, fmt.Errorf("%w %q; allowed are %s", ErrUnknownSeverity, word, strings.Join(Severities(), ", "))
	}
	return Severity(at + 1), nil //nolint:gosec // below len(Severities)
}

func (s Severity) String() string {
	if s < Info || s > Critical {
		return "invalid"
	}
	return Severities()[s-1]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	*s = parsed
	return err
}
