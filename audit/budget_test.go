package audit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

// smallBudget is spent by a handful of events.
func smallBudget(c *Config) {
	c.Budget = BudgetConfig{Burst: 8 << 10, BytesPerSecond: 256, Interval: time.Minute}
}

// clientAggregates is how many merged events one client has in an interval at most: the first, which is written at once, those that are alike, the last
// of which are of the five other kinds, and those of which only kind and outcome are kept.
const clientAggregates = 1 + aggregatesAlike + 5*aggregatesAlikeOfKind + aggregatesOfKind

// clientBytes is what docs/audit.md promises that one client makes the log grow by at most, in bytes.
func clientBytes(b BudgetConfig, in time.Duration) int {
	b.setDefaults()
	intervals := int(in/b.Interval) + 1
	return int(b.Burst) + int(float64(b.BytesPerSecond)*in.Seconds()) + eventBytes + intervals*clientAggregates*mergedBytes
}

// bytes is what the events take in the log.
func (l *memoryLog) bytes() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		n += len(e.Key) + len(e.Value) + recordBytes
	}
	return n
}

// kindOf is what an event, or those that it stands for, is called in gaps.
func kindOf(d *document) string {
	switch {
	case d.Unmapped != nil && d.Unmapped.Merged != nil:
		return d.Unmapped.Merged.Of
	case d.ClassUID == classAccountChange:
		return "lockout"
	case d.ClassUID == classAuthentication && d.ActivityID == activityLogoff:
		return "logoff"
	case d.ClassUID == classAuthentication:
		return "authentication"
	case d.ClassUID == classAPIActivity && d.StatusID == statusFailure:
		return "denial"
	default:
		return "access"
	}
}

// told is how often the log says that something was done, by kind. A gap counts what it lost.
func told(docs []document) map[string]uint64 {
	counts := map[string]uint64{}
	for i := range docs {
		d := &docs[i]
		if d.ClassUID == classError {
			for kind, n := range d.Unmapped.Lost {
				counts[kind] += n
			}
			continue
		}
		counts[kindOf(d)] += max(1, d.Count)
	}
	return counts
}

func checkSequence(t *testing.T, docs []document) {
	t.Helper()
	for i := range docs {
		if docs[i].Metadata.Sequence != uint64(i)+1 {
			t.Fatalf("event %d has the number %d", i, docs[i].Metadata.Sequence)
		}
	}
}

func onTopic(op authz.Operation, name string) authz.Need {
	return authz.Need{Op: op, On: authz.Resource{Type: authz.Topic, Name: name}}
}

