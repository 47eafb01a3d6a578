package replay

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/audit"
	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/acl"
)

var noon = time.UnixMilli(1_760_000_000_000).UTC()

func decided(allowed bool, op authz.Operation, names ...string) *audit.Decided {
	d := &audit.Decided{
		Allowed: allowed, Reason: "then", Client: audit.Client{Principal: auth.User("alice"), Host: "10.0.0.9", Listener: "L"},
		Need: authz.Need{Op: op, On: authz.Resource{Type: authz.Topic}},
	}
	for _, name := range names {
		d.Resources = append(d.Resources, audit.Accessed{Name: name, Count: 3, First: noon, Last: noon.Add(time.Minute)})
	}
	return d
}

func allow(op authz.Operation, name, host string) authz.Binding {
	return authz.Binding{Type: authz.Topic, Name: name, Pattern: authz.Literal, Principal: "User:alice", Host: host, Operation: op, Permission: authz.Allow}
}

func byACLs(cfg acl.Config, acls ...authz.Binding) Candidate {
	a := acl.New(cfg)
	a.Load(1, acls)
	return Candidate{Authorizer: a}
}

func reported(c Candidate, events ...*audit.Decided) Report {
	r := New(c)
	for _, d := range events {
		r.Add(d)
	}
	return r.Report(&audit.Trail{FirstAccess: noon})
}

func TestFlips(t *testing.T) {
	elsewhere := decided(true, authz.Read, "kept")
	elsewhere.Client.Host, elsewhere.Resources[0].Last = "10.0.0.10", noon.Add(time.Hour)
	got := reported(
		byACLs(acl.Config{}, allow(authz.Read, "kept", "10.0.0.9"), allow(authz.Write, "new", "*")),
		decided(true, authz.Read, "kept", "gone"), decided(true, authz.Read, "gone"), elsewhere,
		decided(false, authz.Write, "new", "never"),
	)
	why := Why{Reason: "then"}
	none := Why{Reason: acl.ReasonDefault}
	want := Report{
		Distinct: 4, Lost: 2, Gained: 1, Flips: []Flip{
			{Principal: "User:alice", Operation: "READ", Resource: "TOPIC", Name: "gone", Was: why, Would: none, Count: 6, Last: noon.Add(time.Minute), Hosts: []string{"10.0.0.9"}},
			{Principal: "User:alice", Operation: "READ", Resource: "TOPIC", Name: "kept", Was: why, Would: none, Count: 3, Last: noon.Add(time.Hour), Hosts: []string{"10.0.0.10"}},
			{Principal: "User:alice", Operation: "WRITE", Resource: "TOPIC", Name: "new", Allowed: true, Was: why, Would: Why{Reason: acl.ReasonACL, ACL: "ALLOW WRITE on TOPIC:LITERAL:new to User:alice from *"}, Count: 3, Last: noon.Add(time.Minute), Hosts: []string{"10.0.0.9"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestAnyOfSeveralNeeds: what one of several needs allowed flips only where none of them does.
func TestAnyOfSeveralNeeds(t *testing.T) {
	d := decided(true, authz.Create, "t")
	d.Or = []authz.Need{{Op: authz.Write, On: authz.Resource{Type: authz.Topic}, AnyOfType: true}}
	if got := reported(byACLs(acl.Config{}, allow(authz.Write, "other", "*")), d); len(got.Flips) != 0 {
		t.Errorf("flips: %+v", got.Flips)
	}
	if got := reported(byACLs(acl.Config{}, allow(authz.Read, "other", "*")), d); got.Lost != 1 {
		t.Errorf("no flip: %+v", got)
	}
}

func TestSuperUsersOfTheListener(t *testing.T) {
	by := map[string][]auth.Principal{"L": {auth.User("alice")}}
	if got := reported(byACLs(acl.Config{SuperUsersBy: by}), decided(true, authz.Read, "t")); len(got.Flips) != 0 {
		t.Errorf("flips: %+v", got.Flips)
	}
}

// timed allows before a time, and who is in a group.
type timed struct {
	authz.View
	now, before time.Time
}

func (c *timed) Pin() authz.View { return c }

func (c *timed) Epoch() uint64 { return 1 }

func (c *timed) Decide(who authz.Subject, _ authz.Operation, _ authz.Resource) authz.Decision {
	facts := who.Request.RequestFacts()
	return authz.Decision{
		Allowed: c.now.Before(c.before) && who.Session.Groups[0] == "staff" && facts == authz.RequestFacts{API: "Fetch", Key: 1, Version: 17, ClientID: "app"},
	}
}

// TestPoliciesSeeWhatWasRecorded: the session, the request and both times.
func TestPoliciesSeeWhatWasRecorded(t *testing.T) {
	d := decided(true, authz.Read, "t")
	version := int16(17)
	d.Version = &version
	d.API, d.Client.ClientID, d.Client.Session = "Fetch", "app", &auth.Session{Groups: []string{"staff"}}
	for offset, flips := range map[time.Duration]int{time.Second: 1, time.Hour: 0, -time.Second: 1} {
		rules := &timed{before: noon.Add(offset)}
		got := reported(Candidate{Authorizer: rules, At: func(at time.Time) { rules.now = at }}, d)
		if len(got.Flips) != flips {
			t.Errorf("%v: %+v", offset, got.Flips)
		}
		if len(got.Notes) != 0 {
			t.Errorf("notes: %q", got.Notes)
		}
	}
}

// TestVersionsThatWereNotRecorded: policies, which may look at them, see none, and the report says of how many decisions.
func TestVersionsThatWereNotRecorded(t *testing.T) {
	d := decided(true, authz.Read, "t", "u")
	d.Client.Session = &auth.Session{Groups: []string{"staff"}}
	rules := &timed{}
	got := reported(Candidate{Authorizer: rules, At: func(at time.Time) { rules.now = at }}, d)
	if len(got.Notes) != 1 || !strings.HasPrefix(got.Notes[0], "6 decisions were recorded without the version") {
		t.Errorf("notes: %q", got.Notes)
	}
	if byACLs := reported(byACLs(acl.Config{}), d); len(byACLs.Notes) != 0 {
		t.Errorf("ACLs look at no version: %q", byACLs.Notes)
	}
}

// TestEveryAPIHasItsNumber: names are Apache Kafka's, which kmsg writes in another case.
func TestEveryAPIHasItsNumber(t *testing.T) {
	r := New(Candidate{})
	for name, key := range map[string]int16{"Produce": 0, "SaslHandshake": 17, "DescribeAcls": 29, "AlterUserScramCredentials": 51, "ConsumerGroupDescribe": 69} {
		if got := r.requestOf(&audit.Decided{API: name}).RequestFacts(); got.Key != key || got.API != name {
			t.Errorf("%s is %+v", name, got)
		}
	}
}

func TestCutNamesAreNotDecided(t *testing.T) {
	got := reported(byACLs(acl.Config{}), decided(true, authz.Read, strings.Repeat("n", 512)+"…"))
	if len(got.Flips) != 0 || len(got.Notes) != 1 {
		t.Errorf("%+v", got)
	}
}
