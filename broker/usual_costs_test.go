package broker

import (
	"fmt"
	"testing"

	"github.com/chronik-stream/chronik/broker/meta"
)

// TestUsualCostsFollowTheUsers: what unknown users are shown is what most have, as users come, change and go.
func TestUsualCostsFollowTheUsers(t *testing.T) {
	image, u := meta.NewImage(), newUsualCosts()
	change := func(c *meta.AlterScram) {
		next, delta, _ := image.Apply(image.Index()+1, c)
		u.Follow(image, next, delta)
		image = next
	}
	set := func(user string, m meta.ScramMechanism, iterations int) {
		change(&meta.AlterScram{Upserts: []meta.ScramCredential{{User: user, Mechanism: m, Iterations: iterations}}})
	}
	expect := func(when string, m meta.ScramMechanism, want cost) {
		t.Helper()
		if got := u.of(m); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	expect("nobody", meta.ScramSHA512, cost{})
	set("a", meta.ScramSHA512, 16384)
	expect("one user", meta.ScramSHA512, cost{meta.ScramSHA512, 16384})
	set("b", meta.ScramSHA512, 4096)
	expect("one of each", meta.ScramSHA512, cost{meta.ScramSHA512, 4096})
	set("c", meta.ScramSHA512, 16384)
	expect("two of three", meta.ScramSHA512, cost{meta.ScramSHA512, 16384})
	set("c", meta.ScramSHA512, 4096)
	expect("one has changed", meta.ScramSHA512, cost{meta.ScramSHA512, 4096})
	for n := range 4 {
		set(fmt.Sprint("weak", n), meta.ScramSHA256, 8192)
	}
	set("a", meta.ScramSHA256, 8192)
	expect("another mechanism", meta.ScramSHA512, cost{meta.ScramSHA512, 4096})
	expect("another mechanism", meta.ScramSHA256, cost{meta.ScramSHA256, 8192})
	expect("by PLAIN", byPlain, cost{meta.ScramSHA256, 8192})
	for n := range 4 {
		change(&meta.AlterScram{Deletes: []meta.ScramName{{User: fmt.Sprint("weak", n), Mechanism: meta.ScramSHA256}}})
	}
	expect("after a deletion", byPlain, cost{meta.ScramSHA512, 4096})

	later := newUsualCosts()
	store := meta.NewStore()
	store.Subscribe(later.Follow)
	if got := later.of(byPlain); got != (cost{}) {
		t.Errorf("an empty store: %+v", got)
	}
}
