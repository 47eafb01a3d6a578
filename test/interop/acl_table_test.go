//go:build interop

package interop

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// tried is a request that is sent under one set of ACLs after the other.
type tried struct {
	name    string
	version int16
	request func(w *world) kmsg.Request
	// needs are the ACLs that it takes, in the words of parseACL. Each of them is left out once, and denied once beside all of them.
	needs []string
	// also are further sets of ACLs to try it under.
	also []string
	// before makes, as the super user, what the request is about.
	before func(t *testing.T, w *world)
}

// answerTimeout is how long an answer may take, on a busy machine too.
const answerTimeout = 30 * time.Second

// elsewhere is an address that no client of the test has.
const elsewhere = " from 192.0.2.1"

// situations are the sets of ACLs that a request is tried under; what is allowed, and so may change something, comes last.
func (c *tried) situations() []string {
	all := strings.Join(c.needs, ", ")
	out := []string{""}
	if len(c.needs) > 1 {
		out = append(out, c.needs...)
	}
	for _, one := range c.needs {
		out = append(out, all+", deny "+one)
	}
	if len(c.needs) > 0 {
		out = append(out, strings.Join(c.needs, elsewhere+", ")+elsewhere)
	}
	out = append(out, c.also...)
	if len(c.needs) > 0 {
		out = append(out, all)
	}
	return out
}

// aclDifferences are the answers that differ from Apache Kafka's on purpose, by request and ACLs, and why. docs/security.md tells of them.
var aclDifferences = map[[2]string]difference{
	{"Metadata creates a topic by a right on it", "DESCRIBE topic made-by-topic, CREATE topic made-by-topic"}: {
		"a topic is there when the broker answers that it has made it", "{NONE made-by-topic {NONE 0}} NONE",
	},
	{"Metadata creates a topic by a right on the cluster", "DESCRIBE topic made-by-cluster, CREATE cluster"}: {
		"a topic is there when the broker answers that it has made it", "{NONE made-by-cluster {NONE 0}} NONE",
	},
	{"DeleteTopics by id", "DELETE topic doomed-by-id, deny DESCRIBE topic doomed-by-id"}: {
		"who may not describe a topic is not told its name, though he may delete it", "{id 2 TOPIC_AUTHORIZATION_FAILED; id 3 NONE}",
	},
	{"FindCoordinator of a share group", "CLUSTER_ACTION cluster"}: {
		"there are no share groups", "NONE {sharers:AQAAAAAAAAAAAAAAAAAAAQ:0 INVALID_REQUEST}",
	},
	{"DescribeConfigs of client metrics", "DESCRIBE_CONFIGS cluster"}: {"there are no client metrics", "{INVALID_REQUEST gauges}"},
}

type difference struct{ why, answer string }

// TestACLTable sends, for every API, a request without ACLs, with some and with all that it needs, with a DENY beside them, and with those of
// another host, and compares what is told and shown with what Apache Kafka tells and shows: each code, each name, each authorized operation.
//
// INTEROP_SUBJECT=kafka compares Apache Kafka with what was recorded of it, and INTEROP_WRITE_ACL_TABLE=1 besides records it.
func TestACLTable(t *testing.T) {
	t.Parallel()
	s := startSubject(t, tokensOn)
	w := newWorld(t, s)
	defer w.hangUp()
	served := w.served(t)
	recording := os.Getenv("INTEROP_WRITE_ACL_TABLE") != "" && onKafka()
	var recorded aclAnswers
	if !recording {
		recorded = readACLTable(t)
		recorded.holdExactly(t, aclTableCases())
	}
	written := aclAnswers{}
	asked := map[int16]bool{}
	for _, c := range aclTableCases() {
		q := c.request(w)
		versions, found := served[q.Key()]
		if !found {
			continue // what Apache Kafka answers stands in the table already
		}
		asked[q.Key()] = true
		if c.version < versions.MinVersion || c.version > versions.MaxVersion {
			t.Errorf("%s: version %d is not served", c.name, c.version)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			for _, acls := range c.situations() {
				got := w.try(t, &c, acls)
				written.add(c.name, acls, got.text)
				if !recording {
					got.compare(t, &c, acls, recorded.of(c.name, acls))
				}
			}
		})
	}
	for key := range served {
		if !asked[key] && !needsNothing[key] && !onKafka() {
			t.Errorf("API %d %s is served, and not tried", key, kmsg.NameForKey(key))
		}
	}
	if recording && !t.Failed() {
		written.write(t)
	}
}

// needsNothing are the APIs that come before the log-in, and those of telemetry, which Apache Kafka asks no authorizer about.
var needsNothing = map[int16]bool{17: true, 18: true, 36: true, 71: true, 72: true}

// try sends a case's request as the user who has these ACLs, and no others.
func (w *world) try(t *testing.T, c *tried, acls string) told {
	t.Helper()
	if c.before != nil {
		c.before(t, w)
	}
	w.give(t, acls)
	q := c.request(w)
	q.SetVersion(c.version)
	resp := q.ResponseKind()
	_ = w.user.conn.SetDeadline(time.Now().Add(answerTimeout))
	if err := w.user.exchange(q, resp); err != nil {
		w.user = w.dial(t, userName, userPassword)
		t.Fatalf("%s with %q: %v", c.name, acls, err)
	}
	return told{text: w.shown(resp), asked: textsOf(q), answered: textsOf(resp)}
}

// told is an answer in the table's words, and all texts of the request and of the answer, messages included.
type told struct{ text, asked, answered string }

// compare takes a difference from Apache Kafka only where it is meant. No text of an answer, not even a message, may name what neither the
// client nor Apache Kafka's answer does.
func (a told) compare(t *testing.T, c *tried, acls, kafkas string) {
	t.Helper()
	want := kafkas
	if d, found := aclDifferences[[2]string{c.name, acls}]; found && !onKafka() {
		want = d.answer
		if want == kafkas {
			t.Errorf("with %q: said to differ from Apache Kafka since %s, and does not", acls, d.why)
		}
	}
	if a.text != want {
		t.Errorf("with %q:\n ours  %s\n wants %s", acls, a.text, want)
	}
	for _, name := range secrets {
		if !onKafka() && strings.Contains(a.answered, name) && !strings.Contains(a.asked, name) && !strings.Contains(want, name) {
			t.Errorf("with %q: the answer names %s: %s", acls, name, a.answered)
		}
	}
}
