package simulation

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/coordinator"
	"github.com/chronik-stream/chronik/broker/txn"
	"github.com/chronik-stream/chronik/broker/wire"
	"github.com/chronik-stream/chronik/test/history"
)

// TestBank has clients move money between accounts in transactions, and work on orders whose offsets are part of them, while the broker and its
// coordinators fail at any append, messages are lost and late, clients die, stall or live on as zombies, and transactions time out. What clients
// saw is a history without anomaly; in the end every transaction is over, read-committed readers see both sides of every transfer that was
// committed and of no other, and each order before the committed offset took effect once, those behind it never.
func TestBank(t *testing.T) {
	forEachSeed(t, 200, 1, func(t *testing.T, seed uint64) {
		w := newWorld(seed, faults{})
		if found := w.run(); len(found) > 0 {
			t.Errorf("seed %d, %+v: %s", seed, w.draw, strings.Join(found, "\n"))
		}
	})
}

// TestSeedRepeats: a seed is one and the same run, or a failure could not be looked at.
func TestSeedRepeats(t *testing.T) {
	for seed := range uint64(20) {
		first, second := newWorld(seed, faults{}), newWorld(seed, faults{})
		first.run()
		second.run()
		if !reflect.DeepEqual(first.events, second.events) {
			t.Errorf("seed %d was not the same twice", seed)
		}
	}
}

// run is a whole run. It returns what is wrong with it.
func (w *world) run() []string {
	w.quiet = w.now.Add(runTime)
	w.startBroker()
	w.after(w.upTo(runTime), func() { w.finalize(w.draw.levels[1]) })
	for i := range 4 {
		w.startClient(fmt.Sprintf("bank-%d", i%3), nil) // the last one has the id of the first
	}
	for i := range workers {
		w.startShop(i)
		todo := orders(i)
		w.startClient(workerID(i), &todo)
	}
	for i := range 3 {
		w.startReader(i > 0)
	}
	w.runUntil(w.quiet.Add(drainTime))
	w.checkEnd()
	w.disk.close()
	for _, a := range history.Check(w.events) {
		w.breaks("%s", a)
	}
	return w.broken
}

// checkEnd checks that everything is over, and counts the money.
func (w *world) checkEnd() {
	if w.broker == nil {
		w.breaks("the broker is down")
		return
	}
	for _, h := range w.broker.hosts {
		h.checkOver()
	}
	effects := map[string]int{}
	final := &reader{w: w, committed: true}
	total, sides := 0, map[int64]int{}
	for i := range accounts {
		final.assign(i, 0)
		l := w.disk.partition(account(i))
		if l.stable() != l.end() {
			w.breaks("the last stable offset of %v is %d of %d", account(i), l.stable(), l.end())
		}
		for final.positions[i] < l.stable() {
			ev := final.read(i)
			w.record(ev)
			for _, r := range ev.Records {
				number, amount := parse(w, r.Value)
				total += amount
				sides[number]++
				if order, ok := orderOf(r.Value); ok {
					effects[order]++
				}
			}
		}
	}
	for i := range workers {
		w.checkOrders(i, effects)
	}
	if total != 0 {
		w.breaks("there is %d of money, not 0", total)
	}
	for _, t := range w.transfers {
		if n := sides[t.txn]; n != 0 && n != 2 || t.committed && n != 2 {
			w.breaks("transfer %d, committed %v, has %d sides", t.txn, t.committed, n)
		}
	}
}

func parse(w *world, value string) (transfer int64, amount int) {
	var unique int
	if _, err := fmt.Sscanf(value, "%d: transfer %d: %d", &unique, &transfer, &amount); err != nil {
		w.breaks("a record says %q", value)
	}
	return transfer, amount
}

// checkOver checks that no transaction is open or still to be marked.
func (h *host) checkOver() {
	answered := false
	q := txn.List{States: []string{txn.Ongoing.String(), txn.PrepareCommit.String(), txn.PrepareAbort.String()}, DurationMillis: -1}
	h.ask(func(ticket uint64) coordinator.Event {
		return coordinator.Asked[txn.Request]{Ticket: ticket, Request: q}
	}, func(code int16, value any) {
		answered = true
		if code != wire.None || fmt.Sprint(value) != "[]" {
			h.w.breaks("there are transactions at the end: code %d, %v", code, value)
		}
	})
	h.w.runUntil(h.w.now.Add(time.Second))
	if !answered {
		h.w.breaks("the coordinator of %v does not answer", h.at)
	}
}
