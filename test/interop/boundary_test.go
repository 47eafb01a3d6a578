//go:build interop

package interop

import (
	"math"
	"math/rand/v2"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// boundaryRequests is how many requests of each API are tried.
const boundaryRequests = 150

// TestBoundaryValues sends every API what no client sends: negative counts, empty and repeated names, the largest numbers and all the
// others at random, as a super user, so that nothing stops them before the handlers. Whatever is answered, no handler and no
// coordinator may fail, and the broker serves others as before.
func TestBoundaryValues(t *testing.T) {
	t.Parallel()
	b := harness.Start(t)
	createTopic(t, b, "alive", 2)
	id := topicID(t, b, "alive")
	tools.Must(t, roundTrip, "produce", b.Bootstrap(), b.ClientProperties(), "alive", "3", "edge")
	tools.Must(t, roundTrip, "consume", b.Bootstrap(), b.ClientProperties(), "alive", "3", "g")
	user, password := b.Admin(t)
	rng := rand.New(rand.NewPCG(11, 13))
	fill := boundaryFiller{rng: rng, id: id}
	conn := plainConn(t, b, user, password)
	listed := apiVersions(t, conn)
	for _, api := range listed {
		if api.ApiKey == 17 || api.ApiKey == 36 {
			continue
		}
		for range boundaryRequests {
			q := kmsg.RequestForKey(api.ApiKey)
			q.SetVersion(api.MinVersion + int16(rng.IntN(int(api.MaxVersion-api.MinVersion)+1)))
			fill.value(reflect.ValueOf(q).Elem(), 0)
			if !answers(conn, q) {
				_ = conn.Close()
				conn = plainConn(t, b, user, password)
			}
		}
		if log := b.Log(); strings.Contains(log, "fault while") || strings.Contains(log, "panic") {
			t.Fatalf("%s: the log tells of a fault:\n%s", kmsg.NameForKey(api.ApiKey), faultIn(log))
		}
	}
	if !b.Running() {
		t.Fatal("the broker has ended")
	}
	b.Kill(t)
	b.Run(t) // what it has taken in it can read again
	createTopic(t, b, "still-alive", 1)
	franzProduce(t, franzSASL(t, b, "SCRAM-SHA-512"), "still-alive", []string{"yes"})
}

func faultIn(log string) string {
	at := max(strings.Index(log, "fault while"), strings.Index(log, "panic"), 0)
	return log[at:min(len(log), at+6000)]
}

// boundaryFiller fills requests with what stands at the edge of what is allowed, and with some names that exist.
type boundaryFiller struct {
	rng *rand.Rand
	id  [16]byte
}

func (f *boundaryFiller) value(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Field(i).CanSet() && name != "Version" && name != "UnknownTags" {
				f.value(v.Field(i), depth+1)
			}
		}
	case reflect.Pointer:
		if f.rng.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.value(v.Elem(), depth+1)
		}
	case reflect.Slice:
		f.slice(v, depth)
	case reflect.Array:
		if f.rng.IntN(2) == 0 {
			reflect.Copy(v, reflect.ValueOf(f.id))
		}
	case reflect.String:
		names := []string{"alive", "alive", "", "*", "g", "1", "__audit_log", "__consumer_offsets", "kafka-cluster", "no/name", "\xff\x00", strings.Repeat("n", 300), "retention.ms", "User:u"}
		v.SetString(names[f.rng.IntN(len(names))])
	case reflect.Bool:
		v.SetBool(f.rng.IntN(2) == 0)
	case reflect.Float64:
		v.SetFloat([]float64{0, -1, math.Inf(1), math.NaN()}[f.rng.IntN(4)])
	default:
		if v.CanInt() {
			f.integer(v)
		} else if v.CanUint() {
			v.SetUint(uint64(f.rng.IntN(3)))
		}
	}
}

func (f *boundaryFiller) integer(v reflect.Value) {
	limits := []int64{0, 1, 2, 3, -1, -2, -6, 100, 6000, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1}
	n := limits[f.rng.IntN(len(limits))]
	top := int64(1)<<(v.Type().Bits()-1) - 1
	if v.Type().Bits() < 64 {
		n = max(min(n, top), -top-1)
	}
	v.SetInt(n)
}

func (f *boundaryFiller) slice(v reflect.Value, depth int) {
	if f.rng.IntN(6) == 0 {
		return
	}
	n := f.rng.IntN(4)
	if v.Type().Elem().Kind() == reflect.Uint8 {
		n = []int{0, 1, 61, 70, 200}[f.rng.IntN(5)]
	}
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	for i := range n {
		f.value(v.Index(i), depth+1)
	}
	if n > 1 && f.rng.IntN(2) == 0 {
		v.Index(n - 1).Set(v.Index(0))
	}
}

// plainConn is a connection that has logged in by PLAIN.
func plainConn(t *testing.T, b *harness.Broker, user, password string) net.Conn {
	t.Helper()
	conn := dialTLS(t, b)
	logInPlain(t, conn, user, password)
	return conn
}

func logInPlain(t *testing.T, conn net.Conn, user, password string) {
	t.Helper()
	handshake := kmsg.NewPtrSASLHandshakeRequest()
	handshake.Mechanism = "PLAIN"
	handshake.SetVersion(1)
	authenticate := kmsg.NewPtrSASLAuthenticateRequest()
	authenticate.SetVersion(1)
	authenticate.SASLAuthBytes = []byte("\x00" + user + "\x00" + password)
	for _, q := range []kmsg.Request{handshake, authenticate} {
		if !answers(conn, q) {
			t.Fatalf("no answer to %s", kmsg.NameForKey(q.Key()))
		}
	}
}

func apiVersionsRequest() *kmsg.ApiVersionsRequest {
	q := kmsg.NewPtrApiVersionsRequest()
	q.SetVersion(0)
	return q
}

func apiVersions(t *testing.T, conn net.Conn) []kmsg.ApiVersionsResponseApiKey {
	t.Helper()
	body, err := exchange(conn, apiVersionsRequest())
	if err != nil {
		t.Fatal(err)
	}
	resp := kmsg.NewPtrApiVersionsResponse()
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	return resp.ApiKeys
}

// answers sends a request and reports whether an answer came. A Fetch or a JoinGroup may rightly wait, and acks=0 has no answer: then
// the connection is given up.
func answers(conn net.Conn, q kmsg.Request) bool {
	_, err := exchange(conn, q)
	return err == nil
}

// request is a request as a whole frame.
func request(q kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("edge")).AppendRequest(nil, q, 1)
}

func exchange(conn net.Conn, q kmsg.Request) ([]byte, error) {
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return nil, err
	}
	return roundTripOn(conn, q)
}
