package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// ago is a time in whole milliseconds, as events have them.
func ago(d time.Duration) time.Time { return noon.Add(-d) }

// recorded is the event as it is read from the log.
func recorded(t *testing.T, e Event) Past {
	t.Helper()
	p, err := Read([]byte(jsonOf(t, e)))
	if err != nil {
		t.Fatal(err)
	}
	if p.LogName != "node-1/run" || p.Sequence != 1 || !p.Time.Equal(noon) {
		t.Errorf("event %+v", p)
	}
	return p
}

func session() *auth.Session {
	return &auth.Session{
		Principal: auth.User("alice"), Groups: []string{"a", "b"}, Method: "SCRAM-SHA-512", Listener: "SASL_SSL", Protocol: "SASL_SSL",
		Token: "token", Proven: "alice@REALM",
		Encryption: &auth.Encryption{Version: "TLSv1.3", Group: "X25519MLKEM768", Suite: "TLS_AES_128_GCM_SHA256", PostQuantum: true},
		Certificate: &auth.Certificate{
			Subject: "CN=a", Issuer: "CN=ca", Serial: "beef", Fingerprint: "00ff", NotBefore: ago(time.Hour), NotAfter: noon,
			URIs: []string{"spiffe://a"}, DNSNames: []string{"a.b"}, Emails: []string{"a@b"}, Addresses: []string{"10.0.0.9"},
		},
	}
}

func sameDecided(t *testing.T, got *Decided, want Decided) {
	t.Helper()
	if got == nil {
		t.Fatal("the event tells of no decision")
	}
	want.Client.Connection = 0 // it is joined with the run, and no rule looks at it
	options := []cmp.Option{cmpopts.IgnoreFields(auth.Session{}, "Host"), cmpopts.IgnoreFields(auth.Certificate{}, "Chain")}
	if diff := cmp.Diff(want, *got, options...); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestAnAccessReadsAsItWas(t *testing.T) {
	client := alice()
	client.Session = session()
	rule := authz.Binding{
		Type: authz.Topic, Name: "pay", Pattern: authz.Prefixed, Principal: "User:alice", Host: "*", Operation: authz.All, Permission: authz.Allow,
	}
	used := []Accessed{
		{Name: "pay-1", Count: 7, First: ago(time.Hour), Last: ago(time.Minute)}, {Name: "pay-2", Count: 1, First: ago(2 * time.Hour), Last: ago(2 * time.Hour)},
	}
	need := authz.Need{Op: authz.Describe, On: authz.Resource{Type: authz.Topic}, OrOn: authz.TheCluster(), OrOp: authz.ClusterAction}
	a := Access{
		Client: client, API: "OffsetForLeaderEpoch", Version: 4, Need: need, Or: []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}},
		Decision: authz.Decision{Allowed: true, Reason: "ACL", Rule: &rule}, Resources: used,
	}
	sameDecided(t, recorded(t, a).Decided, Decided{
		Allowed: true, Client: client, API: "OffsetForLeaderEpoch", Version: version(4), Need: authz.Need{Op: authz.Describe, On: authz.Resource{Type: authz.Topic}},
		Or:     []authz.Need{{Op: authz.ClusterAction, On: authz.TheCluster()}, {Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}},
		Reason: "ACL", ACL: &rule, Resources: used,
	})
	for _, part := range []string{
		`"activity_name":"Read"`, `"severity_id":1,"status_id":1`, `"count":8`, `"start_time":1759992800000,"end_time":1759999940000`,
		`"decision":"Allowed","policy":{"name":"ACL","desc":"ALLOW ALL on TOPIC:PREFIXED:pay to User:alice from *"}`,
	} {
		if text := jsonOf(t, a); !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

func TestADenialReadsAsItWas(t *testing.T) {
	client := alice()
	client.Session = session()
	n := Denial{
		Client: client, API: "Produce", Need: authz.Need{Op: authz.Write, On: authz.Resource{Type: authz.Topic, Name: "t"}},
		Decision: authz.Decision{Reason: "default deny"}, More: 3,
	}
	sameDecided(t, recorded(t, n).Decided, Decided{
		Client: client, API: "Produce", Version: version(0), Need: authz.Need{Op: authz.Write, On: authz.Resource{Type: authz.Topic}}, Reason: "default deny",
		Resources: []Accessed{{Name: "t", Count: 1, First: noon, Last: noon}}, More: 3,
	})
}

func version(n int16) *int16 { return &n }

// TestAnEventWithoutAVersionReads: older releases recorded none.
func TestAnEventWithoutAVersionReads(t *testing.T) {
	text := jsonOf(t, Denial{Client: alice(), API: "Fetch", Version: 17, Need: authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "t"}}})
	p, err := Read([]byte(strings.Replace(text, `"version":"17",`, "", 1)))
	if err != nil || p.Decided == nil || p.Decided.API != "Fetch" || p.Decided.Version != nil {
		t.Errorf("read %+v, %v", p.Decided, err)
	}
}

