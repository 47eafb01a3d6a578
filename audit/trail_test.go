package audit

import (
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// logged is the event as the log of a run has it.
func logged(t *testing.T, run string, sequence uint64, e Event) []byte {
	t.Helper()
	value, err := encode(e.document(run), noon.Add(time.Duration(sequence)*time.Second), metadata{LogName: "node-1/" + run, Sequence: sequence})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestATrailTakesEachEventOnce(t *testing.T) {
	need := authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic}}
	access := Access{
		Client: Client{Principal: auth.User("a")}, Need: need, Decision: authz.Decision{Allowed: true},
		Resources: []Accessed{{Name: "t", Count: 5, First: ago(time.Hour), Last: noon}, {Name: "u", Count: 2, First: ago(time.Minute), Last: noon}},
	}
	denial := Denial{Client: access.Client, Need: need, More: 4}
	var trail Trail
	for _, value := range [][]byte{logged(t, "r", 1, access), logged(t, "r", 2, denial)} {
		if trail.Take(value) == nil {
			t.Error("an event that tells of decisions tells of none")
		}
		if trail.Take(value) != nil {
			t.Error("an event was taken twice")
		}
	}
	if trail.Take(logged(t, "s", 1, access)) == nil {
		t.Error("the first event of another run was taken for one that came before")
	}
	if trail.Decisions != 15 || trail.More != 4 || !trail.FirstAccess.Equal(ago(time.Hour)) {
		t.Errorf("%+v", trail)
	}
}

func TestATrailKnowsDeletedTopics(t *testing.T) {
	var trail Trail
	for item, topic := range []string{"t", "u"} {
		e, err := ChangeEvent(Source{}, Change{Index: 7, Item: item, API: "DeleteTopics", ResourceType: "TOPIC", Resource: topic, Time: noon})
		if err != nil {
			t.Fatal(err)
		}
		if trail.Take(e.Value) != nil {
			t.Error("a change tells of decisions")
		}
	}
	if !trail.DeletedTopics["t"] || !trail.DeletedTopics["u"] || len(trail.DeletedTopics) != 2 {
		t.Errorf("deleted topics: %v", trail.DeletedTopics)
	}
}

func TestATrailKnowsWhatItDoesNotKnow(t *testing.T) {
	on, off, stop := Lifecycle{Accesses: AccessesSummary}, Lifecycle{Accesses: AccessesNone}, Lifecycle{Stopping: true}
	cases := map[string]struct {
		events [][]byte
		want   []string
	}{
		"a gap":    {[][]byte{logged(t, "r", 1, Gap{Lost: map[string]uint64{"access": 3, "denial": 1}, Cause: "why"})}, []string{"4 events were not recorded: why"}},
		"a stop":   {[][]byte{logged(t, "r", 1, on), logged(t, "r", 2, stop), logged(t, "s", 1, on)}, nil},
		"a crash":  {[][]byte{logged(t, "r", 9, Logoff{}), logged(t, "s", 1, on)}, []string{"had not stopped"}},
		"off":      {[][]byte{logged(t, "r", 1, off)}, []string{"does not record what is allowed"}},
		"nonsense": {[][]byte{[]byte("?")}, []string{"1 events could not be read"}},
	}
	for name, c := range cases {
		trail := Trail{FirstAccess: noon}
		for _, value := range c.events {
			if trail.Take(value) != nil {
				t.Errorf("%s: it tells of decisions", name)
			}
		}
		notes := trail.Notes()
		if len(notes) != len(c.want) {
			t.Errorf("%s: notes %q, want %q", name, notes, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(notes[i], want) {
				t.Errorf("%s: note %q, want %q", name, notes[i], want)
			}
		}
	}
	if notes := (&Trail{}).Notes(); len(notes) != 1 || !strings.Contains(notes[0], "nothing that was allowed") {
		t.Errorf("an empty trail: %q", notes)
	}
}

// TestAStopIsNoCrashWhateverComesAfterIt: what was merged is written when the broker stops, behind the event of the stop.
func TestAStopIsNoCrashWhateverComesAfterIt(t *testing.T) {
	m, err := alike(denial(), "r", noon)
	if err != nil {
		t.Fatal(err)
	}
	start := Lifecycle{Accesses: AccessesSummary}
	var trail Trail
	trail.FirstAccess = noon
	for _, value := range [][]byte{logged(t, "r", 1, start), logged(t, "r", 2, Lifecycle{Stopping: true}), logged(t, "r", 3, m), logged(t, "s", 1, start)} {
		trail.Take(value)
	}
	if notes := trail.Notes(); len(notes) != 0 {
		t.Errorf("notes: %q", notes)
	}
	trail.Take(logged(t, "u", 1, start))
	if notes := trail.Notes(); len(notes) != 1 {
		t.Errorf("a start that follows a start: %q", notes)
	}
}
