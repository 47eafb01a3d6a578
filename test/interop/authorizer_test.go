//go:build interop

package interop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

const (
	// authorizersPerBatch times statesPerAuthorizer is how many sets of ACLs Apache Kafka is asked about in one run of its JVM.
	authorizersPerBatch = 500
	statesPerAuthorizer = 20
	questionsPerState   = 8
)

// TestAuthorizerAnswersAsKafka changes ACLs step by step and asks the same questions of Apache Kafka's StandardAuthorizer and of ours.
// Where ours differs on purpose (docs/security.md) the ACLs are told to Apache Kafka in its own terms, so that it is the judge of these
// too. INTEROP_SEED repeats a run.
func TestAuthorizerAnswersAsKafka(t *testing.T) {
	t.Parallel()
	seed, counts := killSeed(t), map[string]int{}
	for batch := range authorizerBatches {
		d := &duel{draw: aclDraw{rand.New(rand.NewPCG(seed, uint64(batch)))}}
		for range authorizersPerBatch {
			d.authorizer(t)
		}
		d.compare(t, counts)
	}
	questions := authorizerBatches * authorizersPerBatch * statesPerAuthorizer * questionsPerState
	t.Logf("%d sets of ACLs, %d questions: %v", authorizerBatches*authorizersPerBatch*statesPerAuthorizer, questions, counts)
	for _, reason := range []string{
		"of one: super user true", "of one: ACL true", "of one: ACL false", "of one: no ACL found true", "of one: default deny false",
		"of any: ACL true", "of any: ACL false", "of any: default deny false", "of any: no ACL found true",
	} {
		if counts[reason] < questions/1000 {
			t.Errorf("only %d of %d questions were answered %q: the cases are poor", counts[reason], questions, reason)
		}
	}
}

// duel is one sequence of steps for both.
type duel struct {
	draw   aclDraw
	kafka  aclCases
	asked  []asked
	states [][]authz.Binding
}

// asked is a question and our answer. On.Name is empty where the question is of any resource of the type.
type asked struct {
	who   authz.Subject
	op    authz.Operation
	on    authz.Resource
	got   authz.Decision
	state int
	about string
}

// authorizer begins with a new authorizer of each kind and takes it through its states.
func (d *duel) authorizer(t *testing.T) {
	superUsers := drawOne(d.draw, "", "User:root", "User:root;User:CN=a,O=b", " User:root ; Group:a")
	allowIfNoACL := d.draw.IntN(2) == 0
	ours := acl.New(acl.Config{SuperUsers: principals(t, superUsers), AllowIfNoACL: allowIfNoACL})
	ours.Load(1, nil)
	d.kafka.begin(superUsers, allowIfNoACL)
	s := duelState{terms: kafkaTerms{known: map[authz.Binding]bool{}, numbers: map[authz.Binding]int{}, held: map[authz.Binding]int{}}}
	if d.draw.IntN(4) == 0 {
		s.terms.starred = drawOne(d.draw, "**", "*a", "*ab", "*🙂")
	}
	size := drawOne(d.draw, 1, 4, 12, 40)
	for epoch := range uint64(statesPerAuthorizer) {
		delta := s.change(d.draw, size)
		ours.Apply(epoch+2, delta)
		s.terms.tell(&d.kafka, delta)
		d.states = append(d.states, slices.Clone(s.have))
		for range questionsPerState {
			d.ask(ours.Pin(), s.terms.starred)
		}
	}
}

