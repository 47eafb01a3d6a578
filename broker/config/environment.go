package config

import (
	"fmt"
	"slices"
	"strings"
)

const (
	envPrefix = "CHRONIK_"
	ownPrefix = "chronik."
	// superUsersShort is the original system's short form of super.users: names separated by commas.
	superUsersShort = envPrefix + "SUPERUSERS"
)

// EnvironmentName is the variable that sets a key: CHRONIK_ and the key in upper case with _ for what is no letter or digit. A
// key that starts with chronik. is not doubled.
func EnvironmentName(key string) string {
	key = strings.TrimPrefix(key, ownPrefix)
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

// environment turns variables into keys.
type environment struct{ byName map[string]string }

// newEnvironment knows all keys of brokers, and those of the named listeners.
func newEnvironment(t *Table, listeners []string) environment {
	e := environment{byName: map[string]string{}}
	add := func(key string) { e.byName[EnvironmentName(key)] = key }
	for _, listener := range listeners {
		for _, key := range listenerKeyNames(t) {
			add(listenerKey(listener, key))
		}
	}
	for key := range mechanismKeys(t) {
		add(key)
	}
	for key := range t.broker {
		add(key)
	}
	return e
}

// keys returns the values by key, and an error for each variable that is unknown.
func (e environment) keys(variables map[string]string) (map[string]string, []error) {
	values := map[string]string{}
	var errs []error
	for name, value := range variables {
		key, known := e.byName[name]
		switch {
		case known:
			values[key] = value
		case name == superUsersShort:
			if _, full := variables[EnvironmentName("super.users")]; !full {
				values["super.users"] = usersOf(value)
			}
		case !fromKubernetes(name, value):
			errs = append(errs, e.unknown(name))
		}
	}
	return values, errs
}

func (e environment) unknown(name string) error {
	names := []string{superUsersShort}
	for n := range e.byName {
		names = append(names, n)
	}
	slices.Sort(names)
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("%w: unknown environment variable %s; the nearest known one is %s", ErrInvalid, name, near)
	}
	return fmt.Errorf("%w: unknown environment variable %s", ErrInvalid, name)
}

// fromKubernetes reports whether Kubernetes injects such a variable for a Service named chronik or chronik-something.
func fromKubernetes(name, value string) bool {
	rest := strings.TrimPrefix(name, envPrefix)
	return strings.HasPrefix(rest, "PORT") || strings.HasPrefix(rest, "SERVICE_") || strings.Contains(rest, "_SERVICE_") ||
		strings.HasSuffix(rest, "_PORT") && strings.Contains(value, "://") || strings.Contains(rest, "_PORT_") && strings.Contains(rest, "_TCP")
}

// usersOf reads principals separated by commas or semicolons; one without a type is a user.
func usersOf(value string) string {
	var out []string
	for _, p := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' }) {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		if !strings.Contains(p, ":") {
			p = "User:" + p
		}
		out = append(out, p)
	}
	return strings.Join(out, ";")
}
