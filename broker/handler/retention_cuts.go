package handler

import (
	"strconv"
	"strings"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
)

// watch notes what a change does to the time and the amount that records are kept, where to cut that takes two persons.
func (s *Configs) watch(img *meta.Image, change *meta.ResourceChange) {
	var before, after config.TopicSettings
	switch change.Key.Type {
	case meta.TopicConfig:
		explicit := img.Config(change.Key)
		before, after = s.Config.Topic(explicit, s.dynamic(img)), s.Config.Topic(change.On(explicit), s.dynamic(img))
	case meta.BrokerConfig:
		before, after = s.defaultsAround(img, change)
	default:
		return
	}
	node := s.nodeName()
	change.Watched = &meta.Watched{Sight: img.ConfigSight(change.Key, node), Node: node}
	change.Watched.Before, change.Watched.After = cuts(&before, &after)
}

// defaultsAround is what is in force for topics that say nothing themselves, before and after a change of one broker or of the default of
// all. The default is looked at as brokers have it that say nothing themselves.
func (s *Configs) defaultsAround(img *meta.Image, change *meta.ResourceChange) (before, after config.TopicSettings) {
	old, next := s.dynamic(img), s.dynamic(img)
	if change.Key.Name == "" {
		old.Broker, next.Broker = nil, nil
		next.Default = change.On(old.Default)
	} else {
		next.Broker = change.On(old.Broker)
	}
	return s.Config.Topic(nil, old), s.Config.Topic(nil, next)
}

// cuts is what of the retention becomes less: a shorter time, a smaller size, or a clean-up that there was not, since compaction removes
// records too.
func cuts(before, after *config.TopicSettings) (from, to map[string]string) {
	from, to = map[string]string{}, map[string]string{}
	bound := func(name string, old, next int64) {
		if next >= 0 && (old < 0 || next < old) {
			from[name], to[name] = strconv.FormatInt(old, 10), strconv.FormatInt(next, 10)
		}
	}
	bound("retention.ms", before.RetentionMs, after.RetentionMs)
	bound("retention.bytes", before.RetentionBytes, after.RetentionBytes)
	if after.Delete && !before.Delete || after.Compact && !before.Compact {
		from["cleanup.policy"], to["cleanup.policy"] = cleanup(before), cleanup(after)
	}
	return from, to
}

func cleanup(s *config.TopicSettings) string {
	var parts []string
	if s.Compact {
		parts = append(parts, "compact")
	}
	if s.Delete {
		parts = append(parts, "delete")
	}
	return strings.Join(parts, ",")
}