func principals(t *testing.T, superUsers string) (list []auth.Principal) {
	for text := range strings.SplitSeq(superUsers, ";") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		p, err := auth.ParsePrincipal(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

// ask asks both one question; where there is a starred name, about that.
func (d *duel) ask(ours authz.View, starred string) {
	q := d.draw.question(d.states[len(d.states)-1])
	q.state = len(d.states) - 1
	kafkas := q.who
	kafkas.Host = javaHost(q.who.Host)
	if starred == "" && d.draw.IntN(4) == 0 {
		q.about = "of any"
		q.got = ours.DecideAny(q.who, q.op, q.on.Type)
		d.kafka.askAny(kafkas, q.op, q.on.Type)
		d.asked = append(d.asked, q)
		return
	}
	if starred != "" {
		q.on.Name = starred
	}
	q.about = "of one"
	q.got = ours.Decide(q.who, q.op, q.on)
	d.kafka.ask(kafkas, q.op, q.on)
	d.asked = append(d.asked, q)
}

// question draws a question that most often has to do with an ACL.
func (r aclDraw) question(have []authz.Binding) asked {
	b := r.binding()
	if len(have) > 0 && r.IntN(5) > 0 {
		b = have[r.IntN(len(have))]
	}
	q := asked{who: r.who(), op: r.operation(), on: authz.Resource{Type: b.Type, Name: b.Name}}
	if b.Type != authz.Cluster {
		q.on.Name = mostly(r, b.Name, r.name(), b.Name+"a", b.Name+"🙂", b.Name[:1+r.IntN(len(b.Name))])
	}
	if !utf8.ValidString(q.on.Name) || strings.HasPrefix(q.on.Name, "*") {
		q.on.Name = r.nameOf(b.Type) // a name that begins with a star is asked about where it can be
	}
	if p, err := auth.ParsePrincipal(b.Principal); err == nil && p.Name != "*" {
		q.who.Principal = mostly(r, p, q.who.Principal)
	}
	if b.Operation != authz.All {
		q.op = mostly(r, b.Operation, authz.Describe, authz.DescribeConfigs, q.op)
	}
	return q
}

// compare lets Apache Kafka answer and counts the answers by reason.
func (d *duel) compare(t *testing.T, counts map[string]int) {
	t.Helper()
	answers := d.kafka.run(t)
	if len(answers) != len(d.asked) {
		t.Fatalf("%d answers to %d questions", len(answers), len(d.asked))
	}
	for i := range d.asked {
		q := &d.asked[i]
		counts[fmt.Sprintf("%s: %s %t", q.about, q.got.Reason, q.got.Allowed)]++
		if q.got.Allowed == (answers[i] == 1) {
			continue
		}
		var of []string
		for _, b := range d.states[q.state] {
			if b.Type == q.on.Type {
				of = append(of, fmt.Sprintf("%+q", b))
			}
		}
		t.Fatalf("%+q %s %s %+q: we say %t (%s, %+q), Apache Kafka says %d\n%s", q.who.Principal.String()+" from "+q.who.Host, q.op, q.about, q.on, q.got.Allowed, q.got.Reason, q.got.Rule,
			answers[i], strings.Join(of, "\n"))
	}
}

// duelState are the ACLs that an authorizer has now.
type duelState struct {
	have  []authz.Binding
	terms kafkaTerms
}

// change draws what comes and goes, about as many as there are to be. An ACL may come that is there.
func (s *duelState) change(r aclDraw, size int) (delta authz.BindingDelta) {
	for range r.IntN(1 + len(s.have)/2) {
		i := r.IntN(len(s.have))
		delta.Removed = append(delta.Removed, s.have[i])
		s.have = slices.Delete(s.have, i, i+1)
	}
	for range 1 + r.IntN(size) {
		b := r.binding()
		delta.Added = append(delta.Added, b)
		if !slices.Contains(s.have, b) {
			s.have = append(s.have, b)
		}
	}
	return delta
}

// kafkaTerms says ACLs so that Apache Kafka understands by them what we do: hosts in Java's spelling, and for a name that begins with
// a star, the ACLs of all names are those of this one, since Apache Kafka's search leaves out the wildcard there.
type kafkaTerms struct {
	starred string
	// known are our ACLs, numbers those of Apache Kafka, and held counts of how many of ours each of them is one.
	known   map[authz.Binding]bool
	numbers map[authz.Binding]int
	held    map[authz.Binding]int
}

func (k *kafkaTerms) of(b authz.Binding) authz.Binding {
	b.Host = javaHost(b.Host)
	if k.starred != "" && b.Pattern == authz.Literal && b.Name == authz.Wildcard {
		b.Name = k.starred
	}
	return b
}

// tell tells Apache Kafka of a change, of each ACL once.
func (k *kafkaTerms) tell(to *aclCases, delta authz.BindingDelta) {
	for _, b := range delta.Removed {
		delete(k.known, b)
		kafkas := k.of(b)
		if k.held[kafkas]--; k.held[kafkas] == 0 {
			to.remove(k.numbers[kafkas], kafkas)
			delete(k.held, kafkas)
		}
	}
	for _, b := range delta.Added {
		if k.known[b] {
			continue
		}
		k.known[b] = true
		kafkas := k.of(b)
		if k.held[kafkas]++; k.held[kafkas] > 1 {
			continue
		}
		if _, numbered := k.numbers[kafkas]; !numbered {
			k.numbers[kafkas] = len(k.numbers)
		}
		to.add(k.numbers[kafkas], kafkas)
	}
}
