package embedded

import (
	"bytes"

	"github.com/twmb/franz-go/pkg/kbin"
)

// reader reads the fields of a message until one is wrong; from then on it reads nothing.
type reader struct{ kbin.Reader }

// array calls read for each element of an array that may not be null.
func (r *reader) array(read func()) {
	n := r.ArrayLen()
	if n < 0 {
		r.Span(-1) // fails
	}
	for ; n > 0 && r.Ok(); n-- {
		read()
	}
}

func (r *reader) strings() (out []string) {
	r.array(func() { out = append(out, r.String()) })
	return out
}

func (r *reader) int32s() (out []int32) {
	r.array(func() { out = append(out, r.Int32()) })
	return out
}

func (r *reader) topicPartitions() (out []TopicPartitions) {
	r.array(func() { out = append(out, TopicPartitions{r.String(), r.int32s()}) })
	return out
}

func (r *reader) userData() []byte { return bytes.Clone(r.NullableBytes()) }
