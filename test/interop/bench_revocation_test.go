//go:build interop && bench

package interop

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	// aclChanges are made and taken back while so many fetches of somebody else wait.
	aclChanges  = 200
	otherWaits  = 1000
	benchReader = "reader"
)

// aclTarget is one broker whose ACLs are changed.
type aclTarget struct {
	name         string
	admin, fresh *line
	// answered is from the request for a change to its answer, seen from there to the first request that goes by it, woken from the
	// request for a change to the answer of a fetch that waits.
	answered, seen, woken []float64
	// late counts changes that a request after the answer did not go by.
	late int
}

// TestBenchACLChange adds and removes an ACL, and asks until that shows; at this broker a fetch waits that loses its right by it, once alone and
// once among those of others. Apache Kafka lets such a fetch wait on. It asserts nothing about speed.
func TestBenchACLChange(t *testing.T) {
	b := harness.Start(t)
	kafka := harness.StartKafka(t, b)
	user, password := b.Admin(t)
	var targets []*aclTarget
	for name, bootstrap := range map[string]string{"chronik": b.Bootstrap(), "Apache Kafka 4.3.1": kafka.Bootstrap()} {
		for _, args := range [][]string{
			{topicCommand, "--create", "--topic", waitedTopic, "--partitions", "1"},
			{configCommand, "--alter", "--entity-type", "users", "--entity-name", benchReader, "--add-config", "SCRAM-SHA-512=[iterations=4096,password=" + readerPassword + "]"},
			{configCommand, "--alter", "--entity-type", "users", "--entity-name", "other", "--add-config", "SCRAM-SHA-512=[iterations=4096,password=" + readerPassword + "]"},
			{aclCommand, "--add", "--allow-principal", "User:other", "--operation", "Read", "--topic", waitedTopic},
		} {
			tools.Must(t, args[0], append([]string{"--bootstrap-server", bootstrap, "--command-config", b.ClientProperties()}, args[1:]...)...)
		}
		targets = append(targets, &aclTarget{name: name, admin: dialAt(t, b, bootstrap, user, password), fresh: dialAt(t, b, bootstrap, benchReader, readerPassword)})
	}
	slices.SortFunc(targets, func(x, y *aclTarget) int { return len(x.name) - len(y.name) })
	waiting := dialAs(t, b, benchReader, readerPassword)
	q := waitingFetch(topicID(t, b, waitedTopic), 0)
	size := len(q.AppendTo(nil))
	measure := func(others int) {
		for range aclChanges {
			for _, x := range targets {
				x.change(t, true)
				if x.name != "chronik" {
					x.change(t, false)
					continue
				}
				ended := make(chan time.Time, 1)
				go func() {
					got, err := ask[*kmsg.FetchResponse](waiting, waitingFetch(q.Topics[0].TopicID, 0))
					if err != nil || got.Topics[0].Partitions[0].ErrorCode != wire.TopicAuthorizationFailed {
						t.Errorf("the fetch that waits: %+v, %v", got, err)
					}
					ended <- time.Now()
				}()
				waits(t, b, (others+1)*size)
				began := time.Now()
				x.change(t, false)
				x.woken = append(x.woken, milliseconds((<-ended).Sub(began)))
			}
		}
		for _, x := range targets {
			x.report(t, others)
		}
	}
	measure(0)
	for range otherWaits {
		later[*kmsg.FetchResponse](dialAs(t, b, "other", readerPassword), waitingFetch(q.Topics[0].TopicID, 0))
	}
	measure(otherWaits)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// change adds or removes the ACL, and asks until that shows.
func (x *aclTarget) change(t *testing.T, allow bool) {
	t.Helper()
	began := time.Now()
	x.alter(t, allow)
	answered := time.Now()
	for tries := 1; ; tries++ {
		q := fetchOf([16]byte{})
		q.Version, q.SessionEpoch, q.MaxWaitMillis = 12, -1, 0
		q.Topics[0].Topic = waitedTopic
		got, err := ask[*kmsg.FetchResponse](x.fresh, q)
		if err != nil {
			t.Fatal(err)
		}
		if code := got.Topics[0].Partitions[0].ErrorCode; (code == wire.None) == allow {
			break
		}
		if tries == 1 {
			x.late++
		}
	}
	x.answered = append(x.answered, milliseconds(answered.Sub(began)))
	x.seen = append(x.seen, milliseconds(time.Since(answered)))
}

func (x *aclTarget) alter(t *testing.T, allow bool) {
	t.Helper()
	code := int16(0)
	if allow {
		q := kmsg.NewPtrCreateACLsRequest()
		q.Version = 2
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = kmsg.ACLResourceTypeTopic, waitedTopic, kmsg.ACLResourcePatternTypeLiteral
		c.Principal, c.Host, c.Operation, c.PermissionType = "User:"+benchReader, "*", kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow
		q.Creations = append(q.Creations, c)
		r, err := ask[*kmsg.CreateACLsResponse](x.admin, q)
		if err != nil {
			t.Fatal(err)
		}
		code = r.Results[0].ErrorCode
	} else {
		q := kmsg.NewPtrDeleteACLsRequest()
		q.Version = 2
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourceName, f.ResourcePatternType = kmsg.ACLResourceTypeTopic, kmsg.StringPtr(waitedTopic), kmsg.ACLResourcePatternTypeLiteral
		f.Principal, f.Operation, f.PermissionType = kmsg.StringPtr("User:"+benchReader), kmsg.ACLOperationRead, kmsg.ACLPermissionTypeAllow
		q.Filters = append(q.Filters, f)
		r, err := ask[*kmsg.DeleteACLsResponse](x.admin, q)
		if err != nil {
			t.Fatal(err)
		}
		code = r.Results[0].ErrorCode
	}
	if err := kerr.ErrorForCode(code); err != nil {
		t.Fatal(err)
	}
}

// report prints the figures and begins anew.
func (x *aclTarget) report(t *testing.T, others int) {
	t.Helper()
	t.Logf("%-20s with %4d others that wait: answered %6.2f ms (p99 %6.2f), seen by the next request %d of %d times, at the latest %6.2f ms after",
		x.name, others, median(x.answered), p99(x.answered), len(x.seen)-x.late, len(x.seen), slices.Max(x.seen))
	if len(x.woken) > 0 {
		t.Logf("%-20s with %4d others that wait: a fetch that waits is refused %6.2f ms (p99 %6.2f) after the request for the change", x.name, others, median(x.woken), p99(x.woken))
	}
	x.answered, x.seen, x.woken, x.late = nil, nil, nil, 0
}

func p99(xs []float64) float64 {
	xs = slices.Sorted(slices.Values(xs))
	return xs[len(xs)*99/100]
}