// TestAFloodIsBoundedAndCounted: whatever one client does, up to 100,000 times in an hour, the log grows by no more than what docs/audit.md promises,
// and says how often it was done.
func TestAFloodIsBoundedAndCounted(t *testing.T) {
	long := strings.Repeat("n", 240)
	known, unknown := alice(), alice()
	unknown.Principal = auth.Principal{}
	floods := map[string]struct {
		kind  string
		many  int
		event func(i int) Event
	}{
		"denials of one name": {"denial", 10_000, func(int) Event { return Denial{Client: known, API: "Produce", Need: onTopic(authz.Write, "t")} }},
		"denials of long names": {"denial", 100_000, func(i int) Event {
			return Denial{Client: known, API: "Produce", Need: onTopic(authz.Write, fmt.Sprint(long, i))}
		}},
		"denials by many client ids": {"denial", 10_000, func(i int) Event {
			c := known
			c.ClientID = fmt.Sprint(i, strings.Repeat("<", 1000))
			return Denial{Client: c, API: "Produce", Need: onTopic(authz.Write, "t")}
		}},
		"log-ins":  {"authentication", 100_000, func(int) Event { return Authentication{Client: known, Succeeded: true, Method: "PLAIN"} }},
		"log-offs": {"logoff", 10_000, func(int) Event { return Logoff{Client: known, Reason: "client"} }},
		"guessed users": {"authentication", 10_000, func(i int) Event {
			return Authentication{Client: unknown, Method: "PLAIN", Claimed: fmt.Sprint(long, i)}
		}},
		"guessed passwords": {"authentication", 10_000, func(int) Event {
			return Authentication{Client: unknown, Method: "PLAIN", Claimed: "bob", Cause: "wrong"}
		}},
		"lock-outs": {"lockout", 10_000, func(i int) Event { return Lockout{Client: unknown, User: fmt.Sprint(i)} }},
		"accesses of ever new names": {"access", 100_000, func(i int) Event {
			used := make([]Accessed, AccessNames)
			for n := range used {
				used[n] = Accessed{Name: fmt.Sprint(long[:200], i, n), Count: 2, First: noon, Last: noon}
			}
			return Access{Client: known, API: "Fetch", Need: onTopic(authz.Read, ""), Decision: authz.Decision{Allowed: true}, Resources: used}
		}},
	}
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				events, each := flood.many, uint64(1)
				if flood.kind == "access" {
					events, each = flood.many/AccessNames, 2*AccessNames
				}
				log := &memoryLog{}
				budget := BudgetConfig{Burst: 256 << 10, BytesPerSecond: 64, Interval: 10 * time.Minute}
				r := start(log, func(c *Config) { c.Budget = budget })
				for i := range events {
					pass(time.Hour / time.Duration(events))
					if err := r.Record(t.Context(), flood.event(i)); err != nil {
						t.Fatal(err)
					}
				}
				mustClose(t, r)
				docs := log.documents(t)
				if got := told(docs)[flood.kind]; got != uint64(events)*each {
					t.Errorf("the log tells of %d %s events, and %d were made", got, flood.kind, uint64(events)*each)
				}
				if got, most := log.bytes(), clientBytes(budget, time.Hour); got > most || got < int(budget.Burst) {
					t.Errorf("the log grew by %d bytes in %d events, and may by %d", got, len(docs), most)
				}
				checkSequence(t, docs)
			})
		})
	}
}

// TestTheLongestEventsAreAsShortAsPromised: of events with everything that a client chooses at its longest, in characters that JSON escapes.
func TestTheLongestEventsAreAsShortAsPromised(t *testing.T) {
	text := strings.Repeat("<", 40<<10)
	names := make([]string, auth.MaxAlternativeNames)
	for i := range names {
		names[i] = text
	}
	s := &auth.Session{
		Method: text, Protocol: "SASL_PLAINTEXT", Token: text, Proven: text, Encryption: &auth.Encryption{Version: "TLSv1.3", Group: "X25519MLKEM768", Suite: text[:40]},
		Certificate: &auth.Certificate{Subject: text, Issuer: text, Serial: text, Fingerprint: text[:64], URIs: names, DNSNames: names, Emails: names, Addresses: names},
	}
	for range auth.MaxGroups {
		s.Groups = append(s.Groups, text[:auth.MaxGroupBytes])
	}
	c := Client{Principal: auth.User(text), Host: text, Listener: text, ClientID: text, Session: s}
	rule := &authz.Binding{Type: authz.TransactionalID, Name: text, Principal: text, Host: text, Operation: authz.IdempotentWrite, Permission: authz.Deny}
	need := authz.Need{Op: authz.IdempotentWrite, On: authz.Resource{Type: authz.TransactionalID, Name: text}}
	a := Access{Client: c, API: text, Need: need, Or: []authz.Need{need, need}, Decision: authz.Decision{Reason: text, Rule: rule}}
	for i := range AccessNames {
		a.Resources = append(a.Resources, Accessed{Name: fmt.Sprint(i, text), Count: 1 << 60, First: noon, Last: noon})
	}
	succeeded := Authentication{
		Client: c, Succeeded: true, Method: text, Proven: text, Groups: s.Groups, Token: text, Certificate: s.Certificate, Encryption: s.Encryption, Expires: noon,
	}
	for name, e := range map[string]Event{
		"access": a, "denial": Denial{Client: c, API: text, Need: need, Decision: a.Decision, RequestID: text[:64]}, "log-in": succeeded,
		"refused log-in": Authentication{Client: c, Claimed: text, Cause: text, Method: text}, "log-off": Logoff{Client: c, Reason: text}, "lock-out": Lockout{Client: c, User: text, Method: text},
		"policy decision": PolicyDecision{Client: c, API: text, Need: need, ACL: a.Decision, Policy: a.Decision, Shadow: true},
	} {
		if n := len(jsonOf(t, e)) + recordBytes; n > eventBytes {
			t.Errorf("%s: %d bytes", name, n)
		}
		m, err := alike(e, "run", noon)
		if err != nil {
			t.Fatal(err)
		}
		if m.key != "" {
			t.Errorf("%s: an event of such a length is kept to be merged", name)
		}
		if n := len(jsonOf(t, m.coarser(c.subject()))) + recordBytes; n > mergedBytes {
			t.Errorf("%s, merged: %d bytes", name, n)
		}
	}
	mergedAtTheirLongest(t)
}

