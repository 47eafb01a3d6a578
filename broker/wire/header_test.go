package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func requestFrame(r kmsg.Request, correlationID int32, clientID string) []byte {
	f := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))
	return f.AppendRequest(nil, r, correlationID)[4:]
}

func TestHeaderIsReadAsKmsgWritesIt(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *schema, version int16) {
		r := kmsg.RequestForKey(s.key)
		r.SetVersion(version)
		frame := requestFrame(r, 77, "client-1")
		h, rest, err := DecodePrefix(frame)
		if err != nil {
			t.Fatal(err)
		}
		body, err := h.DecodeRest(rest, Flexible(h.Key, h.Version), &testBounds)
		if err != nil {
			t.Fatal(err)
		}
		if want := (Header{s.key, version, 77, "client-1"}); h != want {
			t.Errorf("got %+v, want %+v", h, want)
		}
		if !bytes.Equal(body, r.AppendTo(nil)) {
			t.Errorf("the body is %x", body)
		}
	})
}

func TestHeaderRefusals(t *testing.T) {
	if _, _, err := DecodePrefix([]byte{0, 1, 2}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a short prefix: %v", err)
	}
	long := append([]byte{0x04, 0x01}, strings.Repeat("x", 1025)...)
	for name, c := range map[string]struct {
		rest     []byte
		flexible bool
		want     error
	}{
		"no client id":         {[]byte{0}, false, ErrMalformed},
		"null client id":       {[]byte{0xff, 0xff}, false, nil},
		"negative length":      {[]byte{0xff, 0xfe}, false, ErrMalformed},
		"beyond the end":       {[]byte{0, 9, 'a'}, false, ErrMalformed},
		"above the cap":        {long, false, ErrTooDense},
		"no tags":              {[]byte{0, 1, 'a'}, true, ErrMalformed},
		"one tag":              {[]byte{0, 1, 'a', 1, 9, 1, 0}, true, nil},
		"tag beyond the end":   {[]byte{0, 1, 'a', 1, 9, 9, 0}, true, ErrMalformed},
		"endless varint":       {[]byte{0, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true, ErrMalformed},
		"four billion of tags": {[]byte{0, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0x0f}, true, ErrMalformed},
	} {
		var h Header
		if _, err := h.DecodeRest(c.rest, c.flexible, &testBounds); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestResponseFrames(t *testing.T) {
	for _, c := range []struct {
		response kmsg.Response
		version  int16
		header   int
	}{
		{kmsg.NewPtrApiVersionsResponse(), 0, 4},
		{kmsg.NewPtrApiVersionsResponse(), 4, 4},
		{kmsg.NewPtrHeartbeatResponse(), 3, 4},
		{kmsg.NewPtrHeartbeatResponse(), 4, 5},
	} {
		c.response.SetVersion(c.version)
		var b Buffer
		if err := b.Response(5, c.response, 1<<20); err != nil {
			t.Fatal(err)
		}
		body := c.response.AppendTo(nil)
		want := append([]byte{0, 0, 0, byte(c.header + len(body)), 0, 0, 0, 5, 0}[:4+c.header], body...)
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("API %d version %d: %x, want %x", c.response.Key(), c.version, b.Bytes(), want)
		}
		if err := b.Response(6, c.response, 4); !errors.Is(err, ErrResponseSize) {
			t.Errorf("a response above the cap: %v", err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Error("a refused response left something behind")
		}
		b.Reset()
		if err := b.Token([]byte{}, 10); err != nil || !bytes.Equal(b.Bytes(), []byte{0, 0, 0, 0}) {
			t.Errorf("an empty token: %x %v", b.Bytes(), err)
		}
		b.Release()
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(requestFrame(kmsg.NewPtrApiVersionsRequest(), 1, "c"), false)
	heartbeat := kmsg.NewPtrHeartbeatRequest()
	heartbeat.Version = 4
	f.Add(requestFrame(heartbeat, 1, "c"), true)
	f.Fuzz(func(t *testing.T, frame []byte, flexible bool) {
		h, rest, err := DecodePrefix(frame)
		if err != nil {
			return
		}
		body, err := h.DecodeRest(rest, flexible, &testBounds)
		if err == nil && !bytes.HasSuffix(frame, body) {
			t.Fatal("the body is not the end of the frame")
		}
	})
}
