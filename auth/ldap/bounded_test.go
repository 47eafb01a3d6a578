package ldap

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// TestAnswersAreBounded: a directory that sends without an end is cut off, and decides nothing.
func TestAnswersAreBounded(t *testing.T) {
	const buffers = 16 << 20 // what the kernel takes from the one end and the other has not read
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	sent := make(chan int, 1)
	go func() {
		c, err := listener.Accept()
		if err != nil {
			sent <- -1
			return
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Read(make([]byte, 1)); err != nil {
			sent <- -1
			return
		}
		// A message of 2 GiB, whose first part is a text of almost as many.
		total, _ := c.Write([]byte("\x30\x84\x7f\xff\xff\xff\x04\x84\x7f\xff\xff\xf0"))
		for piece := make([]byte, 64<<10); err == nil && total < 10*buffers; {
			var n int
			n, err = c.Write(piece)
			total += n
		}
		sent <- total
	}()
	d, err := New(Config{URL: "ldap://" + listener.Addr().String(), BindTemplate: "uid=%s,dc=test", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if outcome, err := d.Authenticate(t.Context(), "alice", "right"); outcome != nil || !errors.Is(err, auth.ErrUndecided) || !strings.Contains(err.Error(), errTooMuch.Error()) {
		t.Errorf("%+v, %v", outcome, err)
	}
	if n := <-sent; n < maxAnswerBytes || n > maxAnswerBytes+buffers {
		t.Errorf("%d bytes were taken", n)
	}
}
