//go:build interop && bench

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/record"
	"github.com/chronik-stream/chronik/test/harness"
)

const (
	authorizedTopic    = "team-7.orders-7.payments"
	authorizedUser     = "service-7"
	authorizedPassword = "service-7-secret"
	authorizedACLs     = 100_000
	// aclsPerRequest keeps a request, and the audit events that its command carries, below their bounds.
	aclsPerRequest = 1_000
	// authorizedLines connections send the requests of a round, one at a time each, to a partition each.
	authorizedLines = 16
	// A sitting opens connections for every user, and then lets the users have their rounds in turn, blocksPerSitting times. So what one
	// connection has of luck, such as where its memory is, does not last.
	authorizedSittings = 20
	blocksPerSitting   = 48
)

// produceLoad is what one request holds, and how many are in a round: some twenty milliseconds.
type produceLoad struct{ records, bytes, requestsPerRound int }

// authorizedArm is one user at a broker, who does what the others do.
type authorizedArm struct {
	name, user, password string
	lines                []*line
	// took and cpu are how long a request of each round took, and what it took of the broker's processor time, in nanoseconds.
	took, cpu []float64
}

// TestBenchAuthorizedProduce: a super user, whom no ACL and no policy is asked about, the same once more, which tells what the method can
// tell apart, and a user of one of 100,000 ACLs, with and without policies beside them, in turn at one process of the broker. It has one
// processor and the clients another one, and the log is not synced, so that nothing hides what they do. It prints how long a request takes
// and what it takes of the broker's processor time, and how that compares with the round of the super user beside it: the median, and the
// interval of 95 %. Rounds in which memory is collected are outliers there, whoever's they are; authorizing takes none
// (TestAuthorizingTakesNoAllocation).
func TestBenchAuthorizedProduce(t *testing.T) {
	loads := map[string]produceLoad{
		"one record of 100 bytes": {records: 1, bytes: 100, requestsPerRound: 1_008},
		"16 records of 1 KiB":     {records: 16, bytes: 1000, requestsPerRound: 320},
	}
	modes := map[string][]string{
		"acl": nil, "acl+opa": {"CHRONIK_AUTHORIZER_MODE=acl+opa", "CHRONIK_POLICIES_DIR=" + shippedPolicies(t)},
	}
	for name, load := range loads {
		for mode, settings := range modes {
			t.Run(name+"/"+mode, func(t *testing.T) { benchAuthorized(t, load, settings) })
		}
	}
}

func benchAuthorized(t *testing.T, load produceLoad, settings []string) {
	b := harness.Start(t, append([]string{"GOMAXPROCS=1", "CHRONIK_FLUSH_POLICY=os", "CHRONIK_LOG_RETENTION_CHECK_INTERVAL_MS=5000"}, settings...)...)
	admin(t, b, topicCommand, "--create", "--topic", authorizedTopic, "--partitions", fmt.Sprint(authorizedLines),
		"--config", "segment.bytes=16777216", "--config", "retention.bytes=16777216", "--config", "file.delete.delay.ms=1000")
	addUser(t, b, authorizedUser, authorizedPassword)
	super, password := b.Admin(t)
	arms := []*authorizedArm{
		{name: "super user", user: super, password: password},
		{name: "the same again", user: super, password: password},
		{name: "100,000 ACLs", user: authorizedUser, password: authorizedPassword},
	}
	onOneProcessor(t, b.PID(), 0)
	onOneProcessor(t, os.Getpid(), 1)
	createACLs(t, newDoor(t, b, b.Bootstrap()).dialAll(t, 1)[0])
	for sitting := range authorizedSittings {
		for i := range arms {
			arm := arms[(sitting+i)%len(arms)]
			arm.lines = doorOf(t, b, b.Bootstrap(), arm.user, arm.password).dialAll(t, authorizedLines)
			arm.round(t, b, load)
		}
		for _, arm := range arms {
			arm.took, arm.cpu = arm.took[:sitting*blocksPerSitting], arm.cpu[:sitting*blocksPerSitting]
		}
		for block := range blocksPerSitting {
			for i := range arms {
				arms[turn(block, i, len(arms))].round(t, b, load)
			}
		}
		for _, arm := range arms {
			for _, l := range arm.lines {
				l.conn.Close()
			}
		}
	}
	for _, arm := range arms {
		t.Logf("%-14s %6.0f requests/s; a request takes %6.2f us, %s; processor time %6.2f us, %s", arm.name, 1e9/median(arm.took),
			median(arm.took)/1e3, beside(arm.took, arms[0].took), median(arm.cpu)/1e3, beside(arm.cpu, arms[0].cpu))
	}
}

// turn is whose turn is the i-th of a block, so that each of n is in each place as often as the others, after and before each of them.
func turn(block, i, n int) int {
	if block%2 == 1 {
		i = n - 1 - i
	}
	return (i + block/2) % n
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

// round sends the requests of a round.
func (a *authorizedArm) round(t *testing.T, b *harness.Broker, load produceLoad) {
	t.Helper()
	before, began := processorTime(t, b), time.Now()
	var run sync.WaitGroup
	for partition, l := range a.lines {
		run.Go(func() {
			q := load.request(int32(partition)) //nolint:gosec // few
			for range load.requestsPerRound / authorizedLines {
				if err := l.produce(q); err != nil {
					t.Errorf("%s: %v", a.name, err)
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
	requests := float64(load.requestsPerRound)
	a.took, a.cpu = append(a.took, float64(took.Nanoseconds())/requests), append(a.cpu, (processorTime(t, b)-before)/requests)
}

func (p *produceLoad) request(partition int32) *kmsg.ProduceRequest {
	var batch record.Builder
	for range p.records {
		batch.Add(time.Now().UnixMilli(), nil, fmt.Appendf(nil, "%0*d", p.bytes, partition))
	}
	q := kmsg.NewPtrProduceRequest()
	q.Version, q.Acks, q.TimeoutMillis = 12, -1, 30_000
	q.Topics = []kmsg.ProduceRequestTopic{{
		Topic: authorizedTopic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: batch.Batch()}},
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
