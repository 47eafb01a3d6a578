package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// mergeAll merges events that are alike, a second apart, up to noon.
func mergeAll(t *testing.T, events ...Event) *merged {
	t.Helper()
	a := &account{}
	for i, e := range events {
		m, err := alike(e, "run", ago(time.Duration(len(events)-1-i)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		if !a.join(m) {
			a.merged = append(a.merged, m)
		}
	}
	if len(a.merged) != 1 {
		t.Fatalf("%d events are not alike, but %d", len(events), len(a.merged))
	}
	return a.merged[0]
}

func deniedOn(names ...string) (events []Event) {
	for i, name := range names {
		c := alice()
		c.Connection = uint64(i)
		events = append(events, Denial{Client: c, RequestID: fmt.Sprint(i), API: "Produce", Need: onTopic(authz.Write, name), Decision: authz.Decision{Reason: "default deny"}})
	}
	return events
}

func TestMergedEventsAsJSON(t *testing.T) {
	stranger := alice()
	stranger.Principal = auth.Principal{}
	refused := func(claimed string) Event {
		return Authentication{Client: stranger, Method: "PLAIN", Claimed: claimed, Cause: "credential does not match"}
	}
	cases := map[string]struct {
		event *merged
		want  string
	}{
		"denials": {
			mergeAll(t, deniedOn("t", "u", "t")...),
			`{"activity_id":3,"activity_name":"Update","category_uid":6,"class_uid":6003,"class_name":"API Activity","type_uid":600303,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"status_detail":"default deny",` +
				`"count":3,"start_time":1759999998000,"end_time":1760000000000,` +
				`"actor":{"user":{"name":"alice","uid":"User:alice","type_id":1},"app_name":"app",` +
				`"authorizations":[{"decision":"Denied","policy":{"name":"default deny"}}]},` +
				`"api":{"operation":"Produce","version":"0","service":{"name":"kafka"}},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"resources":[{"name":"t","type":"TOPIC","data":{"count":2,"first_time":1759999998000,"last_time":1760000000000}},` +
				`{"name":"u","type":"TOPIC","data":{"count":1,"first_time":1759999999000,"last_time":1759999999000}}],` +
				`"unmapped":{"operation":"WRITE","merged":{"of":"denial","by":"alike"}},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"refused log-ins": {
			mergeAll(t, refused("bob"), refused("carol"), refused("bob")),
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"status_detail":"credential does not match",` +
				`"count":3,"start_time":1759999998000,"end_time":1760000000000,"actor":{"app_name":"app"},` +
				`"user":{"name":"unknown","type_id":0},"auth_protocol":"PLAIN","auth_protocol_id":7,"is_cleartext":false,"is_remote":true,` +
				`"logon_type_id":3,"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"unmapped":{"merged":{"of":"authentication","by":"alike","claimed":[` +
				`{"name":"bob","count":2,"first_time":1759999998000,"last_time":1760000000000},` +
				`{"name":"carol","count":1,"first_time":1759999999000,"last_time":1759999999000}]}},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"denials of a client": {
			mergeAll(t, deniedOn("t", "u")...).coarser(subject{principal: auth.User("alice")}),
			`{"activity_id":99,"activity_name":"Other","category_uid":6,"class_uid":6003,"class_name":"API Activity","type_uid":600399,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"count":2,"start_time":1759999999000,"end_time":1760000000000,` +
				`"actor":{"user":{"name":"alice","uid":"User:alice","type_id":1}},"service":{"name":"kafka"},"api":{"operation":"unknown"},` +
				`"src_endpoint":{"name":"unknown"},"unmapped":{"merged":{"of":"denial","by":"client"}},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"refused log-ins of a network": {
			mergeAll(t, refused("bob")).coarser((&Client{Host: "2001:db8::1"}).subject()),
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"count":1,"start_time":1760000000000,"end_time":1760000000000,` +
				`"user":{"name":"unknown","type_id":0},"service":{"name":"kafka"},"src_endpoint":{"name":"2001:db8::/64"},` +
				`"unmapped":{"merged":{"of":"authentication","by":"client"}},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
	}
	for name, c := range cases {
		if got := jsonOf(t, c.event); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestWhoIsMergedWithWhom: budgets go by principal, and by network where there is none.
func TestWhoIsMergedWithWhom(t *testing.T) {
	of := func(p auth.Principal, host string) subject { return (&Client{Principal: p, Host: host}).subject() }
	nobody := auth.Principal{}
	for name, c := range map[string]struct {
		a, b subject
		same bool
	}{
		"a principal from two addresses":     {of(auth.User("a"), "10.0.0.1"), of(auth.User("a"), "10.0.0.2"), true},
		"two principals from one address":    {of(auth.User("a"), "10.0.0.1"), of(auth.User("b"), "10.0.0.1"), false},
		"two strangers":                      {of(nobody, "10.0.0.1"), of(nobody, "10.0.0.2"), false},
		"one network of IPv6":                {of(nobody, "2001:db8::1"), of(nobody, "2001:db8::ffff:0:0:2"), true},
		"two networks of IPv6":               {of(nobody, "2001:db8::1"), of(nobody, "2001:db8:0:1::1"), false},
		"an address of IPv4 in one of IPv6":  {of(nobody, "::ffff:10.0.0.1"), of(nobody, "10.0.0.1"), true},
		"anonymous clients":                  {of(auth.Anonymous(), "10.0.0.1"), of(auth.Anonymous(), "10.0.0.2"), false},
		"an anonymous client and a stranger": {of(auth.Anonymous(), "10.0.0.1"), of(nobody, "10.0.0.1"), true},
	} {
		if (c.a == c.b) != c.same {
			t.Errorf("%s: %+v and %+v", name, c.a, c.b)
		}
	}
}

// TestWhatIsUnlikeIsNotMerged as long as there is room for it.
func TestWhatIsUnlikeIsNotMerged(t *testing.T) {
	base := Denial{Client: alice(), API: "Produce", Need: onTopic(authz.Write, "t")}
	change := func(f func(*Denial)) Event { d := base; f(&d); return d }
	seen := map[string]string{}
	for name, e := range map[string]Event{
		"base": base, "host": change(func(d *Denial) { d.Client.Host = "10.0.0.10" }), "listener": change(func(d *Denial) { d.Client.Listener = "L" }),
		"client id": change(func(d *Denial) { d.Client.ClientID = "other" }), "api": change(func(d *Denial) { d.API = "Fetch" }),
		"operation": change(func(d *Denial) { d.Need.Op = authz.Read }), "type": change(func(d *Denial) { d.Need.On.Type = authz.Group }),
		"reason": change(func(d *Denial) { d.Decision.Reason = "because" }), "session": change(func(d *Denial) { d.Client.Session = session() }),
		"rule":            change(func(d *Denial) { d.Decision.Rule = &authz.Binding{Name: "t"} }),
		"policy decision": PolicyDecision{Client: alice(), API: "Produce", Need: base.Need},
	} {
		m, err := alike(e, "run", noon)
		if err != nil {
			t.Fatal(err)
		}
		if other, is := seen[m.key]; is || m.key == "" {
			t.Errorf("%q is merged with %q", name, other)
		}
		seen[m.key] = name
	}
}

// TestAMergedDenialReadsAsManyDenials: each name that it has as often as it was denied, and the rest as denials without a name.
func TestAMergedDenialReadsAsManyDenials(t *testing.T) {
	var names []string
	for i := range 3 * mergedNames {
		names = append(names, fmt.Sprint("t", i))
	}
	d := recorded(t, mergeAll(t, deniedOn(append(names, "t0", strings.Repeat("n", 2*mergedNameBytes))...)...)).Decided
	if d == nil || d.Allowed || d.Client.Principal != auth.User("alice") || d.Need != onTopic(authz.Write, "") || d.Reason != "default deny" {
		t.Fatalf("%+v", d)
	}
	if len(d.Resources) != mergedNames || d.Resources[0].Name != "t0" || d.Resources[0].Count != 2 || d.More != 2*mergedNames+1 {
		t.Errorf("%d more, and %+v", d.More, d.Resources)
	}
	if nameless := recorded(t, mergeAll(t, deniedOn(strings.Repeat("\x01", 400), strings.Repeat("\x02", 4000))...)).Decided; nameless == nil ||
		nameless.More != 1 || len(nameless.Resources) != 1 {
		t.Errorf("of names of which one alone has room: %+v", nameless)
	}
}

func TestOtherMergedEventsTellOfNoDecision(t *testing.T) {
	of := func(e Event) *merged { return mergeAll(t, e) }
	yes := authz.Decision{Allowed: true, Reason: "policy"}
	access := Access{
		Client: alice(), API: "Fetch", Need: onTopic(authz.Read, ""), Decision: yes,
		Resources: []Accessed{{Name: "t", Count: 7, First: ago(time.Minute), Last: noon}},
	}
	whose := subject{principal: auth.User("alice")}
	for name, c := range map[string]struct {
		event *merged
		want  *Merged
	}{
		"log-ins":         {of(logon()), nil},
		"policies":        {of(PolicyDecision{Client: alice(), Need: onTopic(authz.Read, "t"), Policy: yes}), nil},
		"log-offs":        {of(Logoff{Client: alice()}).coarser(whose), nil},
		"denials":         {of(deniedOn("t")[0]).coarser(whose), &Merged{Denials: 1}},
		"accesses of all": {of(access).coarser(whose).coarser(subject{}), &Merged{Accesses: 7}},
	} {
		p := recorded(t, c.event)
		if p.Decided != nil || p.Gap != nil || p.Lifecycle != nil {
			t.Errorf("%s: %+v", name, p)
		}
		if diff := cmp.Diff(c.want, p.Merged); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestATrailCountsWhatWasMerged: with its names, and without.
func TestATrailCountsWhatWasMerged(t *testing.T) {
	access := Access{
		Client: alice(), API: "Fetch", Need: onTopic(authz.Read, ""), Decision: authz.Decision{Allowed: true},
		Resources: []Accessed{{Name: "t", Count: 7, First: ago(time.Minute), Last: noon}, {Name: "u", Count: 5, First: noon, Last: noon}},
	}
	whose := subject{principal: auth.User("alice")}
	var trail Trail
	decisions := uint64(0)
	for i, e := range []Event{
		mergeAll(t, deniedOn("t", "u", "t")...), mergeAll(t, access, access), mergeAll(t, deniedOn("t", "u")...).coarser(whose), mergeAll(t, access).coarser(subject{}),
	} {
		if d := trail.Take(logged(t, "r", uint64(i)+1, e)); d != nil {
			for _, r := range d.Resources {
				decisions += r.Count
			}
		}
	}
	const named = 3 + 2*12
	if trail.Decisions != named || decisions != named || trail.More != 2 || trail.MoreAccesses != 12 {
		t.Errorf("%+v", trail)
	}
	notes := strings.Join(trail.Notes(), "\n")
	for _, want := range []string{"2 denials have no event of their own", "12 times something was allowed of which the log has no name"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in %q", want, notes)
		}
	}
}
