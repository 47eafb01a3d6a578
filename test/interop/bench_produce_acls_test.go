//go:build interop && bench

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	authorizedTopic    = "team-7.orders-7.payments"
	authorizedUser     = "service-7"
	authorizedPassword = "service-7-secret"
	authorizedACLs     = 100_000
	// aclsPerRequest keeps a request, and the audit events that its command carries, below their bounds.
	aclsPerRequest = 1_000
	// authorizedLines connections send requestsPerRound requests in a round, one at a time each, to a partition each.
	authorizedLines  = 16
	requestsPerRound = 16_000
	authorizedRounds = 64
)

// produceTarget is one user at a broker, who does what the others do.
type produceTarget struct {
	name      string
	broker    *harness.Broker
	lines     []*line
	perSecond []float64
	// cpu is the broker's in each round, in microseconds for a request.
	cpu []float64
}

// TestBenchAuthorizedProduce: small batches, one in a request, by a super user, whom nobody asks for anything, and by a user of one
// of 100,000 ACLs, with and without policies beside them, in turn. The log is not synced, so that nothing hides what the processors do.
// It prints throughput and the broker's processor time per request, beside the super user's at the same broker.
func TestBenchAuthorizedProduce(t *testing.T) {
	acls := harness.Start(t, "CHRONIK_FLUSH_POLICY=os")
	both := harness.Start(t, "CHRONIK_FLUSH_POLICY=os", "CHRONIK_AUTHORIZER_MODE=acl+opa", "CHRONIK_POLICIES_DIR="+shippedPolicies(t))
	var targets []*produceTarget
	for _, b := range []*harness.Broker{acls, both} {
		createTopic(t, b, authorizedTopic, authorizedLines)
		addUser(t, b, authorizedUser, authorizedPassword)
		super := newDoor(t, b, b.Bootstrap()).dialAll(t, authorizedLines)
		createACLs(t, super[0])
		targets = append(targets, &produceTarget{name: "super user", broker: b, lines: super}, &produceTarget{
			name: "100,000 ACLs", broker: b, lines: doorOf(t, b, b.Bootstrap(), authorizedUser, authorizedPassword).dialAll(t, authorizedLines),
		})
	}
	targets[3].name = "100,000 ACLs and policies"
	for round := range authorizedRounds + 2 {
		for i := range targets {
			if round%2 == 1 {
				i ^= 1 // whoever is first finds the broker at rest
			}
			targets[i].round(t, round >= 2)
		}
	}
	for i, x := range targets {
		base := targets[i&^1]
		t.Logf("%-26s %6.0f requests/s (%s), processor time %5.2f us (%s)", x.name,
			median(x.perSecond), beside(x.perSecond, base.perSecond), median(x.cpu), beside(x.cpu, base.cpu))
	}
}

// beside tells the ratios of two series that were measured in turn: their median, and between what the middle half of them is. A ratio is of
// two rounds after each other, in which each was first once.
func beside(xs, base []float64) string {
	var ratios []float64
	for i := 0; i+1 < len(xs); i += 2 {
		ratios = append(ratios, (xs[i]+xs[i+1])/(base[i]+base[i+1]))
	}
	slices.Sort(ratios)
	return fmt.Sprintf("x%.3f, half of them x%.3f to x%.3f", median(ratios), ratios[len(ratios)/4], ratios[len(ratios)*3/4])
}

// shippedPolicies are those that a bank might have: personal data and data that has to stay, and working hours for administrators.
func shippedPolicies(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hours.rego", "pii.rego", "residency.rego"} {
		text, err := os.ReadFile(filepath.Join(harness.Root(t), "policies", name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, text)
	}
	write("allow.rego", []byte(`package kafka.authz
import rego.v1
default allow := false
allow if count(data.chronik.hours.deny) + count(data.chronik.pii.deny) + count(data.chronik.residency.deny) == 0
`))
	write("data.json", []byte(`{"topics": [{"prefix": "team-7.", "labels": {"residency": "eu"}}, {"prefix": "customers.", "labels": {"pii": true}}],
"residency": {"networks": {"eu": ["127.0.0.0/8", "::1/128"]}},
"hours": {"zone": "Europe/Zurich", "from": 7, "to": 19, "days": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]}}`))
	return dir
}

// createACLs makes the ACLs of the authorizer's benchmark, half of them with prefixes, and that by which the user may write.
func createACLs(t *testing.T, l *line) {
	t.Helper()
	acls := append(newShape(authorizedACLs/2, authz.Literal).acls, newShape(authorizedACLs/2, authz.Prefixed).acls...)
	acls[0] = authz.Binding{
		Type: authz.Topic, Name: "team-7.orders-7.", Pattern: authz.Prefixed, Principal: "User:" + authorizedUser, Host: "*",
		Operation: authz.Write, Permission: authz.Allow,
	}
	for first := 0; first < len(acls); first += aclsPerRequest {
		q := kmsg.NewPtrCreateACLsRequest()
		q.Version = 3
		for _, b := range acls[first : first+aclsPerRequest] {
			q.Creations = append(q.Creations, kmsg.CreateACLsRequestCreation{
				ResourceType: kmsg.ACLResourceType(b.Type), ResourceName: b.Name, ResourcePatternType: kmsg.ACLResourcePatternType(b.Pattern),
				Principal: b.Principal, Host: b.Host, Operation: kmsg.ACLOperation(b.Operation), PermissionType: kmsg.ACLPermissionType(b.Permission),
			})
		}
		r, err := ask[*kmsg.CreateACLsResponse](l, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, result := range r.Results {
			if err := kerr.ErrorForCode(result.ErrorCode); err != nil {
				t.Fatalf("create an ACL: %v", err)
			}
		}
	}
}

func (x *produceTarget) round(t *testing.T, counts bool) {
	t.Helper()
	before, began := processorTime(t, x.broker), time.Now()
	var run sync.WaitGroup
	for partition, l := range x.lines {
		run.Go(func() {
			q := smallProduce(int32(partition)) //nolint:gosec // few
			for range requestsPerRound / authorizedLines {
				if err := l.produce(q); err != nil {
					t.Errorf("%s: %v", x.name, err)
					return
				}
			}
		})
	}
	run.Wait()
	took := time.Since(began)
	if t.Failed() {
		t.FailNow()
	}
	if counts {
		x.cpu = append(x.cpu, (processorTime(t, x.broker)-before)/requestsPerRound*1e6)
		x.perSecond = append(x.perSecond, requestsPerRound/took.Seconds())
	}
}

func smallProduce(partition int32) *kmsg.ProduceRequest {
	q := kmsg.NewPtrProduceRequest()
	q.Version, q.Acks, q.TimeoutMillis = 12, -1, 30_000
	q.Topics = []kmsg.ProduceRequestTopic{{
		Topic: authorizedTopic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: oneRecord(fmt.Sprintf("%0100d", partition))}},
	}}
	return q
}

func (l *line) produce(q *kmsg.ProduceRequest) error {
	r, err := ask[*kmsg.ProduceResponse](l, q)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(r.Topics[0].Partitions[0].ErrorCode)
}

var processorSeconds = regexp.MustCompile(`(?m)^process_cpu_seconds_total (\S+)$`)

// processorTime is what the broker has taken of the processors so far, in seconds.
func processorTime(t *testing.T, b *harness.Broker) float64 {
	t.Helper()
	found := processorSeconds.FindStringSubmatch(httpGet(t, b, "/metrics"))
	if found == nil {
		t.Fatal("no processor time in the metrics")
	}
	return number(t, found[1])
}
