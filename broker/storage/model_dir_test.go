package storage

import "sync/atomic"

// modelDir is a log directory of a model.
type modelDir struct {
	path string
	d    *Directory // nil if it could not be opened
	// killed says that the last life ended without a power loss, and that no sync of this directory had failed.
	killed bool
	// failed says that a call failed: nothing more is asked of the directory in this life.
	failed bool
	// deleted has the logs that are deleted; true once a crash must not bring them back.
	deleted map[TopicID]bool
	// crowded says that the cache has asked for a checkpoint.
	crowded atomic.Bool
}

// up says whether the directory is still of use in this life.
func (h *modelDir) up() bool { return h.d != nil && !h.failed && h.d.Err() == nil }

// up are the directories that are still of use.
func (m *model) up() (list []*modelDir) {
	for _, h := range m.dirs {
		if h.up() {
			list = append(list, h)
		}
	}
	return list
}

// mark is what is durable after a flush.
type mark struct{ end, start int64 }

// ends is where the logs of a directory end and start.
func (m *model) ends(h *modelDir) map[*modelLog]mark {
	ends := map[*modelLog]mark{}
	for _, l := range m.logs {
		if l.log != nil && l.home == h {
			ends[l] = mark{l.log.EndOffset(), l.log.StartOffset()}
		}
	}
	return ends
}

// noteDurable takes note of a flush of a directory that ended well.
func (m *model) noteDurable(h *modelDir, ends map[*modelLog]mark) {
	for l, e := range ends {
		if l.alternative == nil && l.home == h {
			l.confirmed, l.durable = max(l.confirmed, e.end), max(l.durable, e.end)
			l.minStart, l.durableStart = max(l.minStart, e.start), max(l.durableStart, e.start)
		}
	}
	for id := range h.deleted {
		h.deleted[id] = true
	}
}