// mergedAtTheirLongest looks at the longest event that is kept to be merged, with the longest names that it takes.
func mergedAtTheirLongest(t *testing.T) {
	t.Helper()
	var longest *merged
	for n := 1; ; n++ {
		c := alice()
		c.Session = &auth.Session{Groups: make([]string, n)}
		m, err := alike(Denial{Client: c, API: "Produce", Need: onTopic(authz.Write, "t")}, "run", noon)
		if err != nil {
			t.Fatal(err)
		}
		if m.key == "" {
			break
		}
		longest = m
	}
	longest.names, longest.nameBytes = nil, 0
	for i := range 10 * mergedNames {
		longest.name(Accessed{Name: fmt.Sprint(i, strings.Repeat("<", (mergedNameBytes/mergedNames-2)/6)), Count: 1 << 60, First: noon, Last: noon}, nil)
	}
	if n := len(jsonOf(t, longest)) + recordBytes; len(longest.key) < alikeBytes*9/10 || len(longest.names) != mergedNames || n > mergedBytes {
		t.Errorf("an event of %d bytes with %d names has %d when it is merged", len(longest.key), len(longest.names), n)
	}
}

// TestAClientWithinItsBudgetIsNotMerged, and neither is he whose budget is whole again.
func TestAClientWithinItsBudgetIsNotMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		r := start(log, smallBudget)
		for range 3 {
			flood(t, r, 20, denial)
			flood(t, r, 4, logon)
			pass(time.Hour)
		}
		mustClose(t, r)
		docs := log.documents(t)
		single, many := map[string]int{}, map[string]int{}
		for i := range docs {
			if docs[i].Unmapped != nil && docs[i].Unmapped.Merged != nil {
				many[kindOf(&docs[i])]++
			} else {
				single[kindOf(&docs[i])]++
			}
		}
		if single["authentication"] != 12 || many["authentication"] != 0 {
			t.Errorf("of 12 log-ins within the budget %d have an event of their own", single["authentication"])
		}
		if single["denial"] < 3*8 || single["denial"] >= 3*20 || many["denial"] != 3*2 {
			t.Errorf("of 3 times 20 denials %d have an event of their own, others are in %d", single["denial"], many["denial"])
		}
	})
}