func TestOtherEventsTellOfNoDecision(t *testing.T) {
	need := authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "t"}}
	yes := authz.Decision{Allowed: true, Reason: "policy: because"}
	for name, e := range map[string]Event{
		"log-in": Authentication{Client: alice(), Succeeded: true}, "log-off": Logoff{Client: alice()}, "policies": PolicyChange{Digest: "00"},
		"policy decision": PolicyDecision{Client: alice(), Need: need, Policy: yes}, "shadow": PolicyDecision{Client: alice(), Need: need, Policy: yes, Shadow: true},
		"change": Change{Principal: "User:alice", API: "CreateTopics", ResourceType: "TOPIC", Resource: "t"},
	} {
		if p := recorded(t, e); p.Decided != nil || p.Gap != nil || p.Lifecycle != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// TestDeletedTopicsRead: of changes the deletion of a topic says that there was one, if it was really deleted.
func TestDeletedTopicsRead(t *testing.T) {
	c := Change{Principal: "User:alice", API: "DeleteTopics", ResourceType: "TOPIC", Resource: "t"}
	if p := recorded(t, c); p.DeletedTopic != "t" {
		t.Errorf("a deletion: %+v", p)
	}
	refused, asked, made, records := c, c, c, c
	refused.Code, refused.CodeName = 44, "POLICY_VIOLATION"
	asked.Action, asked.ResourceType, asked.Resource = "CreateApproval", "APPROVAL", "ABC"
	made.API = "CreateTopics"
	records.API = "DeleteRecords"
	for name, other := range map[string]Change{"refused": refused, "an approval": asked, "creation": made, "records": records} {
		if p := recorded(t, other); p.DeletedTopic != "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestGapsAndStartsRead(t *testing.T) {
	gap := Gap{Lost: map[string]uint64{"access": 3}, From: ago(time.Hour), To: noon, Cause: "audit log fails"}
	if diff := cmp.Diff(&gap, recorded(t, gap).Gap); diff != "" {
		t.Error(diff)
	}
	start := Lifecycle{Version: "1", Reason: "why", Accesses: AccessesNone}
	if diff := cmp.Diff(&start, recorded(t, start).Lifecycle); diff != "" {
		t.Error(diff)
	}
	if l := recorded(t, Lifecycle{Stopping: true}).Lifecycle; l == nil || !l.Stopping {
		t.Errorf("a stop reads as %+v", l)
	}
}

func TestWhatIsNoEventIsAnError(t *testing.T) {
	denial := jsonOf(t, Denial{Version: 9, Client: alice(), Need: authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "t"}}})
	for _, text := range []string{"", "[]", "{", strings.Replace(denial, `"READ"`, `"SMELL"`, 1), strings.Replace(denial, `"TOPIC"`, `"SOUP"`, 1), strings.Replace(denial, `"version":"9"`, `"version":"99999"`, 1)} {
		if p, err := Read([]byte(text)); err == nil {
			t.Errorf("%s is read as %+v", text, p)
		}
	}
}

func TestLongNamesAreKnownToBeCut(t *testing.T) {
	if long := strings.Repeat("n", maxText+1); !Cut(clip(long)) || Cut(long[:maxText]) || Cut("n…") {
		t.Error("cut names are not told from others")
	}
}

// FuzzRead: whatever stands in the topic, reading it ends with an event or an error.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"class_uid":6003,"actor":{"user":{"type_id":1},"authorizations":[{"decision":"Denied"}]},"resources":[{}],"unmapped":{"operation":"READ"}}`))
	f.Add([]byte(`{"class_uid":6008}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Read(b)
		if err == nil && p.Decided != nil && (!p.Decided.Need.Op.Concrete() || !p.Decided.Need.On.Type.Concrete()) {
			t.Errorf("%s asks for %+v", b, p.Decided.Need)
		}
	})
}
