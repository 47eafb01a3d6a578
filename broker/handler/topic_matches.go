package handler

import (
	"sync"
	"time"

	"github.com/chronik-stream/chronik/broker/evict"
	"github.com/chronik-stream/chronik/broker/meta"
)

// maxMatchBytes bounds what is remembered of searches for topics.
const maxMatchBytes = 16 << 20

// TopicMatches remembers which topics regular expressions match. All members of a group bring the same one, each of them again and again.
type TopicMatches struct {
	order evict.Set[topicSearch]

	mu    sync.Mutex
	found map[topicSearch]*topicMatch
}

// topicSearch is one regular expression against the topics as they were at one moment; what is older is looked up no more, and goes.
type topicSearch struct {
	topics  uint64
	pattern string
}

type topicMatch struct {
	names []string
	used  evict.Mark
}

// NewTopicMatches remembers nothing yet.
func NewTopicMatches() (*TopicMatches, error) {
	m := &TopicMatches{found: map[topicSearch]*topicMatch{}}
	var err error
	m.order, err = evict.New(evict.Config{Policy: evict.LRU, Max: maxMatchBytes, Clock: time.Now}, func(s topicSearch, _ evict.Reason) {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.found, s)
	})
	return m, err
}

// match is what matchTopics returns, which is not to be changed. A search that failed is begun anew the next time: there may be more time.
func (m *TopicMatches) match(image *meta.Image, pattern string, end time.Time) ([]string, error) {
	search := topicSearch{image.TopicsIndex(), pattern}
	if known := m.known(search); known != nil {
		m.order.Touch(search, &known.used)
		return known.names, nil
	}
	names, err := matchTopics(image, pattern, end)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.found[search] = &topicMatch{names: names}
	m.mu.Unlock()
	m.order.Add(search, search.size(names))
	return names, nil
}

func (m *TopicMatches) known(s topicSearch) *topicMatch {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.found[s]
}

// size is about what the search and its outcome take in memory. The names themselves are the image's.
func (s topicSearch) size(names []string) int64 {
	const fixed, perName = 200, 16
	return int64(fixed + len(s.pattern) + perName*len(names))
}