func flood(t *testing.T, r *Recorder, n int, event func() Event) {
	t.Helper()
	for range n {
		if err := r.Record(t.Context(), event()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheFactOfAFloodIsThereAtOnce: a crash loses the counts of an interval, not that there is something to count.
func TestTheFactOfAFloodIsThereAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		r := start(log, smallBudget)
		flood(t, r, 100, denial)
		synctest.Wait()
		docs := log.documents(t)
		if last := docs[len(docs)-1]; last.Unmapped.Merged == nil || last.Count != 1 || len(docs) > 20 {
			t.Errorf("%d events, the last is %+v", len(docs), last)
		}
		counts, clients := r.Merged()
		if want := uint64(100 - len(docs) + 1); counts["denial"] != want || clients != 1 {
			t.Errorf("%d clients are over their budget, with %v; want %d denials", clients, counts, want)
		}
		pass(time.Minute)
		synctest.Wait()
		docs = log.documents(t)
		if last := docs[len(docs)-1]; last.Unmapped.Merged == nil || last.Count < 2 || told(docs)["denial"] != 100 {
			t.Errorf("after the interval %d events, which tell of %v", len(docs), told(docs))
		}
		if _, clients = r.Merged(); clients != 0 {
			t.Errorf("after the interval %d clients are over their budget", clients)
		}
		mustClose(t, r)
	})
}

// TestChangesAreNeverMerged, whoever makes them.
func TestChangesAreNeverMerged(t *testing.T) {
	log := &memoryLog{}
	r := start(log, smallBudget)
	flood(t, r, 200, func() Event {
		return Change{Principal: "User:alice", API: "CreateAcls", ResourceType: "ACL", Resource: "t"}
	})
	flood(t, r, 200, func() Event { return PolicyChange{Digest: "00"} })
	mustClose(t, r)
	if n := len(log.documents(t)); n != 400 {
		t.Errorf("%d events of 400", n)
	}
}

// TestALogThatFailsRefusesWhoIsOverHisBudget: what is not in the log does not happen, and what had been merged comes when the log is back.
func TestALogThatFailsRefusesWhoIsOverHisBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		r := start(log, smallBudget)
		flood(t, r, 50, logon)
		synctest.Wait()
		log.fail(errDisk)
		if err := r.Record(t.Context(), Lifecycle{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := r.Record(t.Context(), logon()); !errors.Is(err, ErrLogFails) {
			t.Errorf("a log-in that would be merged, while the log fails: %v", err)
		}
		pass(3 * time.Minute)
		log.fail(nil)
		pass(2 * time.Minute)
		mustClose(t, r)
		if got := told(log.documents(t))["authentication"]; got != 51 {
			t.Errorf("the log tells of %d log-ins and lost ones, want 51", got)
		}
	})
}

// TestWhatIsMergedIsWrittenAtTheEnd of the broker too.
func TestWhatIsMergedIsWrittenAtTheEnd(t *testing.T) {
	log := &memoryLog{}
	r := start(log, smallBudget)
	flood(t, r, 500, denial)
	mustClose(t, r)
	docs := log.documents(t)
	if told(docs)["denial"] != 500 || len(docs) > 20 {
		t.Errorf("%d events tell of %v", len(docs), told(docs))
	}
	checkSequence(t, docs)
}

// TestStrangersShareAFewBudgets: who has a network of 2^64 addresses has one budget, and who has many networks few.
func TestStrangersShareAFewBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		host  func(i int) string
		least int
	}{
		"one network":   {func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, 1},
		"many networks": {func(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i>>8, i&0xff) }, strangersShare / 2},
		"many addresses": {func(i int) string {
			return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
		}, strangersShare / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &memoryLog{}
				r := start(log, smallBudget)
				const many = 20_000
				for i := range many {
					e := Authentication{Client: Client{Host: c.host(i), Listener: "L"}, Method: "PLAIN", Claimed: "bob"}
					if err := r.Record(t.Context(), e); err != nil {
						t.Fatal(err)
					}
				}
				mustClose(t, r)
				docs := log.documents(t)
				if told(docs)["authentication"] != many {
					t.Errorf("the log tells of %v", told(docs))
				}
				budgets := (log.bytes() - clientAggregates*mergedBytes) / (8 << 10)
				if most := c.least * 2; budgets > most || log.bytes() < c.least*(8<<10) {
					t.Errorf("the log grew by %d bytes: %d budgets, want %d to %d", log.bytes(), budgets, c.least, most)
				}
			})
		})
	}
}

