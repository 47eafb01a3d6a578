package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// eachVersion runs f for every version of every request that has a layout.
func eachVersion(t *testing.T, f func(t *testing.T, s *schema, version int16)) {
	t.Helper()
	if len(schemas) != 54 {
		t.Fatalf("%d requests have a layout, want 54", len(schemas))
	}
	for _, s := range schemas {
		for version := s.min; version <= s.max; version++ {
			t.Run(fmt.Sprintf("%s/v%d", s.name, version), func(t *testing.T) { f(t, s, version) })
		}
	}
}

func TestLayoutsEqualThoseOfKmsg(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *schema, version int16) {
		rng := rand.New(rand.NewPCG(uint64(s.key), uint64(version)))
		for range 25 {
			sent := randomRequest(rng, s, version)
			body := sent.AppendTo(nil)
			got, _, err := DecodeBody(s.key, version, body, &testBounds)
			if err != nil {
				t.Fatalf("refused an honest request: %v\n%x", err, body)
			}
			if again := got.AppendTo(nil); !bytes.Equal(again, body) {
				t.Fatalf("decoded into something else:\n%x\n%x", body, again)
			}
			if got.IsFlexible() != Flexible(s.key, version) {
				t.Fatalf("kmsg says flexible=%v", got.IsFlexible())
			}
			if err := decodeWith(s, version, body, 1); !errors.Is(err, ErrMalformed) {
				t.Fatalf("a trailing byte gave %v", err)
			}
			for cut := range body {
				if _, _, err := DecodeBody(s.key, version, body[:cut], &testBounds); !errors.Is(err, ErrMalformed) {
					t.Fatalf("%d of %d bytes gave %v\n%x", cut, len(body), err, body)
				}
			}
		}
	})
}

// decodeWith decodes a body with bytes behind its end.
func decodeWith(s *schema, version int16, body []byte, surplus ...byte) error {
	_, _, err := DecodeBody(s.key, version, append(body[:len(body):len(body)], surplus...), &testBounds)
	return err
}

func TestSomeZerosMayFollowABody(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	eachVersion(t, func(t *testing.T, s *schema, version int16) {
		body := randomRequest(rng, s, version).AppendTo(nil)
		for n := range maxSurplus + 2 {
			if err := decodeWith(s, version, body, make([]byte, n)...); (err != nil) != (n > maxSurplus) || err != nil && !errors.Is(err, ErrMalformed) {
				t.Errorf("%d zeros gave %v", n, err)
			}
		}
		if err := decodeWith(s, version, body, 0, 0, 7); !errors.Is(err, ErrMalformed) {
			t.Errorf("two zeros and another byte gave %v", err)
		}
	})
}

func TestLayoutsSpanKmsgVersions(t *testing.T) {
	for key, s := range schemas {
		r := kmsg.RequestForKey(key)
		if s.max > r.MaxVersion() {
			t.Errorf("%s is laid out to version %d, kmsg knows %d", s.name, s.max, r.MaxVersion())
		}
		if err := Covers(key, s.min, s.max); err != nil {
			t.Error(err)
		}
		if err := Covers(key, s.min, s.max+1); !errors.Is(err, ErrUnknownRequest) {
			t.Errorf("%s covers a version it has no layout of: %v", s.name, err)
		}
	}
}

func TestUnknownRequests(t *testing.T) {
	for _, c := range []struct{ key, version int16 }{{-1, 0}, {7, 0}, {999, 0}, {0, 2}, {0, 14}, {18, -1}} {
		if _, _, err := DecodeBody(c.key, c.version, nil, &testBounds); !errors.Is(err, ErrUnknownRequest) {
			t.Errorf("API %d version %d: %v", c.key, c.version, err)
		}
	}
}

func TestTextsAreNoLongerThanTheProtocolAllows(t *testing.T) {
	for n, want := range map[int]error{maxText: nil, maxText + 1: ErrMalformed} {
		q := kmsg.NewPtrDeleteRecordsRequest()
		q.Version = 2
		q.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: strings.Repeat("x", n)}}
		if _, _, err := DecodeBody(q.Key(), q.Version, q.AppendTo(nil), &testBounds); !errors.Is(err, want) {
			t.Errorf("a name of %d bytes: %v", n, err)
		}
	}
}
