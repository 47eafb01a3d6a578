package history

import "testing"

// TestFlagsNoNearMiss feeds the checker with histories that look odd and that a correct broker can bring about.
func TestFlagsNoNearMiss(t *testing.T) {
	cases := map[string]func(f *forger){
		"a retry after an unknown outcome that took place": func(f *forger) {
			f.send(1, 0, "a1", Unknown, 0)
			f.send(2, 0, "a2", OK, 1)
			f.assign(3, 0)
			f.poll(3, 0, run(0, "a1", "a2")...)
		},
		"a retry that overtakes what it repeats": func(f *forger) {
			f.send(1, 0, "a1", Unknown, 0)
			f.send(2, 0, "a2", OK, 0)
			f.assign(3, 0)
			f.poll(3, 0, run(0, "a2", "a1")...)
		},
		"an unknown outcome that did not take place": func(f *forger) {
			f.send(1, 0, "a1", Unknown, 0)
			f.send(2, 0, "a2", OK, 0)
			f.assign(3, 0)
			f.poll(3, 0, at(0, "a2"))
		},
		"an acknowledgement without an offset": func(f *forger) {
			f.send(1, 0, "a", OK, -1)
			f.assign(2, 0)
			f.poll(2, 0, at(0, "a"))
		},
		"the gap of an aborted transaction and its marker": func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(2, 7, "b", OK, 1)
			f.end(2, 7, false, OK)
			f.send(1, 0, "c", OK, 3)
			f.assign(3, 0)
			f.poll(3, 0, at(0, "a"), at(3, "c"))
		},
		"the hole of a commit marker": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, true, OK)
			f.send(1, 8, "b", OK, 2)
			f.end(1, 8, true, OK)
			f.assign(3, 0)
			f.poll(3, 4, at(0, "a"), at(2, "b"))
			f.pollAll(4, 4, at(0, "a"), at(2, "b"))
			f.stable(5, 4)
		},
		"a restart from an old position": func(f *forger) {
			for i := range 3 {
				f.send(1, 0, name("v", i), OK, int64(i))
			}
			f.assign(2, 0)
			f.poll(2, 0, run(0, "v0", "v1", "v2")...)
			f.assign(2, 1)
			f.poll(2, 0, run(1, "v1", "v2")...)
		},
		"a restart from a later position": func(f *forger) {
			for i := range 3 {
				f.send(1, 0, name("v", i), OK, int64(i))
			}
			f.assign(2, 0)
			f.poll(2, 0, at(0, "v0"))
			f.assign(2, 2)
			f.poll(2, 0, at(2, "v2"))
		},
		"a reader that begins at an unknown position": func(f *forger) {
			for i := range 3 {
				f.send(1, 0, name("v", i), OK, int64(i))
			}
			f.poll(2, 0, at(2, "v2"))
			f.poll(2, 0)
		},
		"a commit that is not answered and took place": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, true, Unknown)
			f.poll(2, 0, at(0, "a"))
		},
		"a commit that is not answered and did not take place": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.end(1, 7, true, Unknown)
			f.assign(2, 0)
			f.poll(2, 2)
		},
		"a commit that is seen before it is answered": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.beginEnd(1, 7, true)
			f.stable(3, 2)
			f.poll(2, 0, at(0, "a"))
			f.add(Event{Client: 1, Op: End, Phase: OK, Txn: 7, Commit: true})
		},
		"a record that is seen before it is acknowledged": func(f *forger) {
			f.begin(1, 0, "a")
			f.pollAll(2, 0, at(0, "a"))
			f.done(1, 0, "a", OK, 0)
		},
		"a transaction that is aborted by its time-out, before its producer tries to commit": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.assign(2, 0)
			f.poll(2, 2)
			f.stable(3, 2)
			f.end(1, 7, true, Fail)
		},
		"a transaction whose producer was killed": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.begin(1, 7, "b")
			f.assign(2, 0)
			f.poll(2, 3)
		},
		"open and aborted records for a reader that sees all": func(f *forger) {
			f.send(1, 7, "a", OK, 0)
			f.pollAll(2, 0, at(0, "a"))
			f.end(1, 7, false, OK)
			f.pollAll(3, 0, at(0, "a"))
		},
		"an effect whose first attempts are aborted": func(f *forger) {
			f.once(1, 7, "a1", "a", 0)
			f.end(1, 7, false, OK)
			f.once(1, 8, "a2", "a", 2)
			f.end(1, 8, true, OK)
			f.assign(2, 0)
			f.poll(2, 0, at(2, "a2"))
			f.pollAll(3, 0, at(0, "a1"), at(2, "a2"))
		},
		"sends of two clients at the same time": func(f *forger) {
			f.begin(1, 0, "a")
			f.begin(2, 0, "b")
			f.done(2, 0, "b", OK, 1)
			f.done(1, 0, "a", OK, 0)
			f.assign(3, 0)
			f.poll(3, 0, run(0, "a", "b")...)
		},
		"an effect seen by two readers": func(f *forger) {
			f.once(1, 7, "a1", "a", 0)
			f.end(1, 7, true, OK)
			f.poll(2, 0, at(0, "a1"))
			f.poll(3, 0, at(0, "a1"))
		},
		"the stable offset in front of an open transaction": func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(1, 7, "b", OK, 1)
			f.stable(2, 1)
			f.poll(3, 1, at(0, "a"))
			f.end(1, 7, true, OK)
		},
		"the last record is not passed": func(f *forger) {
			f.send(1, 0, "a", OK, 0)
			f.send(1, 0, "b", OK, 1)
			f.assign(2, 0)
			f.poll(2, 0, at(0, "a"))
		},
	}
	for name, forge := range cases {
		t.Run(name, func(t *testing.T) {
			var f forger
			forge(&f)
			if found := Check(f.events); len(found) != 0 {
				t.Errorf("found %v", found)
			}
		})
	}
}
