package broker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/chronik-stream/chronik/broker/wire"
)

// victimVariable is set in the environment of a test binary that is to be the broker that is killed.
const victimVariable = "TEST_VICTIM"

// victimOrders say what a victim is to do. They are written to its standard input as JSON; by how much its clock is to go forward, in
// nanoseconds, comes after it.
type victimOrders struct {
	Dir string
	// Markers is how many markers there are when it halts; with less than 0 it does not.
	Markers int32
}

// halted is what a victim prints when it has halted. The line before it is its address.
const halted = "halted"

// beVictim runs a broker until it is killed, or who started it is gone.
func beVictim(ctx context.Context, in io.Reader, out io.Writer) error {
	input := json.NewDecoder(in)
	var orders victimOrders
	if err := input.Decode(&orders); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	clock := new(fastClock)
	o := txnNodeOptions(orders.Dir)
	o.Clock = clock.now
	b := New(o)
	if err := b.Start(ctx); err != nil {
		return err
	}
	if orders.Markers >= 0 {
		haltMarkers(b, orders.Markers, func(err error) {
			if err != nil {
				_, _ = fmt.Fprintln(out, err)
			}
			_, _ = fmt.Fprintln(out, halted)
			select {}
		})
	}
	if _, err := fmt.Fprintln(out, b.Addr("SASL_PLAINTEXT")); err != nil {
		return err
	}
	for {
		var passed time.Duration
		if err := input.Decode(&passed); err != nil {
			return fmt.Errorf("read how much time passed: %w", err)
		}
		clock.forward(passed)
	}
}

// victim is a broker in a process of its own.
type victim struct {
	t       *testing.T
	process *exec.Cmd
	orders  *json.Encoder
	told    *bufio.Scanner
}

// startVictim starts a broker, and returns where it listens.
func startVictim(ctx context.Context, t *testing.T, orders victimOrders) (v *victim, address string) {
	t.Helper()
	process := exec.CommandContext(ctx, os.Args[0])
	process.Env, process.Stderr = append(os.Environ(), victimVariable+"=1"), os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if process.ProcessState == nil { // the test has failed
			_ = process.Process.Kill()
			_ = process.Wait()
		}
	})
	v = &victim{t: t, process: process, orders: json.NewEncoder(in), told: bufio.NewScanner(out)}
	v.order(orders)
	return v, v.tells()
}

func (v *victim) order(what any) {
	v.t.Helper()
	if err := v.orders.Encode(what); err != nil {
		v.t.Fatal(err)
	}
}

// tells is the next line of the victim.
func (v *victim) tells() string {
	v.t.Helper()
	if !v.told.Scan() {
		v.t.Fatalf("the broker is gone: %v", v.told.Err())
	}
	return v.told.Text()
}

// kill ends the process by SIGKILL.
func (v *victim) kill() {
	v.t.Helper()
	if err := v.process.Process.Kill(); err != nil {
		v.t.Fatal(err)
	}
	err := v.process.Wait()
	if status, ok := v.process.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		v.t.Fatalf("the broker was not killed: %v", err)
	}
}

// killMoment is when a broker is killed: when a transaction has got into a stage, and has so many markers.
type killMoment struct {
	stage   txnStage
	markers int32
}

type txnStage int

const (
	txnEmpty txnStage = iota
	txnOngoing
	txnPrepared
	txnCompleted
)

func killMoments() []killMoment {
	moments := []killMoment{{txnEmpty, -1}, {txnOngoing, -1}, {txnCompleted, -1}}
	for _, count := range haltedAt() {
		moments = append(moments, killMoment{txnPrepared, count})
	}
	return moments
}

// state is the name of what is found after the kill, when a transaction was to end in some way.
func (m killMoment) state(outcome string) string {
	switch m.stage {
	case txnEmpty:
		return "Empty"
	case txnOngoing:
		return "Ongoing"
	case txnPrepared:
		return withMarkers("Prepare"+outcome, m.markers)
	default:
		return "Complete" + outcome
	}
}

// killedNode is a node on a real disk whose broker is killed in the middle of a transaction.
type killedNode struct {
	*txnNode
	level int16
	clock *fastClock
	// address is where its broker is now.
	address atomic.Value
	// survivor is the client with the transactional id, which outlives the broker.
	survivor *kgo.Client
	producer int64
	epoch    int16
}

