//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	guessers     = 100
	guessingTime = 3 * time.Second
	logInsPerRun = 30
	guessedUser  = "target"
)

// guessing is clients that guess passwords, all from one address.
type guessing struct {
	t       *testing.T
	broker  *harness.Broker
	tls     *tls.Config
	from    net.IP
	answers atomic.Int64
	// wrong is what a guesser was told that is not the one answer.
	wrong chan string
}

// TestBruteForce: what 100 connections that guess passwords by PLAIN and SCRAM get, of one user and of a new name each time, while others log
// in: somebody from elsewhere, and somebody who has logged in from the guessers' address before.
func TestBruteForce(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	const secret = "kT8-vewo-2nuq"
	for _, user := range []string{guessedUser, "elsewhere", "neighbour"} {
		mustUserCommand(t, b, secret+"\n", "add", user, "--password-file", "-")
	}
	evil := net.IPv4(127, 0, 0, 2)
	others := map[string][]kgo.Opt{}
	for user, from := range map[string]net.IP{"elsewhere": net.IPv4(127, 0, 0, 1), "neighbour": evil} {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-512"} {
			others[user+" by "+mechanism] = []kgo.Opt{
				kgo.SeedBrokers(b.Bootstrap()), kgo.SASL(franzMechanism(t, mechanism, user, secret)), dialFrom(clientTLS(t, b, false), from),
			}
		}
	}
	quiet := logInTimes(t, others)
	g := &guessing{t: t, broker: b, tls: clientTLS(t, b, false), from: evil, wrong: make(chan string, 1)}
	g.tls.ServerName = "localhost"
	took, during := g.run(func() map[string]time.Duration { return logInTimes(t, others) })

	failed, unchecked := counted(t, b, "chronik_failed_logins_total"), counted(t, b, "chronik_logins_unchecked_total")
	checked := failed - unchecked
	t.Logf("%d connections for %s: %d answers, %d passwords looked at (%.1f a second)", guessers, took.Round(time.Second), g.answers.Load(), checked,
		float64(checked)/took.Seconds())
	for who := range others {
		t.Logf("log-in of %s: %s in quiet, %s during the attack (x%.1f)", who, quiet[who].Round(time.Microsecond), during[who].Round(time.Microsecond),
			float64(during[who])/float64(quiet[who]))
	}
	// One guess of each connection before anything is known, then one of the one user in 100 ms, doubling, and of the address in 250 ms.
	if most := int64(2*guessers + took.Seconds()*4 + 10); checked > most || checked < 10 {
		t.Errorf("%d passwords were looked at, at most %d should be", checked, most)
	}
	if unchecked == 0 {
		t.Error("no guess was refused without a look at it")
	}
	select {
	case wrong := <-g.wrong:
		t.Errorf("a guesser was told: %s", wrong)
	default:
	}
	// He has not been kept out from his own address.
	if !logsIn(t, []kgo.Opt{kgo.SeedBrokers(b.Bootstrap()), kgo.SASL(franzMechanism(t, "PLAIN", guessedUser, secret)), dialFrom(clientTLS(t, b, false), net.IPv4(127, 0, 0, 3))}) {
		t.Error("the user whose password is guessed does not get in")
	}
}

// run guesses while something else runs, for guessingTime at least.
func (g *guessing) run(beside func() map[string]time.Duration) (time.Duration, map[string]time.Duration) {
	ctx, stop := context.WithCancel(context.Background())
	var guesses sync.WaitGroup
	began := time.Now()
	for n := range guessers {
		guesses.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				user := guessedUser
				if n%2 == 0 {
					user = fmt.Sprintf("nobody-%d-%d", n, round)
				}
				if err := g.guess(user, n%4 < 2); err != nil {
					select {
					case g.wrong <- err.Error():
					default:
					}
				}
			}
		})
	}
	during := beside()
	<-time.After(guessingTime - time.Since(began))
	stop()
	guesses.Wait()
	return time.Since(began), during
}

// guess is one wrong log-in. Its error is whatever is not the answer to a wrong password.
func (g *guessing) guess(user string, byPlain bool) error {
	dialer := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: g.from}, Timeout: 10 * time.Second}, Config: g.tls}
	conn, err := dialer.DialContext(context.Background(), "tcp", g.broker.SASL)
	if err != nil {
		return nil // a connection that is turned away gets nobody in
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	mechanism := "SCRAM-SHA-512"
	if byPlain {
		mechanism = "PLAIN"
	}
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = mechanism
	handshake.SetVersion(1)
	if _, err := roundTripOn(conn, handshake); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	message := []byte("\x00" + user + "\x00guessed-password")
	if !byPlain {
		first, err := sayTo(conn, []byte("n,,n="+user+",r=nonce"))
		if err != nil || first.ErrorCode != wire.None {
			return fmt.Errorf("first message: %w, %+v", err, first)
		}
		nonce, _, _ := strings.Cut(string(first.SASLAuthBytes), ",")
		message = []byte("c=biws," + nonce + ",p=" + base64.StdEncoding.EncodeToString(make([]byte, 64)))
	}
	last, err := sayTo(conn, message)
	if errors.Is(err, io.EOF) {
		return nil // too many wait for their passwords to be hashed
	}
	if err != nil {
		return fmt.Errorf("last message: %w", err)
	}
	g.answers.Add(1)
	if last.ErrorCode != wire.SASLAuthenticationFailed || last.ErrorMessage == nil || *last.ErrorMessage != auth.PublicFailure {
		return fmt.Errorf("%w: %+v", errTold, last)
	}
	return nil
}

var errTold = errors.New("another answer than the one to a wrong password")

func sayTo(conn net.Conn, message []byte) (*kmsg.SASLAuthenticateResponse, error) {
	q := kmsg.NewPtrSASLAuthenticateRequest()
	q.SetVersion(1)
	q.SASLAuthBytes = message
	body, err := roundTripOn(conn, q)
	if err != nil {
		return nil, err
	}
	resp := q.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	return resp, resp.ReadFrom(body)
}

// roundTripOn is exchange without a deadline of its own.
func roundTripOn(conn net.Conn, q kmsg.Request) ([]byte, error) {
	if _, err := conn.Write(request(q)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	return body[4:], nil
}

// dialFrom has a client come from an address of loopback.
func dialFrom(config *tls.Config, from net.IP) kgo.Opt {
	config.ServerName = "localhost"
	dialer := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}, Config: config}
	return kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	})
}

// logInTimes has each client log in a number of times, and returns the median of how long that took, TLS included.
func logInTimes(t *testing.T, clients map[string][]kgo.Opt) map[string]time.Duration {
	t.Helper()
	medians := map[string]time.Duration{}
	for who, opts := range clients {
		var times []time.Duration
		for range logInsPerRun {
			began := time.Now()
			if !logsIn(t, opts) {
				t.Fatalf("%s does not get in", who)
			}
			times = append(times, time.Since(began))
		}
		slices.Sort(times)
		medians[who] = times[len(times)/2]
	}
	return medians
}

// counted adds up the values of a counter of the broker over its labels.
func counted(t *testing.T, b *harness.Broker, name string) (sum int64) {
	t.Helper()
	for line := range strings.Lines(scrape(t, b)) {
		labelled, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if metric, _, _ := strings.Cut(labelled, "{"); !found || metric != name {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += int64(n)
	}
	return sum
}
