// Package policies holds the policies in Rego that ship with the broker. Each is a package data.chronik.NAME that says what it denies, and is
// in force where the operator's own policy refers to it; see docs/policies.md.
package policies

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed *.rego
var files embed.FS

// Names are the names of the shipped policies.
func Names() ([]string, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("list the shipped policies: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, isPolicy := strings.CutSuffix(e.Name(), ".rego")
		if isPolicy && !strings.HasSuffix(name, "_test") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Source is the module of a shipped policy.
func Source(name string) (string, error) { return read(name + ".rego") }

// Tests is the module with the tests of a shipped policy.
func Tests(name string) (string, error) { return read(name + "_test.rego") }

func read(name string) (string, error) {
	b, err := fs.ReadFile(files, name)
	if err != nil {
		return "", fmt.Errorf("read a shipped policy: %w", err)
	}
	return string(b), nil
}
