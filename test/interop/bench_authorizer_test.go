//go:build interop && bench

package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
	"github.com/chronik-stream/chronik/test/harness"
)

// benchQuestions is how many questions are asked in turn: one alone would always find what it needs in the processor's caches.
const benchQuestions = 4096

// TestBenchAuthorizer asks Apache Kafka's StandardAuthorizer, by JMH, and ours the same questions with the same ACLs, and changes one of
// them. It asserts nothing about speed: it prints the figures and the ratios. What Apache Kafka's takes includes the counting of its
// answers, as in its broker.
func TestBenchAuthorizer(t *testing.T) {
	for _, n := range []int{10, 1_000, 100_000} {
		for _, p := range []authz.PatternType{authz.Literal, authz.Prefixed} {
			s := newShape(n, p)
			ask, change := s.bench(t)
			kafka := s.benchKafka(t)
			t.Logf("%6d %-8s decide %5.0f ns, Apache Kafka %7.0f ns (x%.1f); one more and one less %7.0f ns, Apache Kafka %7.0f ns (x%.1f)", n, p,
				ask, kafka["authorize"], kafka["authorize"]/ask, change, kafka["change"], kafka["change"]/change)
		}
	}
}

// shape is a set of ACLs with questions about it.
type shape struct {
	acls      []authz.Binding
	questions []benchQuestion
	one       authz.Binding
}

type benchQuestion struct {
	who authz.Subject
	op  authz.Operation
	on  authz.Resource
}

// newShape makes n ACLs of a hundred principals, or fewer, on names as they are in use, and questions a quarter of which are denied.
func newShape(n int, p authz.PatternType) shape {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	s := shape{one: authz.Binding{
		Type: authz.Topic, Name: "one-more", Pattern: p, Principal: "User:service-7", Host: "*", Operation: authz.Read, Permission: authz.Allow,
	}}
	for i := range n {
		b := s.one
		b.Name, b.Principal = benchName(i, p), "User:"+benchUser(i)
		s.acls = append(s.acls, b)
	}
	for range benchQuestions {
		i := r.IntN(n)
		q := benchQuestion{authz.Subject{Principal: auth.User(benchUser(i)), Host: "10.0.0.1"}, authz.Read, authz.Resource{Type: authz.Topic, Name: benchName(i, p)}}
		if p == authz.Prefixed {
			q.on.Name += "events"
		}
		if r.IntN(4) == 0 {
			q.op = authz.Write
		}
		s.questions = append(s.questions, q)
	}
	return s
}

func benchUser(i int) string { return fmt.Sprintf("service-%d", i%100) }

func benchName(i int, p authz.PatternType) string {
	name := fmt.Sprintf("team-%d.orders-%d", i%1000, i)
	if p == authz.Prefixed {
		name += "."
	}
	return name
}

// bench returns how many nanoseconds ours takes for an answer, and for an ACL more and the same less.
func (s shape) bench(t *testing.T) (ask, change float64) {
	t.Helper()
	a := acl.New(acl.Config{})
	a.Load(1, s.acls)
	asked := testing.Benchmark(func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			q := &s.questions[i%benchQuestions]
			a.Pin().Decide(q.who, q.op, q.on)
		}
	})
	if asked.AllocsPerOp() != 0 {
		t.Errorf("%d allocations per decision", asked.AllocsPerOp())
	}
	changed, epoch := []authz.Binding{s.one}, uint64(1)
	both := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			a.Apply(epoch+1, authz.BindingDelta{Added: changed})
			a.Apply(epoch+2, authz.BindingDelta{Removed: changed})
			epoch += 2
		}
	})
	return float64(asked.T) / float64(asked.N), float64(both.T) / float64(both.N)
}

// benchKafka returns the nanoseconds of each method of AuthorizerBenchmark.
func (s shape) benchKafka(t *testing.T) map[string]float64 {
	t.Helper()
	classPath, err := harness.ClassPath(harness.Root(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s.cases().write(t, dir+"/cases")
	harness.Command(t, "", "java", "-cp", classPath, "org.openjdk.jmh.Main", "AuthorizerBenchmark", "-p", "cases="+dir+"/cases",
		"-f", "1", "-wi", "5", "-w", "1", "-i", "5", "-r", "1", "-rf", "json", "-rff", dir+"/results")
	raw, err := os.ReadFile(dir + "/results")
	if err != nil {
		t.Fatal(err)
	}
	var runs []struct {
		Benchmark string
		Metric    struct{ Score float64 } `json:"primaryMetric"`
	}
	if err := json.Unmarshal(raw, &runs); err != nil {
		t.Fatal(err)
	}
	took := map[string]float64{}
	for _, r := range runs {
		took[r.Benchmark[strings.LastIndex(r.Benchmark, ".")+1:]] = r.Metric.Score
	}
	if took["authorize"] == 0 || took["change"] == 0 {
		t.Fatalf("JMH measured %v", took)
	}
	return took
}

// cases are the ACLs and the questions for Apache Kafka; the ACL that is removed is the one that comes and goes.
func (s shape) cases() *aclCases {
	var c aclCases
	for i, b := range s.acls {
		c.add(i, b)
	}
	c.remove(len(s.acls), s.one)
	for _, q := range s.questions {
		c.ask(q.who, q.op, q.on)
	}
	return &c
}
