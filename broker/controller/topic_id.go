package controller

import (
	"crypto/rand"

	"github.com/chronik-stream/chronik/broker/meta"
)

// NewTopicID draws a random id. As in Apache Kafka it is none of the reserved ones (the first hundred), and its text does not
// begin with '-', which command lines would take for an option.
func NewTopicID() meta.TopicID {
	for {
		var id meta.TopicID
		_, _ = rand.Read(id[:]) // never fails
		if id.String()[0] != '-' && !reserved(id) {
			return id
		}
	}
}

func reserved(id meta.TopicID) bool {
	for _, b := range id[:15] {
		if b != 0 {
			return false
		}
	}
	return id[15] < 100
}
