//go:build interop

package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/chronik-stream/chronik/test/harness"
)

// door is how light clients come in: over SASL_SSL, with SCRAM-SHA-512.
type door struct {
	address   string
	config    *tls.Config
	mechanism sasl.Mechanism
}

// doorOf lets a user of a broker, or of one that is like it, in.
func doorOf(t *testing.T, like *harness.Broker, bootstrap, user, password string) door {
	t.Helper()
	config := clientTLS(t, like, false)
	config.ServerName = "localhost"
	config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	return door{address: bootstrap, config: config, mechanism: franzMechanism(t, "SCRAM-SHA-512", user, password)}
}

// line is one connection of a light client, which sends one request at a time. A thousand of kgo's clients would leave no time for the broker.
type line struct {
	conn   net.Conn
	in     *bufio.Reader
	format *kmsg.RequestFormatter
	number int32
	out    []byte
}

func (d door) dial(ctx context.Context) (*line, error) {
	conn, err := (&tls.Dialer{Config: d.config}).DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	l := &line{conn: conn, in: bufio.NewReader(conn), format: kmsg.NewRequestFormatter(kmsg.FormatterClientID("bench"))}
	if err := l.logIn(ctx, d.mechanism, d.address); err != nil {
		conn.Close()
		return nil, fmt.Errorf("log in: %w", err)
	}
	return l, nil
}

func (l *line) logIn(ctx context.Context, mechanism sasl.Mechanism, address string) error {
	hello := kmsg.NewPtrSASLHandshakeRequest()
	hello.Version, hello.Mechanism = 1, mechanism.Name()
	r, err := ask[*kmsg.SASLHandshakeResponse](l, hello)
	if err == nil {
		err = kerr.ErrorForCode(r.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	session, message, err := mechanism.Authenticate(ctx, address)
	for done := false; err == nil && !done; {
		q := kmsg.NewPtrSASLAuthenticateRequest()
		q.Version, q.SASLAuthBytes = 2, message
		var r *kmsg.SASLAuthenticateResponse
		if r, err = ask[*kmsg.SASLAuthenticateResponse](l, q); err != nil {
			break
		}
		if err = kerr.ErrorForCode(r.ErrorCode); err != nil {
			break
		}
		done, message, err = session.Challenge(r.SASLAuthBytes)
	}
	return err
}

// ask sends a request and waits for its answer. After an error there is an empty answer, and the line is of no more use.
func ask[R kmsg.Response](l *line, q kmsg.Request) (R, error) {
	resp := q.ResponseKind()
	err := l.exchange(q, resp)
	return resp.(R), err
}

func (l *line) exchange(q kmsg.Request, resp kmsg.Response) error {
	l.number++
	l.out = l.format.AppendRequest(l.out[:0], q, l.number)
	if _, err := l.conn.Write(l.out); err != nil {
		return err
	}
	var head [8]byte
	if _, err := io.ReadFull(l.in, head[:]); err != nil {
		return err
	}
	size, number := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	if size < 4 || size > 64<<20 || number != uint32(l.number) {
		return fmt.Errorf("answer %d of %d bytes to request %d", number, size, l.number)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(l.in, body); err != nil {
		return err
	}
	if resp.IsFlexible() {
		if len(body) == 0 || body[0] != 0 {
			return fmt.Errorf("the header of an answer to %T has tags", q)
		}
		body = body[1:]
	}
	return resp.ReadFrom(body)
}
