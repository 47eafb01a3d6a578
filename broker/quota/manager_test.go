package quota

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/chronik-stream/chronik/broker/limit"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/wire"
)

// bench is a Manager with its clock and its metadata.
type bench struct {
	*Manager
	t   testing.TB
	now time.Time
	img *meta.Image
}

func newBench(t testing.TB) *bench {
	t.Helper()
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, now: time.UnixMilli(1_700_000_000_000), img: meta.NewImage()}
	b.Manager = New(Config{
		Samples: 11, Window: time.Second, ControllerSamples: 11, ControllerWindow: time.Second,
		Clock: func() time.Time { return b.now }, Metrics: metrics,
	})
	return b
}

// set sets a quota; 0 removes it.
func (b *bench) set(e meta.QuotaEntity, key string, value float64) {
	b.t.Helper()
	next, delta, result := b.img.Apply(b.img.Index()+1, &meta.AlterQuotas{Changes: []meta.QuotaChange{
		{Entity: e, Ops: []meta.QuotaOp{{Key: key, Value: value, Remove: value == 0}}},
	}})
	if result.Items[0].Code != wire.None {
		b.t.Fatal(result.Items[0].Message)
	}
	b.Follow(b.img, next, delta)
	b.img = next
}

// part reads a part of an entity: "" for none, "*" for the default.
func part(name string) meta.QuotaPart {
	switch name {
	case "":
		return meta.QuotaPart{}
	case "*":
		return meta.QuotaPart{Match: meta.QuotaDefault}
	default:
		return meta.Named(name)
	}
}

func entity(user, id string) meta.QuotaEntity {
	return meta.QuotaEntity{User: part(user), ClientID: part(id)}
}

// TestTheMostSpecificQuotaHolds removes one quota after the other, from the most specific one on.
func TestTheMostSpecificQuotaHolds(t *testing.T) {
	b := newBench(t)
	levels := []struct {
		user, id string
		measured client
	}{
		{"u", "c", client{"u", "c"}},
		{"u", "*", client{"u", "c"}},
		{"u", "", client{"u", ""}},
		{"*", "c", client{"u", "c"}},
		{"*", "*", client{"u", "c"}},
		{"*", "", client{"u", ""}},
		{"", "c", client{"", "c"}},
		{"", "*", client{"", "c"}},
	}
	for i, l := range levels {
		b.set(entity(l.user, l.id), meta.ConsumerByteRate, float64(i+1))
	}
	for i, l := range levels {
		c, limit, ok := b.limits.Load().of(fetch, "u", "c")
		if !ok || limit != float64(i+1) || c != l.measured {
			t.Errorf("level %d: limit %v of %+v", i+1, limit, c)
		}
		if _, _, ok := b.limits.Load().of(produce, "u", "c"); ok {
			t.Error("a quota for fetching limits producing")
		}
		b.set(entity(l.user, l.id), meta.ConsumerByteRate, 0)
	}
	if _, _, ok := b.limits.Load().of(fetch, "u", "c"); ok {
		t.Error("a limit is left")
	}
}

func TestProducersAreHeldToTheirRate(t *testing.T) {
	b := newBench(t)
	if wait := b.Produced("u", "c", 1<<30); wait != 0 {
		t.Errorf("held back for %v without a quota", wait)
	}
	b.set(entity("*", ""), meta.ProducerByteRate, 1000)
	if wait := b.Produced("u", "c", 10_000); wait != 0 {
		t.Errorf("a burst of ten samples is held back for %v", wait)
	}
	if wait := b.Produced("u", "d", 500); wait != 500*time.Millisecond {
		t.Errorf("half a second's bytes too much: held back for %v", wait)
	}
	if wait := b.Produced("other", "c", 10_000); wait != 0 {
		t.Errorf("another user is held back for %v", wait)
	}
	b.set(entity("u", ""), meta.ProducerByteRate, 2000)
	if wait := b.Produced("u", "c", 500); wait != 0 {
		t.Errorf("held back for %v after the limit was raised", wait)
	}
	var held dto.Metric
	if err := b.metrics.held.WithLabelValues("Produce").Write(&held); err != nil || held.GetCounter().GetValue() != 1 {
		t.Errorf("%v requests are counted as throttled (%v)", held.GetCounter().GetValue(), err)
	}
	sent, began := 0, b.now
	for b.now.Sub(began) < time.Minute {
		wait := b.Produced("steady", "c", 100)
		sent += 100
		b.now = b.now.Add(max(wait, time.Millisecond))
	}
	if sent < 60_000 || sent > 75_000 {
		t.Errorf("%d bytes in a minute at 1000 a second and a burst of ten seconds", sent)
	}
}

func TestAFetchThatIsHeldBackCountsNothing(t *testing.T) {
	b := newBench(t)
	b.set(entity("u", ""), meta.ConsumerByteRate, 100)
	if got := b.FetchWindow("u", "c", 1<<20); got != 1000 {
		t.Errorf("an answer may have %d bytes", got)
	}
	if got := b.FetchWindow("v", "c", 1<<20); got != 1<<20 {
		t.Errorf("without a limit an answer may have %d bytes", got)
	}
	for range 3 {
		if wait, send := b.Fetched("u", "c", 1100); wait != time.Second || send {
			t.Errorf("held back for %v, sent %v", wait, send)
		}
	}
	if wait, send := b.Fetched("u", "c", 1000); wait != 0 || !send {
		t.Errorf("what fits is held back for %v, sent %v", wait, send)
	}
	if wait, send := b.Fetched("w", "c", 5000); wait != 0 || !send {
		t.Errorf("without a limit: held back for %v, sent %v", wait, send)
	}
}

