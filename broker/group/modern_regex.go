package group

import (
	"cmp"
	"slices"
	"time"

	"github.com/chronik-stream/chronik/broker/group/consumerlog"
)

// regexPause is the shortest time between two looks for the topics that a group's regular expressions match, but for a new one
// (Apache Kafka's REGEX_BATCH_REFRESH_MIN_INTERVAL_MS).
const regexPause = 10 * time.Second

// maxDueRegexes is for how many of a group's regular expressions one heartbeat is to look: each is compared with every topic's name. The
// others have their turn with a later one.
const maxDueRegexes = 32

// lookup is how a regular expression was last looked for.
type lookup struct {
	// asked is when that was asked for; zero where a member has brought the expression itself.
	asked time.Time
	// rights is what was said of the rights of the member for which it was.
	rights uint64
}

// Matches are the topics that regular expressions match, as far as the member that asks may see them.
type Matches struct {
	// ByRegex has an entry for each that was looked for.
	ByRegex map[string][]string
}

// size is what the record of a regular expression would take.
func (x *Matches) size(groupID, pattern string) int {
	if x == nil {
		return 0
	}
	n := placeBytes + len(groupID) + len(pattern)
	for _, name := range x.ByRegex[pattern] {
		n += 5 + len(name)
	}
	return n
}

// match takes in what regular expressions match, but for one that a member brings and another has brought before, which may see other
// topics. It reports whether one matches something else than before.
func (b *beating) match() (changed bool) {
	if b.q.Matches == nil {
		return false
	}
	g := b.g
	for _, pattern := range sortedKeys(b.q.Matches.ByRegex) {
		if g.patterns[pattern] == 0 || b.q.Matches.size(g.id, pattern) > b.m.cfg.MaxAppendBytes || !g.stale(b.m, pattern, b.q.Rights) {
			continue
		}
		topics := distinctSorted(b.q.Matches.ByRegex[pattern])
		changed = changed || !slices.Equal(topics, g.resolved[pattern].Topics)
		g.resolved[pattern] = consumerlog.Regex{
			Topics: topics, Version: int64(b.q.Topics.Version()), Millis: b.m.now.UnixMilli(), //nolint:gosec // far below 2^63
		}
		g.lookups[pattern] = lookup{g.lookups[pattern].asked, b.q.Rights}
		b.records = append(b.records, g.regexRecord(pattern))
	}
	return changed
}

// stale reports whether topics are to be looked for anew: they never were, the topics or the rules of who may see them have changed, or
// it was long ago.
func (g *modernGroup) stale(m *Machine, pattern string, rights uint64) bool {
	x, resolved := g.resolved[pattern]
	return !resolved || rights != g.lookups[pattern].rights ||
		x.Version != int64(m.topics.Version()) || //nolint:gosec // far below 2^63
		m.now.Sub(time.UnixMilli(x.Millis)) > m.cfg.Consumer.RegexRefresh
}

// due are the regular expressions of the group for which topics are to be looked for, those first that were not asked for the longest.
func (g *modernGroup) due(m *Machine, rights uint64) []string {
	if m.now.Before(g.asked.Add(regexPause)) {
		return nil
	}
	var due []string
	for pattern := range g.patterns {
		if g.stale(m, pattern, rights) {
			due = append(due, pattern)
		}
	}
	if len(due) == 0 {
		return nil
	}
	slices.SortFunc(due, func(a, b string) int {
		return cmp.Or(g.lookups[a].asked.Compare(g.lookups[b].asked), cmp.Compare(a, b))
	})
	due = due[:min(len(due), maxDueRegexes)]
	g.asked = m.now
	for _, pattern := range due {
		g.lookups[pattern] = lookup{m.now, g.lookups[pattern].rights}
	}
	return due
}
