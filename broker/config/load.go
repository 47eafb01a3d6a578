package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Warning is something about a configuration that people should know; it does not stop a start.
type Warning struct {
	// Key is the key it is about.
	Key string
	// Text is a sentence that names the key.
	Text string
}

func (w Warning) String() string { return w.Text }

// setting is one value that was given.
type setting struct {
	value  string
	origin Origin
	key    *Key
}

// Load reads the sources, the later ones before the earlier ones, and checks all of it. The error joins everything that is
// wrong; each part names the key, the value unless it is sensitive, and what is allowed.
func Load(sources ...Source) (*Config, []Warning, error) {
	c := &Config{table: NewTable(), values: map[string]setting{}}
	l := &loader{config: c}
	l.read(sources)
	if len(l.errs) == 0 {
		l.views()
	}
	if err := errors.Join(l.errs...); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(l.warnings, func(a, b Warning) int { return strings.Compare(a.Key, b.Key) })
	return c, l.warnings, nil
}

// loader gathers what is wrong while a configuration is read.
type loader struct {
	config   *Config
	warnings []Warning
	errs     []error
}

func (l *loader) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
}

func (l *loader) warn(key, format string, args ...any) {
	l.warnings = append(l.warnings, Warning{Key: key, Text: fmt.Sprintf(format, args...)})
}

// read fills the values. Listener names have to be known before the keys that hold one.
func (l *loader) read(sources []Source) {
	names := l.listenerNames(sources)
	env := newEnvironment(l.config.table, names)
	for _, s := range sources {
		values, origin := s.values, Static
		if s.environ {
			var errs []error
			values, errs = env.keys(s.values)
			l.errs = append(l.errs, errs...)
			origin = Environment
		}
		l.supersede(values)
		for _, name := range slices.Sorted(maps.Keys(values)) {
			l.set(s.name, name, values[name], origin, names)
		}
	}
	l.effects()
}

// supersede drops what a source before said in other words: log.retention.hours from the environment goes before
// log.retention.ms from the file, though within one source it is the other way round.
func (l *loader) supersede(values map[string]string) {
	for _, forms := range alternatives() {
		for i, form := range forms {
			if !slices.ContainsFunc(form, func(name string) bool { _, set := values[name]; return set }) {
				continue
			}
			for j, other := range forms {
				if i == j {
					continue
				}
				for _, name := range other {
					delete(l.config.values, name)
				}
			}
		}
	}
}

// alternatives are the forms in which one thing can be said, each with the keys that it takes.
func alternatives() [][][]string {
	return [][][]string{
		{{"log.dirs"}, {"log.dir"}},
		{{"node.id"}, {"broker.id"}},
		{{"log.retention.ms"}, {"log.retention.minutes"}, {"log.retention.hours"}},
		{{"log.roll.ms"}, {"log.roll.hours"}},
		{{"log.roll.jitter.ms"}, {"log.roll.jitter.hours"}},
		{{"ssl.keystore.location"}, {"ssl.keystore.key", "ssl.keystore.certificate.chain"}, {"chronik.tls.cert", "chronik.tls.key"}},
		{{"ssl.truststore.location"}, {"ssl.truststore.certificates"}, {"chronik.tls.ca"}},
		{{"inter.broker.listener.name"}, {"security.inter.broker.protocol"}},
	}
}

// listenerNames looks up listeners, in whatever source it stands, before all else.
func (l *loader) listenerNames(sources []Source) []string {
	text := l.config.table.broker["listeners"].Default
	for _, s := range sources {
		name := "listeners"
		if s.environ {
			name = EnvironmentName(name)
		}
		if v, set := s.values[name]; set {
			text = v
		}
	}
	var names []string
	for _, part := range SplitList(text) {
		if name, _, found := strings.Cut(part, "://"); found {
			names = append(names, strings.ToUpper(name))
		}
	}
	// The names that the default and chronik.tls.enabled give.
	return append(names, "SASL_SSL", "SASL_PLAINTEXT", "SSL", "PLAINTEXT")
}

func (l *loader) set(source, name, text string, origin Origin, listeners []string) {
	k, err := l.lookup(name, listeners)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", source, err))
		return
	}
	value, err := k.Parse(text)
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("%s: %w", source, err))
		return
	}
	l.config.values[name] = setting{value: value, origin: origin, key: k}
}

// lookup finds the row for a name as it may stand in a properties file.
func (l *loader) lookup(name string, listeners []string) (*Key, error) {
	t := l.config.table
	if k := t.broker[name]; k != nil {
		return k, nil
	}
	if k := mechanismKeys(t)[name]; k != nil {
		return k, nil
	}
	if strings.HasPrefix(name, "rsm.config.") || strings.HasPrefix(name, "rlmm.config.") {
		return &Key{Name: name, Type: Password, Null: true, Effect: Ignored, Doc: "Setting of a plugin for tiered storage. There is none."}, nil
	}
	if rest, isListener := strings.CutPrefix(name, listenerPrefix); isListener {
		return lookupListenerKey(t, name, rest, listeners)
	}
	return nil, t.unknown(BrokerScope, name)
}

// effects refuses and warns.
func (l *loader) effects() {
	for _, name := range slices.Sorted(maps.Keys(l.config.values)) {
		s := l.config.values[name]
		switch {
		case s.key.Effect == Refused && !s.key.isDefault(s.value):
			l.errs = append(l.errs, refusal(s.key, s.value))
		case s.key.Effect == Ignored:
			l.warn(name, "%s has no effect here: %s", name, s.key.Doc)
		}
	}
}
