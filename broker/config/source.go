package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"strings"

	"github.com/magiconair/properties"
)

// Origin says where a value comes from.
type Origin uint8

// The origins.
const (
	// Default values are the table's.
	Default Origin = iota + 1
	// Static values stand in a properties file or came from the program.
	Static
	// Environment values came from an environment variable.
	Environment
)

// maxFileBytes bounds a properties file: certificates and thousands of users fit.
const maxFileBytes = 8 << 20

// Source is one place that values come from.
type Source struct {
	name    string
	values  map[string]string
	environ bool
}

// FromFile reads a properties file.
func FromFile(path string) (Source, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return Source{}, fmt.Errorf("read configuration: %w", err)
	}
	defer func() { _ = f.Close() }()
	return FromProperties(path, f)
}

// FromProperties reads properties in Java's form, in UTF-8. Expressions such as ${env:NAME} are not expanded, as Apache Kafka
// does not without config.providers. name is for messages.
func FromProperties(name string, r io.Reader) (Source, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return Source{}, fmt.Errorf("read configuration %s: %w", name, err)
	}
	if len(text) > maxFileBytes {
		return Source{}, fmt.Errorf("%w: %s is larger than %d bytes", ErrInvalid, name, maxFileBytes)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(text)
	if err != nil {
		return Source{}, fmt.Errorf("%w: %s is no properties file: %w", ErrInvalid, name, err)
	}
	return Source{name: name, values: p.Map()}, nil
}

// FromMap takes values by key, as from a properties file. name is for messages.
func FromMap(name string, values map[string]string) Source {
	return Source{name: name, values: maps.Clone(values)}
}

// FromEnvironment takes the variables that start with CHRONIK_ from a list of NAME=value, as os.Environ gives it.
func FromEnvironment(environ []string) Source {
	s := Source{name: "the environment", values: map[string]string{}, environ: true}
	for _, entry := range environ {
		name, value, found := strings.Cut(entry, "=")
		if found && strings.HasPrefix(name, envPrefix) {
			s.values[name] = value
		}
	}
	return s
}
