package wire

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// decodeCost is how many bytes decoding allocates, by the runtime's own count.
func decodeCost(s *schema, version int16, body []byte) (allocated uint64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	request, _, err := DecodeBody(s.key, version, body, &testBounds)
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(request)
	return after.TotalAlloc - before.TotalAlloc, err
}

// most is what a body may allocate: the budget, twice for the rounding of the allocator, the text itself, an error's text.
func most(body []byte) uint64 { return uint64(2*testBounds.budget(len(body)) + 2*len(body) + 64<<10) }

// TestDenseBodies fills a body with the smallest possible elements of every array of every request.
func TestDenseBodies(t *testing.T) {
	const bodyLen = 64 << 10
	eachVersion(t, func(t *testing.T, s *schema, version int16) {
		flexible := version >= s.flexible
		for _, fillByte := range []byte{0, 1, 2, 3, 0xff} {
			for _, at := range arrayOffsets(s, version) {
				body := make([]byte, bodyLen)
				for i := range body {
					body[i] = fillByte
				}
				copy(body, at)
				body = body[:bodyLen]
				claim := claimAll(len(body)-len(at), flexible)
				copy(body[len(at):], claim)
				allocated, _ := decodeCost(s, version, body)
				if allocated > most(body) {
					t.Errorf("a body of %d bytes %#x allocated %d", len(body), fillByte, allocated)
				}
			}
		}
	})
}

// arrayOffsets returns the valid bytes before each top-level array of a request: all fields before it empty.
func arrayOffsets(s *schema, version int16) [][]byte {
	var before []byte
	var at [][]byte
	flexible := version >= s.flexible
	for i := range s.body {
		f := &s.body[i]
		if !f.in(version) || f.tag != untagged {
			continue
		}
		switch f.kind {
		case fixedKind:
			before = append(before, make([]byte, f.bytes)...)
		case optionalKind:
			before = append(before, 0xff)
		default:
			if f.kind == arrayKind {
				at = append(at, append([]byte(nil), before...))
			}
			before = append(before, empty(f, flexible)...)
		}
	}
	return at
}

func empty(f *field, flexible bool) []byte {
	switch {
	case flexible:
		return []byte{1}
	case f.kind == stringKind:
		return []byte{0, 0}
	default:
		return []byte{0, 0, 0, 0}
	}
}

func claimAll(n int, flexible bool) []byte {
	if flexible {
		return binary.AppendUvarint(nil, uint64(n/2))
	}
	return binary.BigEndian.AppendUint32(nil, uint32(n/4))
}

func TestHostileCountsAreRefusedBeforeAllocation(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *schema, version int16) {
		flexible := version >= s.flexible
		for _, claim := range []uint32{1 << 16, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 2} {
			for _, before := range arrayOffsets(s, version) {
				body := append([]byte(nil), before...)
				if flexible {
					body = binary.AppendUvarint(body, uint64(claim))
				} else {
					body = binary.BigEndian.AppendUint32(body, claim)
				}
				body = append(body, make([]byte, 100)...)
				allocated, err := decodeCost(s, version, body)
				if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooDense) {
					t.Errorf("a claim of %d elements gave %v", claim, err)
				}
				if allocated > 64<<10 {
					t.Errorf("a claim of %d elements allocated %d bytes", claim, allocated)
				}
			}
		}
	})
}

// TestCostIsWhatKmsgAllocates compares the walk's estimate with the runtime's count on large honest requests.
func TestCostIsWhatKmsgAllocates(t *testing.T) {
	topics := kmsg.NewPtrMetadataRequest()
	for range 10_000 {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr("abcdefgh")
		topics.Topics = append(topics.Topics, topic)
	}
	fetch := kmsg.NewPtrFetchRequest()
	fetch.Topics = append(fetch.Topics, kmsg.NewFetchRequestTopic())
	for range 10_000 {
		fetch.Topics[0].Partitions = append(fetch.Topics[0].Partitions, kmsg.NewFetchRequestTopicPartition())
	}
	for _, request := range []kmsg.Request{topics, fetch} {
		request.SetVersion(schemas[request.Key()].max)
		body := request.AppendTo(nil)
		_, cost, err := DecodeBody(request.Key(), request.GetVersion(), body, &testBounds)
		if err != nil {
			t.Fatal(err)
		}
		allocated, _ := decodeCost(schemas[request.Key()], request.GetVersion(), body)
		// Twice: a build with the race detector makes each array once more.
		if estimate := uint64(cost); allocated > estimate*5/2+4096 || allocated < estimate*3/4 {
			t.Errorf("API %d: estimated %d bytes, allocated %d", request.Key(), cost, allocated)
		}
	}
}

// TestManyTagsAreRefused holds the bound on unknown tagged fields, each of which costs a map entry.
func TestManyTagsAreRefused(t *testing.T) {
	body := []byte{1} // Heartbeat v4: empty group
	body = append(body, 0, 0, 0, 0, 1, 0)
	tags := func(n int) []byte {
		b := binary.AppendUvarint(append([]byte(nil), body...), uint64(n))
		for i := range n {
			b = append(binary.AppendUvarint(b, uint64(i)), 0)
		}
		return b
	}
	if _, _, err := DecodeBody(12, 4, tags(16), &testBounds); err != nil {
		t.Errorf("16 tags: %v", err)
	}
	if _, _, err := DecodeBody(12, 4, tags(17), &testBounds); !errors.Is(err, ErrTooDense) {
		t.Errorf("17 tags: %v", err)
	}
	twice := append(append([]byte(nil), body...), 2, 5, 0, 5, 0)
	if _, _, err := DecodeBody(12, 4, twice, &testBounds); !errors.Is(err, ErrMalformed) {
		t.Errorf("a tag that stands twice: %v", err)
	}
}

// TestWalkAllocatesNothing keeps the walk free on the produce path.
func TestWalkAllocatesNothing(t *testing.T) {
	s := schemas[0]
	request := randomRequest(rand.New(rand.NewPCG(1, 2)), s, 13)
	body := request.AppendTo(nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := s.walk(13, body, &testBounds); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("the walk of a Produce request allocates %v times", n)
	}
}