// copyKilled makes a node whose state is that of another, which is not running.
func copyKilled(t *testing.T, base *txnNode, level int16) *killedNode {
	t.Helper()
	dir, clock := t.TempDir(), new(fastClock)
	k := &killedNode{txnNode: &txnNode{t: t, ctx: base.ctx, options: txnNodeOptions(dir)}, level: level, clock: clock}
	k.must(os.CopyFS(dir, os.DirFS(filepath.Dir(base.options.MetadataDir))))
	k.options.Clock = clock.now
	return k
}

// connect makes the surviving client.
func (k *killedNode) connect() {
	k.t.Helper()
	dial := func(ctx context.Context, network, host string) (net.Conn, error) {
		return toAddress(k.address.Load().(string))(ctx, network, host)
	}
	k.survivor = clientAt(k.t, k.address.Load().(string), append(interruptedClient(), kgo.Dialer(dial), kgo.RequestRetries(100),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }))...)
	k.t.Cleanup(k.survivor.Close)
	var err error
	k.producer, k.epoch, err = k.survivor.ProducerID(k.ctx)
	k.must(err)
}

// advance has the surviving client take the transaction from one stage towards another.
func (k *killedNode) advance(e ending, from, to txnStage) {
	k.t.Helper()
	if from < txnOngoing && to >= txnOngoing {
		k.must(beginIn(k.ctx, k.survivor, "interrupted"))
	}
	if from < txnPrepared && to >= txnPrepared {
		k.must(e.end(k.ctx, k.txnNode, k.survivor))
	}
}

// killAt takes the transaction to a moment, kills the broker in a process of its own, and starts the next one in this process.
func (k *killedNode) killAt(e ending, m killMoment) {
	k.t.Helper()
	v, address := startVictim(k.ctx, k.t, victimOrders{Dir: filepath.Dir(k.options.MetadataDir), Markers: m.markers})
	k.address.Store(address)
	k.forward = func(d time.Duration) {
		k.clock.forward(d)
		v.order(d)
	}
	k.connect()
	k.advance(e, txnEmpty, m.stage)
	switch m.stage {
	case txnPrepared:
		if line := v.tells(); line != halted {
			k.t.Fatal(line)
		}
	case txnCompleted:
		k.completed(k.survivor)
	}
	v.kill()
	k.forward = k.clock.forward
	k.broker = start(k.t, k.options)
	k.address.Store(k.broker.Addr("SASL_PLAINTEXT").String())
}

// completed waits until the last transaction is complete.
func (k *killedNode) completed(c *kgo.Client) kadm.DescribedTransaction {
	k.t.Helper()
	for {
		described, err := kadm.NewClient(c).DescribeTransactions(k.ctx, crashID)
		k.must(err)
		d := described[crashID]
		k.must(d.Err)
		if strings.HasPrefix(d.State, "Complete") {
			return d
		}
		<-time.After(time.Millisecond)
	}
}

// goOn commits one more transaction: the surviving client does, unless it was fenced.
func (k *killedNode) goOn(e ending) {
	k.t.Helper()
	c := k.survivor
	if k.level >= 2 || e.fences {
		k.epoch++
	}
	if e.fences {
		k.completed(c)
		if err := c.EndTransaction(k.ctx, kgo.TryCommit); !endedByTimeout(err, k.level) {
			k.t.Errorf("a commit by the client that was fenced: %v", err)
		}
		c = k.client()
		defer c.Close()
		k.epoch++
	} else {
		k.endAgain(e)
	}
	k.must(produceIn(k.ctx, c, "after"))
	k.must(c.EndTransaction(k.ctx, kgo.TryCommit))
	if k.level >= 2 {
		k.epoch++
	}
}

