package group

import (
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// regexPause is the shortest time between two looks for the topics that a group's regular expressions match, but for a new one
// (Apache Kafka's REGEX_BATCH_REFRESH_MIN_INTERVAL_MS).
const regexPause = 10 * time.Second

// Matches are the topics that regular expressions match, as far as the member that asks may see them.
type Matches struct {
	// ByRegex has an entry for each that was looked for.
	ByRegex map[string][]string
}

// size is what the record of a regular expression would take.
func (x *Matches) size(pattern string) int {
	if x == nil {
		return 0
	}
	n := placeBytes + len(pattern)
	for _, name := range x.ByRegex[pattern] {
		n += 5 + len(name)
	}
	return n
}

// match takes in what regular expressions match. It reports whether one matches something else than before.
func (b *beating) match() (changed bool) {
	if b.q.Matches == nil {
		return false
	}
	g := b.g
	for _, pattern := range sortedKeys(b.q.Matches.ByRegex) {
		if g.patterns[pattern] == 0 || b.q.Matches.size(pattern) > b.m.cfg.MaxAppendBytes {
			continue
		}
		topics := distinctSorted(b.q.Matches.ByRegex[pattern])
		changed = changed || !slices.Equal(topics, g.resolved[pattern].Topics)
		g.resolved[pattern] = consumerlog.Regex{
			Topics: topics, Version: int64(b.q.Topics.Version()), Millis: b.m.now.UnixMilli(), //nolint:gosec // far below 2^63
		}
		b.records = append(b.records, g.regexRecord(pattern))
	}
	g.rights = b.q.Rights
	return changed
}

// due are the regular expressions of the group for which topics are to be looked for: one of them never was, the topics or the rules
// of who may see them have changed, or it was long ago.
func (g *modernGroup) due(m *Machine, rights uint64) []string {
	if len(g.patterns) == 0 || m.now.Before(g.asked.Add(regexPause)) {
		return nil
	}
	due := rights != g.rights
	for pattern := range g.patterns {
		x, resolved := g.resolved[pattern]
		old := m.now.Sub(time.UnixMilli(x.Millis)) > m.cfg.Consumer.RegexRefresh
		due = due || !resolved || x.Version != int64(m.topics.Version()) || old //nolint:gosec // far below 2^63
	}
	if !due {
		return nil
	}
	g.asked = m.now
	return sortedKeys(g.patterns)
}
