package doctor_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/auth/scram"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/meta"
)

func hashed(t *testing.T, user, password string, h scram.Hash, iterations int) *meta.AlterScram {
	t.Helper()
	c, err := scram.Derive(password, scram.NewSalt(), iterations, h)
	if err != nil {
		t.Fatal(err)
	}
	return &meta.AlterScram{Upserts: []meta.ScramCredential{{
		User: user, Mechanism: meta.ScramMechanism(h), Salt: c.Salt, StoredKey: c.StoredKey, ServerKey: c.ServerKey, Iterations: iterations,
	}}}
}

// TestDefaultPasswordsAreTried: those of examples and the user's own name are found, by either mechanism, and told once.
func TestDefaultPasswordsAreTried(t *testing.T) {
	w := newWard(t)
	commands := []meta.Command{
		hashed(t, "admin", "changeit", scram.SHA256, 4096), hashed(t, "bob", "bob", scram.SHA512, 4096), hashed(t, "carol", "carol-secret", scram.SHA512, 4096),
		hashed(t, "dora", "bob", scram.SHA512, 4096),
	}
	var trial doctor.Trial
	if d := trial.Try(w.image(commands...)); d.Credentials != 3 || d.Left != 0 || !slices.Equal(d.Found, []string{"admin", "bob", "carol"}) {
		t.Errorf("found %+v", d)
	}
	commands = append(commands, hashed(t, "bob", "another-good-one", scram.SHA512, 4096), hashed(t, "dora", "kafka", scram.SHA512, 4096))
	if d := trial.Try(w.image(commands...)); d.Credentials != 3 || !slices.Equal(d.Found, []string{"dora"}) {
		t.Errorf("after changes: %+v", d)
	}
}

// TestTrialsAreBounded: what is too much for one call is left for the next ones, which do not do anything twice.
func TestTrialsAreBounded(t *testing.T) {
	w := newWard(t)
	var commands []meta.Command
	for n := range 8 {
		commands = append(commands, hashed(t, fmt.Sprint("user", n), "secret", scram.SHA256, scram.MaxIterations))
	}
	img := w.image(commands...)
	var trial doctor.Trial
	first := trial.Try(img)
	if first.Left == 0 || first.Left >= 8 || first.Credentials+first.Left != 8 || len(first.Found) != first.Credentials {
		t.Fatalf("at first: %+v", first)
	}
	if d := trial.Try(img); d.Left != 0 || d.Credentials != 8 || len(d.Found) != first.Left {
		t.Errorf("then: %+v", d)
	}
	if d := trial.Try(img); d.Credentials != 8 || len(d.Found) != 0 {
		t.Errorf("and then: %+v", d)
	}
}
