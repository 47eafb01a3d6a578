package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Check says which values of a type are allowed. It gets canonical values of the key's type.
type Check interface {
	// problem is what is wrong with a value, "" for nothing; it says what is allowed.
	problem(value string) string
	// allowed describes the allowed values.
	allowed() string
}

type bounds struct {
	low, high int64
	bounded   bool
}

func atLeast(low int64) Check       { return bounds{low: low} }
func between(low, high int64) Check { return bounds{low: low, high: high, bounded: true} }

func (b bounds) problem(value string) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err != nil:
		return "Not a number"
	case n < b.low:
		return fmt.Sprintf("Value must be at least %d", b.low)
	case b.bounded && n > b.high:
		return fmt.Sprintf("Value must be no more than %d", b.high)
	default:
		return ""
	}
}

func (b bounds) allowed() string {
	if b.bounded {
		return fmt.Sprintf("%d to %d", b.low, b.high)
	}
	return fmt.Sprintf("at least %d", b.low)
}

// fraction bounds a number that is no integer.
type fractions struct{ low, high float64 }

func fraction(low, high float64) Check { return fractions{low, high} }

func (f fractions) problem(value string) string {
	n, err := strconv.ParseFloat(value, 64)
	switch {
	case err != nil:
		return "Not a number"
	case n < f.low:
		return fmt.Sprintf("Value must be at least %g", f.low)
	case n > f.high:
		return fmt.Sprintf("Value must be no more than %g", f.high)
	default:
		return ""
	}
}

func (f fractions) allowed() string { return fmt.Sprintf("%g to %g", f.low, f.high) }

// choice is a closed set of words: for the value, or for each element of a list.
type choice struct {
	words        []string
	list, anyCap bool
}

func oneOf(words ...string) Check   { return choice{words: words} }
func anyCase(words ...string) Check { return choice{words: words, anyCap: true} }
func eachOf(words ...string) Check  { return choice{words: words, list: true} }

func (c choice) problem(value string) string {
	values := []string{value}
	if c.list {
		values = SplitList(value)
	}
	for _, v := range values {
		if !slices.ContainsFunc(c.words, func(w string) bool { return w == v || c.anyCap && strings.EqualFold(w, v) }) {
			return "String must be one of: " + strings.Join(c.shown(), ", ")
		}
	}
	return ""
}

func (c choice) shown() []string {
	var out []string
	for _, w := range c.words {
		if w == "" {
			w = "(empty)"
		}
		out = append(out, w)
	}
	return out
}

func (c choice) allowed() string { return strings.Join(c.shown(), ", ") }

// gzipLevel is 1 to 9 or -1 (CompressionType.GZIP of Apache Kafka).
type gzipLevel struct{}

func (gzipLevel) problem(value string) string {
	if value == "-1" || len(value) == 1 && value >= "1" {
		return ""
	}
	return "Value must be between 1 and 9 or equal to -1"
}

func (gzipLevel) allowed() string { return "1 to 9, or -1" }

// mechanisms is the set of SASL mechanisms that are served.
type mechanisms struct{}

func (mechanisms) served() []string {
	return []string{"GSSAPI", "OAUTHBEARER", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
}

func (m mechanisms) problem(value string) string {
	list := SplitList(value)
	for i, v := range list {
		if !slices.Contains(m.served(), v) {
			return fmt.Sprintf("SASL mechanism %q is not served; allowed: %s", v, m.allowed())
		}
		if slices.Contains(list[:i], v) {
			return fmt.Sprintf("SASL mechanism %q stands twice", v)
		}
	}
	return ""
}

func (m mechanisms) allowed() string { return strings.Join(m.served(), ", ") }

// perAddress is max.connections.per.ip.overrides: address:number, separated by commas.
type perAddress struct{}

func (perAddress) problem(value string) string {
	if _, err := parsePerAddress(value); err != nil {
		return err.Error()
	}
	return ""
}

func (perAddress) allowed() string { return "address:number, separated by commas" }

func parsePerAddress(value string) (map[netip.Addr]int, error) {
	out := map[netip.Addr]int{}
	for _, part := range SplitList(value) {
		colon := strings.LastIndexByte(part, ':')
		if colon < 0 {
			return nil, fmt.Errorf("%w: %q is not address:number", ErrInvalid, part)
		}
		addr, err := netip.ParseAddr(strings.Trim(part[:colon], "[]"))
		if err != nil {
			return nil, fmt.Errorf("%w: %q is no IP address", ErrInvalid, part[:colon])
		}
		n, err := strconv.Atoi(part[colon+1:])
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%w: %q is no number of connections", ErrInvalid, part[colon+1:])
		}
		out[addr.Unmap()] = n
	}
	return out, nil
}

// principals is super.users: Type:name, separated by semicolons.
type principals struct{}

func (principals) problem(value string) string {
	for _, p := range splitPrincipals(value) {
		kind, name, found := strings.Cut(p, ":")
		if !found || kind == "" || name == "" {
			return fmt.Sprintf("%q is no principal; allowed: User:name, separated by semicolons", p)
		}
	}
	return ""
}

func (principals) allowed() string { return "User:name, separated by semicolons" }

func splitPrincipals(value string) []string {
	var out []string
	for part := range strings.SplitSeq(value, ";") {
		if p := strings.TrimSpace(part); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// hostPort is an address to listen on, or nothing.
type hostPort struct{}

func (hostPort) problem(value string) string {
	if value == "" {
		return ""
	}
	if _, _, err := splitHostPort(value); err != nil {
		return "It is not host:port"
	}
	return ""
}

func (hostPort) allowed() string { return "host:port, or empty" }