// TestABatchThatNeverFitsIsSent once nothing else was taken, and paid for.
func TestABatchThatNeverFitsIsSent(t *testing.T) {
	b := newBench(t)
	b.set(entity("u", ""), meta.ConsumerByteRate, 100)
	b.Fetched("u", "c", 10)
	if _, send := b.Fetched("u", "c", 5000); send {
		t.Error("it is sent on top of others")
	}
	b.now = b.now.Add(time.Minute)
	if wait, send := b.Fetched("u", "c", 5000); wait != 40*time.Second || !send {
		t.Errorf("held back for %v, sent %v", wait, send)
	}
	if _, send := b.Fetched("u", "c", 5000); send {
		t.Error("another is sent at once")
	}
}

func TestTimeIsNotOwedForLong(t *testing.T) {
	b := newBench(t)
	if b.LimitsRequests() {
		t.Error("requests are limited without a quota")
	}
	b.set(entity("", "c"), meta.RequestPercentage, 1)
	if !b.LimitsRequests() {
		t.Error("requests are not limited")
	}
	if wait := b.Served("u", "c", 100*time.Millisecond); wait != 0 {
		t.Errorf("1%% of ten seconds is held back for %v", wait)
	}
	if wait := b.Served("u", "c", time.Minute); wait != time.Second {
		t.Errorf("held back for %v, not for one sample", wait)
	}
}

func TestChangesAreRefusedOnlyInDebt(t *testing.T) {
	b := newBench(t)
	b.set(entity("u", ""), meta.ControllerMutationRate, 2)
	for _, step := range []struct {
		partitions int
		strict     bool
		wait       time.Duration
		allowed    bool
	}{
		{30, true, 0, true},               // 22 were there
		{1, true, 4 * time.Second, false}, // 8 are owed
		{2, false, 5 * time.Second, true}, // an older client is let through and owes 10
		{1, true, 5 * time.Second, false},
	} {
		wait, allowed := b.Changed("u", "c", step.partitions, step.strict)
		if wait != step.wait || allowed != step.allowed {
			t.Errorf("%d partitions, strict %v: %v, %v", step.partitions, step.strict, wait, allowed)
		}
	}
	b.now = b.now.Add(5 * time.Second)
	if _, allowed := b.Changed("u", "c", 1, true); !allowed {
		t.Error("refused when nothing is owed any more")
	}
}

func TestConnectionsOfAnAddressAreCounted(t *testing.T) {
	b := newBench(t)
	one, other := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")
	b.set(meta.QuotaEntity{IP: part("*")}, meta.ConnectionCreationRate, 1)
	b.set(meta.QuotaEntity{IP: meta.Named("::ffff:10.0.0.1")}, meta.ConnectionCreationRate, 2)
	taken := map[netip.Addr]int{}
	for range 100 {
		for _, addr := range []netip.Addr{one, other} {
			if wait := b.Connected(addr); wait == 0 {
				taken[addr]++
			} else if wait > time.Second {
				t.Fatalf("held back for %v", wait)
			}
		}
	}
	if taken[one] != 20 || taken[other] != 10 {
		t.Errorf("taken at once: %v", taken)
	}
}

func TestMemoryOfClientsIsBounded(t *testing.T) {
	b := newBench(t)
	b.set(entity("", "*"), meta.ProducerByteRate, 1000)
	for i := range limit.QuotaClients + 20_000 {
		b.Produced("u", fmt.Sprint("client-", i), 1)
	}
	if n := b.rates[produce].len(); n > limit.QuotaClients {
		t.Errorf("%d clients are measured", n)
	}
	if wait := b.Produced("u", "one-too-many", 200_000); wait == 0 {
		t.Error("who has no place is not limited")
	}
	b.now = b.now.Add(time.Minute)
	for i := range shardCount * 64 {
		b.Produced("u", fmt.Sprint("later-", i), 1)
	}
	if n := b.rates[produce].len(); n > limit.QuotaClients/2 {
		t.Errorf("%d clients are measured after all have been idle", n)
	}
}

func TestManyCountAtOnce(t *testing.T) {
	b := newBench(t)
	b.set(entity("*", "*"), meta.ProducerByteRate, 1000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				b.Produced("u", "c", 10)
			}
		})
	}
	all.Wait()
	if wait := b.Produced("u", "c", 0); wait != 70*time.Second {
		t.Errorf("held back for %v after 80,000 bytes", wait)
	}
}

func TestNobodyIsLimitedByNone(t *testing.T) {
	var m *Manager
	wait, allowed := m.Changed("u", "c", 1<<20, true)
	held, send := m.Fetched("u", "c", 1<<30)
	if m.Produced("u", "c", 1<<30) != 0 || held != 0 || !send || m.FetchWindow("u", "c", 7) != 7 || wait != 0 || !allowed {
		t.Error("a nil Manager limits somebody")
	}
	b := newBench(t)
	if n := testing.AllocsPerRun(100, func() { b.Produced("u", "c", 1); b.Fetched("u", "c", 1); b.Changed("u", "c", 1, true) }); n != 0 {
		t.Errorf("%v allocations for a request without quotas", n)
	}
}

func BenchmarkProduced(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("quota=%v", with), func(b *testing.B) {
			m := newBench(b)
			if with {
				m.set(entity("*", "*"), meta.ProducerByteRate, 1<<40)
			}
			b.ReportAllocs()
			for b.Loop() {
				m.Produced("user", "client", 1000)
			}
		})
	}
}
