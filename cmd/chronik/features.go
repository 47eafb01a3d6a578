package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/meta"
)

// featureLevels puts levels of the form NAME=LEVEL in the place of the default ones.
func featureLevels(defaults map[string]int16, given []string) (map[string]int16, error) {
	levels, named := map[string]int16{}, map[string]bool{}
	maps.Copy(levels, defaults)
	for _, text := range given {
		name, digits, found := strings.Cut(text, "=")
		name, digits = strings.TrimSpace(name), strings.TrimSpace(digits)
		level, err := strconv.ParseInt(digits, 10, 16)
		switch {
		case !found || err != nil:
			return nil, fmt.Errorf("the feature %q is not of the form NAME=LEVEL", text)
		case named[name]:
			return nil, fmt.Errorf("the feature %s is given more than once", name)
		}
		if err := checkLevel(name, level); err != nil {
			return nil, err
		}
		named[name], levels[name] = true, int16(level)
	}
	return levels, nil
}

func checkLevel(name string, level int64) error {
	var known []string
	for _, f := range meta.SupportedFeatures() {
		if f.Name == name && int64(f.Min) <= level && level <= int64(f.Max) {
			return nil
		}
		known = append(known, fmt.Sprintf("%s %d-%d", f.Name, f.Min, f.Max))
	}
	return fmt.Errorf("%s=%d is not supported; supported are %s", name, level, strings.Join(known, ", "))
}