// TestTheAccountsAndAggregatesAreBounded: beyond these bounds events are merged coarser, and still counted.
func TestTheAccountsAndAggregatesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		r := start(log, func(c *Config) {
			c.Budget = BudgetConfig{Burst: 1, BytesPerSecond: 1}
			c.QueueEvents = 1 << 20
			c.QueueBytes = 1 << 30
		})
		const each = 3
		for i := range maxAccounts + 1000 {
			c := Client{Principal: auth.User(fmt.Sprint(i)), Host: "10.0.0.9"}
			for range each {
				if err := r.Record(t.Context(), Denial{Client: c, API: "Produce", Need: onTopic(authz.Write, "t")}); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.queue.mu.Lock()
		accounts, aggregates := len(r.queue.budget.accounts), r.queue.budget.aggregates
		r.queue.mu.Unlock()
		if accounts != maxAccounts || aggregates < maxAggregates || aggregates > maxAggregates+aggregatesOfKind {
			t.Errorf("%d accounts and %d aggregates", accounts, aggregates)
		}
		pass(time.Minute)
		synctest.Wait()
		docs := log.documents(t)
		if got, want := told(docs)["denial"], uint64(each*(maxAccounts+1000)); got != want {
			t.Errorf("the log tells of %d denials, and %d were made", got, want)
		}
		if last := docs[len(docs)-1]; last.Unmapped.Merged.By != mergedAll || last.Count < maxAccounts/2 {
			t.Errorf("what had no room is %+v", last)
		}
		pass(time.Hour)
		if err := r.Record(t.Context(), denial()); err != nil {
			t.Fatal(err)
		}
		r.queue.mu.Lock()
		accounts, aggregates = len(r.queue.budget.accounts), r.queue.budget.aggregates
		r.queue.mu.Unlock()
		if accounts != 1 || aggregates != 0 {
			t.Errorf("when all budgets are whole there are %d accounts and %d aggregates", accounts, aggregates)
		}
		mustClose(t, r)
	})
}

// TestWithinItsBudgetAClientCostsNothingMore: no allocation beside those of an event that has no budget. That there is no lock more shows in
// tryPut.
func TestWithinItsBudgetAClientCostsNothingMore(t *testing.T) {
	allocs := func(e Event) float64 {
		q := newQueue(&Config{QueueEvents: 1 << 20, QueueBytes: 1 << 30, Budget: largeBudget}, func(Event, time.Time, uint64) (Entry, error) { return Entry{}, nil })
		q.entries = make([]queued, 0, 1<<12)
		return testing.AllocsPerRun(1000, func() {
			if _, room, err := q.tryPut(e, noon); room != nil || err != nil {
				t.Fatal(room, err)
			}
		})
	}
	if with, without := allocs(denial()), allocs(unbudgeted{denial()}); with != 0 || without != 0 {
		t.Errorf("%v allocations, and %v without a budget", with, without)
	}
}

// largeBudget is one that no test spends.
var largeBudget = BudgetConfig{Burst: 1 << 32, BytesPerSecond: 1 << 30}

// unbudgeted is an event that counts against no budget.
type unbudgeted struct{ Event }

func (unbudgeted) who() subject { return subject{} }

func BenchmarkRecord(b *testing.B) {
	for name, e := range map[string]Event{"budget=within": denial(), "budget=none": unbudgeted{denial()}, "budget=spent": denial()} {
		b.Run(name, func(b *testing.B) {
			r := start(discard{}, func(c *Config) {
				c.Budget = largeBudget
				if name == "budget=spent" {
					c.Budget = BudgetConfig{Burst: 1, BytesPerSecond: 1}
				}
			})
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Record(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
			if err := r.Close(b.Context()); err != nil {
				b.Error(err)
			}
		})
	}
}

// discard is a log that keeps nothing.
type discard struct{}

func (discard) Append(context.Context, []Entry) error { return nil }
