package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// TestNoiseOfOneKindHidesNoOther: who makes many different denials has what he was allowed told with what it was.
func TestNoiseOfOneKindHidesNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		r := start(log, smallBudget)
		noise := 0
		flood(t, r, 100, func() Event {
			noise++
			c := alice()
			c.ClientID = fmt.Sprint(noise)
			return Denial{Client: c, API: "Produce", Need: onTopic(authz.Write, "noise")}
		})
		allowed := authz.Decision{Allowed: true, Reason: "broke the glass"}
		flood(t, r, 3, func() Event {
			return PolicyDecision{Client: alice(), API: "DeleteTopics", Need: onTopic(authz.Delete, "salaries"), Policy: allowed}
		})
		flood(t, r, 3, func() Event {
			return Access{
				Client: alice(), API: "Fetch", Need: onTopic(authz.Read, ""), Decision: allowed,
				Resources: []Accessed{{Name: "salaries", Count: 1, First: noon, Last: noon}},
			}
		})
		mustClose(t, r)
		for _, kind := range []string{"policy decision", "access"} {
			i := slices.IndexFunc(log.documents(t), func(d document) bool {
				return d.Unmapped != nil && d.Unmapped.Merged != nil && d.Unmapped.Merged.Of == kind && d.Count == 3 &&
					d.StatusDetail == allowed.Reason && len(d.Resources) == 1 && d.Resources[0].Name == "salaries"
			})
			if i < 0 {
				t.Errorf("no event says what each %s was about", kind)
			}
		}
	})
}

// TestALongClientIDHidesNothing: JSON makes six bytes of one of these, and the event would be too long to be told of.
func TestALongClientIDHidesNothing(t *testing.T) {
	c := alice()
	c.Session = &auth.Session{Groups: []string{strings.Repeat("g", 500), strings.Repeat("h", 500)}}
	c.ClientID = "app" + strings.Repeat("\x01", 509)
	m, err := alike(Denial{Client: c, API: "Produce", Need: onTopic(authz.Write, "salaries")}, "run", noon)
	if err != nil {
		t.Fatal(err)
	}
	d := m.document("run")
	if m.key == "" || len(d.Resources) != 1 || d.Resources[0].Name != "salaries" {
		t.Errorf("%d bytes tell of %+v", len(m.key), d.Resources)
	}
	if id := d.Actor.AppName; !strings.HasPrefix(id, "app") || !strings.HasSuffix(id, cutMark) || len(id) > mergedClientID+len(cutMark) {
		t.Errorf("client id %q", id)
	}
}