// endAgain asks for the end of the transaction as a client does that has not got the answer, and for the opposite.
func (k *killedNode) endAgain(e ending) {
	k.t.Helper()
	epoch, told := k.epoch, kmsg.EndTxnResponse{ProducerID: -1, ProducerEpoch: -1}
	if k.level >= 2 {
		epoch--
		told.ProducerID, told.ProducerEpoch = k.producer, k.epoch
	}
	if answer := k.endTxn(epoch, !e.commits); answer.ErrorCode != wire.InvalidTxnState {
		k.t.Errorf("the opposite end: code %d", answer.ErrorCode)
	}
	answer := k.endTxn(epoch, e.commits)
	if answer.ErrorCode != wire.None || answer.ProducerID != told.ProducerID || answer.ProducerEpoch != told.ProducerEpoch {
		k.t.Errorf("the same end again: %+v", answer)
	}
}

// endTxn asks for the end of a transaction until it is not being ended.
func (k *killedNode) endTxn(epoch int16, commit bool) *kmsg.EndTxnResponse {
	k.t.Helper()
	versions := kversion.Stable()
	q := kmsg.NewPtrEndTxnRequest()
	if k.level < 2 {
		versions.SetMaxKeyVersion(q.Key(), 4)
	}
	c := client(k.t, k.broker, kgo.MaxVersions(versions))
	defer c.Close()
	q.TransactionalID, q.ProducerID, q.ProducerEpoch, q.Commit = crashID, k.producer, epoch, commit
	for {
		answer, err := q.RequestWith(k.ctx, c)
		k.must(err)
		if answer.ErrorCode != wire.ConcurrentTransactions {
			return answer
		}
		<-time.After(time.Millisecond)
	}
}

// verify checks that everything of the transaction and of the one after it is as it has to be, and nothing is left of them.
func (k *killedNode) verify(e ending, m killMoment) {
	k.t.Helper()
	c := client(k.t, k.broker)
	defer c.Close()
	admin := kadm.NewClient(c)
	last := k.completed(c)
	if last.State != "CompleteCommit" || len(last.Topics) != 0 || last.ProducerID != k.producer || last.ProducerEpoch != k.epoch {
		k.t.Errorf("the last transaction, of producer %d in epoch %d: %+v", k.producer, k.epoch, last)
	}
	if state := k.where(admin); state != m.state(e.outcome) {
		k.t.Errorf("it was killed in state %s, not %s", state, m.state(e.outcome))
	}
	if committed := k.check(admin, "after"); committed != e.commits {
		k.t.Errorf("committed: %v, not %v", committed, e.commits)
	}
	topics := kadm.TopicsSet{}
	topics.Add("t", 0, 1, 2, 3)
	described, err := admin.DescribeProducers(k.ctx, topics)
	k.must(err)
	producers := 0
	described.EachProducer(func(p kadm.DescribedProducer) {
		producers++
		if p.CurrentTxnStartOffset != -1 {
			k.t.Errorf("a transaction is open: %+v", p)
		}
	})
	if producers != crashPartitions {
		k.t.Errorf("%d partitions know the producer", producers)
	}
	next := k.client()
	defer next.Close()
	if id, epoch, err := next.ProducerID(k.ctx); err != nil || id != k.producer || epoch != k.epoch+1 {
		k.t.Errorf("the next producer has id %d and epoch %d after %d and %d: %v", id, epoch, k.producer, k.epoch, err)
	}
}

// TestABrokerIsKilledInEachStateOfATransaction kills the process of a broker by SIGKILL in each state of a transaction, which its client
// then ends, or has ended, in each way. The next broker brings it to that end, and clients go on.
func TestABrokerIsKilledInEachStateOfATransaction(t *testing.T) {
	for level := range int16(3) {
		t.Run(fmt.Sprintf("transaction.version %d", level), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			t.Cleanup(cancel)
			base := formatTxnNode(ctx, t, level)
			base.before()
			for i, e := range endings() {
				for j, m := range killMoments() {
					if (level < 2 || testing.Short() || raceDetector) && (i+j)%len(endings()) != int(level) {
						continue // each moment with one ending
					}
					t.Run(e.name+", "+m.state(e.outcome), func(t *testing.T) {
						t.Parallel()
						k := copyKilled(t, base, level)
						k.killAt(e, m)
						defer stop(t, k.broker)
						k.advance(e, m.stage, txnPrepared)
						k.goOn(e)
						k.verify(e, m)
					})
				}
			}
		})
	}
}
