package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestFlagsNoGoodHistory: what a broker that does all right brings about is never flagged.
func TestFlagsNoGoodHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, 1)
		if found := Check(w.events); len(found) != 0 {
			t.Fatalf("found %v in\n%s", found, printed(t, w.events))
		}
	})
}

// TestFindsMutations: a good history with one thing changed is flagged for it.
func TestFindsMutations(t *testing.T) {
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				events := drawMutated(t, m.change)
				if found := Check(events); !slices.Contains(kinds(found), m.want) {
					t.Fatalf("found %v, not %s, in\n%s", found, m.want, printed(t, events))
				}
			})
		})
	}
}

// drawMutated draws until it has a history that the mutation fits.
func drawMutated(t *rapid.T, change func(*mutator) bool) []Event {
	for {
		events := drawWorld(t, 100).events
		if change(&mutator{t: t, events: events}) {
			return events
		}
	}
}

func printed(t *rapid.T, events []Event) string {
	var b strings.Builder
	if err := Print(&b, events); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestChecksHundredsOfThousandsOfEvents: the time for each event does not grow with their number, or this would not end.
func TestChecksHundredsOfThousandsOfEvents(t *testing.T) {
	const sends, batch = 150_000, 100
	var f forger
	f.assign(2, 0)
	f.assign(3, 0)
	for from := 0; from < sends; from += batch {
		records := make([]Record, batch)
		for i := range records {
			records[i] = at(int64(from+i), fmt.Sprintf("v%d", from+i))
			f.send(1, int64(1+from/batch), records[i].Value, OK, records[i].Offset)
		}
		f.end(1, int64(1+from/batch), true, OK)
		f.poll(2, 0, records...)
		f.poll(3, 0, records...)
	}
	if found := Check(f.events); len(found) != 0 {
		t.Errorf("found %v", found)
	}
}
