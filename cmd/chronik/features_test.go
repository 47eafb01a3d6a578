package main

import (
	"maps"
	"strings"
	"testing"
)

func TestFeaturesToBeginWith(t *testing.T) {
	defaults := map[string]int16{"group.version": 1}
	levels, err := featureLevels(defaults, []string{" transaction.version = 1 ", "group.version=0"})
	if want := map[string]int16{"group.version": 0, "transaction.version": 1}; err != nil || !maps.Equal(levels, want) || defaults["group.version"] != 1 {
		t.Errorf("levels %v, %v; the defaults are %v", levels, err, defaults)
	}
	for text, want := range map[string]string{
		"transaction.version=3":   "transaction.version 0-2",
		"transaction.version=-1":  "not supported",
		"transaction.versions=1":  "not supported",
		"transaction.version":     "NAME=LEVEL",
		"transaction.version=top": "NAME=LEVEL",
		"group.version=1":         "more than once",
	} {
		if _, err := featureLevels(nil, []string{"group.version=0", text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFormatRefusesAnUnknownFeature(t *testing.T) {
	config := properties(t)
	if _, err := runCommand(t, "", "format", "--config", config, "--feature", "metadata.version=1"); err == nil || !strings.Contains(err.Error(), "metadata.version") {
		t.Errorf("an unknown feature: %v", err)
	}
	if out, err := runCommand(t, "", "format", "--config", config, "--feature", "transaction.version=2"); err != nil || !strings.Contains(out, "Formatted") {
		t.Errorf("a known feature: %q, %v", out, err)
	}
}
