//go:build interop

package interop

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/test/harness"
)

// eosHangAfter is how many transactions a worker ends before it leaves one open.
const eosHangAfter = 2

// TestExactlyOnce lets workers of each client take records from a topic, send each one to another topic and commit both in one
// transaction, over SASL_SSL and with the rights that Apache Kafka's documentation asks for and no others. Transactions are aborted at
// random. A worker is killed in the middle of one, and another one takes its transactional id; then the broker is killed under them,
// again and again, and the workers just retry. A reader of committed records sees each record once.
func TestExactlyOnce(t *testing.T) {
	t.Parallel()
	exactlyOnce(t, startSubject(t, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0"), eosClients("classic"), 2)
}

// TestExactlyOnceInConsumerGroups is TestExactlyOnce for members of the consumer protocol (KIP-848).
func TestExactlyOnceInConsumerGroups(t *testing.T) {
	t.Parallel()
	b := startSubject(t, "CHRONIK_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS=4000", "CHRONIK_GROUP_CONSUMER_SESSION_TIMEOUT_MS=4000",
		"CHRONIK_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS=500", "CHRONIK_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS=500")
	exactlyOnce(t, b, eosClients("consumer"), 1)
}

// exactlyOnce kills the broker so many times under workers of the clients.
func exactlyOnce(t *testing.T, b subject, clients []eosClient, kills int) {
	rng := rand.New(rand.NewPCG(killSeed(t), 2))
	bumpsEpochs(t, b.Broker)
	var flows []*eosFlow
	for _, c := range clients {
		flows = append(flows, newEOSFlow(t, b.Broker, c, rng))
	}
	fed := feedEOS(t, b.Broker, flows)
	for _, f := range flows {
		f.killWorker(t)
	}
	for range kills {
		for _, f := range flows {
			f.waitForCommits(t)
		}
		b.Kill(t)
		b.Run(t)
		for _, f := range flows {
			if f.client.waitsForever {
				f.restart(t)
			}
		}
	}
	for _, f := range flows {
		f.waitForCommits(t)
		f.checkProtocol(t)
	}
	records := fed()
	for _, f := range flows {
		t.Run(f.client.name, func(t *testing.T) { f.check(t, records) })
	}
}

// bumpsEpochs sees to it that clients that can do so let the broker bump their epoch at the end of each transaction (KIP-890).
func bumpsEpochs(t *testing.T, b *harness.Broker) {
	t.Helper()
	if level(t, b, "transaction.version") != "2" {
		admin(t, b, featureCommand, "upgrade", "--feature", "transaction.version=2")
	}
}

// feedEOS writes numbered records to the workers' topics until it is told to stop. It returns how many there are in each.
func feedEOS(t *testing.T, b *harness.Broker, flows []*eosFlow) (stop func() int) {
	t.Helper()
	client := franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var feeding sync.WaitGroup
	records := 0
	feeding.Go(func() {
		for rate := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-rate.C {
			var batch []*kgo.Record
			for range 5 {
				for _, f := range flows {
					batch = append(batch, &kgo.Record{Topic: f.in, Key: fmt.Appendf(nil, "%d", records), Value: fmt.Appendf(nil, "%d", records)})
				}
				records++
			}
			if err := client.ProduceSync(context.Background(), batch...).FirstErr(); err != nil {
				t.Errorf("feed the workers: %v", err)
				return
			}
		}
	})
	return func() int {
		cancel()
		feeding.Wait()
		return records
	}
}

// eosFlow is the work of one client: two workers of a group, from one topic to another one.
type eosFlow struct {
	client         eosClient
	broker         *harness.Broker
	admin          *kadm.Client
	user, file     string
	in, out, group string
	rng            *rand.Rand
	workers        [2]eosWorker

	mu   sync.Mutex
	told map[string]int // by what was told: how many transactions, and how many records where they are left open
}

// newEOSFlow makes the topics, the user and its rights, and starts the workers, of which the first one stops in the middle of a
// transaction.
func newEOSFlow(t *testing.T, b *harness.Broker, c eosClient, rng *rand.Rand) *eosFlow {
	t.Helper()
	f := &eosFlow{
		client: c, broker: b, admin: kadm.NewClient(franzClient(t, franzSASL(t, b, "SCRAM-SHA-512")...)), rng: rng,
		user: "eos-" + c.name, in: "eos-in-" + c.name, out: "eos-out-" + c.name, group: "eos-" + c.name, told: map[string]int{},
	}
	createTopic(t, b, f.in, 4)
	createTopic(t, b, f.out, 3)
	f.file = addUser(t, b, f.user, eosPassword)
	allow := []string{"--add", "--allow-principal", "User:" + f.user}
	admin(t, b, aclCommand, slices.Concat(allow, []string{
		"--operation", "Write", "--topic", f.out, "--transactional-id", f.transactionalID(0), "--transactional-id", f.transactionalID(1),
	})...)
	admin(t, b, aclCommand, slices.Concat(allow, []string{"--operation", "Read", "--topic", f.in, "--group", f.group})...)
	f.start(t, 0, eosHangAfter)
	f.start(t, 1, -1)
	return f
}

const eosPassword = "eos-secret"

func (f *eosFlow) transactionalID(worker int) string { return fmt.Sprintf("%s-%d", f.group, worker) }

func (f *eosFlow) start(t *testing.T, worker, hangAfter int) {
	t.Helper()
	f.workers[worker] = f.client.start(t, f, f.transactionalID(worker), f.rng.Uint64()>>1, hangAfter)
}

// tell takes a line of a worker.
func (f *eosFlow) tell(line []byte) {
	var what string
	var records int
	if _, err := fmt.Sscan(string(line), &what, &records); err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if what != "open" {
		records = 1
	}
	f.told[what] += records
}

func (f *eosFlow) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[what]
}

// killWorker kills the first worker when it has a transaction open, and starts another one with its transactional id.
func (f *eosFlow) killWorker(t *testing.T) {
	t.Helper()
	waitFor(t, "an open transaction of "+f.client.name, func() bool { return f.count("open") > 0 })
	f.workers[0].Kill(t)
	f.start(t, 0, -1)
}

func (f *eosFlow) restart(t *testing.T) {
	t.Helper()
	for i, w := range f.workers {
		w.Kill(t)
		f.start(t, i, -1)
	}
}

func (f *eosFlow) waitForCommits(t *testing.T) {
	t.Helper()
	before := f.count("committed")
	waitFor(t, "commits of "+f.client.name, func() bool { return f.count("committed") >= before+3 })
}

// checkProtocol looks whether the workers' group is one of their protocol.
func (f *eosFlow) checkProtocol(t *testing.T) {
	t.Helper()
	q := kmsg.NewPtrListGroupsRequest()
	q.TypesFilter = []string{f.client.protocol}
	list := askBroker(t, franzClient(t, franzSASL(t, f.broker, "SCRAM-SHA-512")...), q).(*kmsg.ListGroupsResponse)
	if !slices.ContainsFunc(list.Groups, func(g kmsg.ListGroupsResponseGroup) bool { return g.Group == f.group }) {
		t.Errorf("%s is not among the groups of the %s protocol: %+v", f.group, f.client.protocol, list.Groups)
	}
}

// check waits until the workers have nothing left to do, and looks for each record in what they have committed.
func (f *eosFlow) check(t *testing.T, records int) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ends, err := f.admin.ListEndOffsets(ctx, f.in)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the group to have committed all", func() bool {
		committed, err := f.admin.FetchOffsets(ctx, f.group)
		return err == nil && maps.Equal(endsOf(ends), endsOfGroup(committed))
	})
	for _, w := range f.workers {
		w.Stop(t)
	}
	seen := map[string][]string{}
	committed, _ := readTopic(t, franzSASL(t, f.broker, "SCRAM-SHA-512"), f.out, kgo.ReadCommitted())
	for _, r := range committed {
		at := fmt.Sprintf("%d:%d of producer %d in epoch %d", r.Partition, r.Offset, r.ProducerID, r.ProducerEpoch)
		seen[string(r.Value)] = append(seen[string(r.Value)], at)
	}
	for i := range records {
		if at := seen[fmt.Sprint(i)]; len(at) != 1 {
			t.Errorf("record %d is there %d times: %q", i, len(at), at)
		}
	}
	if len(seen) != records {
		t.Errorf("%d records are there, %d were written", len(seen), records)
	}
	all, _ := readTopic(t, franzSASL(t, f.broker, "SCRAM-SHA-512"), f.out, kgo.ReadUncommitted())
	open := f.count("open")
	if f.count("aborted") == 0 || open == 0 || len(all) < records+open {
		t.Errorf("%d transactions were aborted, %d records left open, of %d records there are %d", f.count("aborted"), open, records, len(all))
	}
	t.Logf("%d records in %d transactions; %d transactions aborted", records, f.count("committed"), f.count("aborted"))
}

func endsOfGroup(offsets kadm.OffsetResponses) map[string]int64 {
	out := map[string]int64{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.At > 0 {
			out[partitionName(o.Topic, o.Partition)] = o.At
		}
	})
	return out
}
