//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// eosWorker runs until it is ended.
type eosWorker interface {
	Kill(t testing.TB)
	Stop(t testing.TB)
}

// eosClient is a client and how a worker of it begins. Workers abort now and then, by the seed. After some transactions, unless that
// number is negative, a worker leaves one open and waits.
type eosClient struct {
	name     string
	protocol string // of its group
	start    func(t *testing.T, f *eosFlow, transactionalID string, seed uint64, hangAfter int) eosWorker
	// waitsForever says that a worker may hang when a broker goes that coordinates its group or its transactions, whatever comes after:
	// librdkafka's send_offsets_to_transaction does, and heeds no time-out (its issues 5456 and 5511); kafka-python's sender (3.0.12,
	// _maybe_send_pending_request) drops a request to a coordinator that refuses the connection, and its caller waits without end.
	waitsForever bool
}

// eosClients are the clients that have the protocol "classic" or "consumer" for their groups.
func eosClients(protocol string) []eosClient {
	python := func(script string, more ...string) func(*testing.T, *eosFlow, string, uint64, int) eosWorker {
		return func(t *testing.T, f *eosFlow, id string, seed uint64, hangAfter int) eosWorker {
			args := []string{f.broker.Bootstrap(), f.broker.CA(), f.user, eosPassword, f.in, f.out, f.group, id, fmt.Sprint(seed), fmt.Sprint(hangAfter)}
			return harness.StartPython(t, f.tell, script, append(args, more...)...)
		}
	}
	clients := []eosClient{
		{name: "java", protocol: protocol, start: startJavaEOS},
		{name: "librdkafka", protocol: protocol, start: python("eos_confluent.py", protocol), waitsForever: true},
		{name: "franz-go", protocol: protocol, start: startFranzEOS},
	}
	if protocol == "classic" {
		clients = append(clients, eosClient{name: "kafka-python", protocol: protocol, start: python("eos_kafka_python.py"), waitsForever: true})
	}
	return clients
}

func startJavaEOS(t *testing.T, f *eosFlow, id string, seed uint64, hangAfter int) eosWorker {
	t.Helper()
	return harness.StartProcess(t, f.tell, "java", harness.JavaArgs(t, []string{"-Xmx256m"}, "stream.chronik.test.Eos",
		f.broker.Bootstrap(), f.file, f.in, f.out, f.group, id, fmt.Sprint(seed), fmt.Sprint(hangAfter), f.client.protocol)...)
}

// franzEOS is a worker in the test's own process.
type franzEOS struct {
	flow      *eosFlow
	options   []kgo.Opt
	random    *rand.Rand
	untilHang int
	network   *cutNetwork
	cancel    context.CancelFunc
	done      chan struct{}
}

func startFranzEOS(t *testing.T, f *eosFlow, id string, seed uint64, hangAfter int) eosWorker {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &franzEOS{
		flow: f, random: rand.New(rand.NewPCG(seed, 0)), untilHang: hangAfter,
		network: &cutNetwork{dialer: tls.Dialer{Config: clientTLS(t, f.broker, false)}}, cancel: cancel, done: make(chan struct{}),
	}
	w.options = []kgo.Opt{
		kgo.SeedBrokers(f.broker.Bootstrap()), kgo.Dialer(w.network.dial), kgo.SASL(franzMechanism(t, "SCRAM-SHA-512", f.user, eosPassword)),
		kgo.TransactionalID(id), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumerGroup(f.group), kgo.ConsumeTopics(f.in), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(time.Second),
	}
	if f.client.protocol == "consumer" {
		w.options = append(w.options, kgo.ServerSideBalancer(), kgo.Balancers(kgo.RangeBalancer()))
	}
	t.Cleanup(cancel)
	go func() {
		defer close(w.done)
		for ctx.Err() == nil {
			if err := w.session(ctx); err != nil && ctx.Err() == nil {
				t.Logf("a session of franz-go begins anew: %v", err)
			}
		}
	}()
	return w
}

// session works until the client says that it can not go on, as it does of a broker that it can not dial.
func (w *franzEOS) session(ctx context.Context) error {
	session, err := kgo.NewGroupTransactSession(w.options...)
	if err != nil {
		return err
	}
	defer session.Close()
	for ctx.Err() == nil {
		fetches := session.PollRecords(ctx, 40)
		if fetches.NumRecords() == 0 {
			continue // an error of a broker that is gone is told again until it is back
		}
		if err := w.transaction(ctx, session, fetches.Records()); err != nil {
			return err
		}
	}
	return nil
}

func (w *franzEOS) transaction(ctx context.Context, session *kgo.GroupTransactSession, records []*kgo.Record) error {
	if err := session.Begin(); err != nil {
		return err
	}
	for _, r := range records {
		session.Produce(ctx, &kgo.Record{Topic: w.flow.out, Key: r.Key, Value: r.Value}, nil) // End knows of a failure
	}
	if w.untilHang == 0 {
		if err := session.Client().Flush(ctx); err != nil {
			return err
		}
		w.flow.tell(fmt.Appendf(nil, "open %d", len(records)))
		<-ctx.Done()
		return nil
	}
	w.untilHang--
	committed, err := session.End(ctx, kgo.TransactionEndTry(w.random.IntN(5) > 0))
	if err != nil {
		return err
	}
	what := "aborted"
	if committed {
		what = "committed"
	}
	w.flow.tell(fmt.Appendf(nil, "%s %d", what, len(records)))
	return nil
}

// Kill takes the network away first: no last word leaves the client.
func (w *franzEOS) Kill(t testing.TB) {
	t.Helper()
	w.network.cut()
	w.Stop(t)
}

// Stop ends the worker.
func (w *franzEOS) Stop(t testing.TB) {
	t.Helper()
	w.cancel()
	<-w.done
}

// cutNetwork dials until it is cut.
type cutNetwork struct {
	dialer tls.Dialer

	mu    sync.Mutex
	conns []net.Conn
	isCut bool
}

var errCut = errors.New("the network is cut")

func (n *cutNetwork) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := n.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.isCut {
		_ = conn.Close()
		return nil, errCut
	}
	n.conns = append(n.conns, conn)
	return conn, nil
}

func (n *cutNetwork) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.isCut = true
	for _, c := range n.conns {
		_ = c.Close()
	}
}
