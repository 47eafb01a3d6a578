package oauth

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/chronik-stream/chronik/auth"
)

// run starts Run and returns what ends it.
func run(t *testing.T, keys *Keys) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		keys.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func newEndpointKeys(t *testing.T, e *endpoint) *Keys {
	t.Helper()
	keys, err := NewKeys(e.config())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestARotatedKeyIsFetchedForTheFirstTokenThatNamesIt(t *testing.T) {
	old, next := newSigningKey(t, "old", jose.ES256), newSigningKey(t, "next", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySetOf(t, old)}
		keys := newEndpointKeys(t, e)
		defer run(t, keys)()
		synctest.Wait()
		e.set(keySetOf(t, old, next), nil)
		var logins sync.WaitGroup
		var failed atomic.Int32
		for range 100 {
			for _, id := range []string{"old", "next"} {
				logins.Go(func() {
					if _, err := keys.find(t.Context(), id, jose.ES256); err != nil {
						failed.Add(1)
					}
				})
			}
		}
		logins.Wait()
		if n := failed.Load(); n > 0 {
			t.Errorf("%d of 200 did not find their key", n)
		}
		if n := e.times(); n != 2 {
			t.Errorf("the issuer was asked %d times", n)
		}
	})
}

func TestStrangersCannotMakeTheIssuerBusy(t *testing.T) {
	key := newSigningKey(t, "k", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{body: keySetOf(t, key)}
		keys := newEndpointKeys(t, e)
		defer run(t, keys)()
		synctest.Wait()
		began, tries := time.Now(), 0
		for time.Since(began) < 10*time.Minute {
			tries++
			if _, err := keys.find(t.Context(), "made up", jose.ES256); !errors.Is(err, errUnknownKey) || errors.Is(err, auth.ErrUndecided) {
				t.Fatalf("a key that nobody knows: %v", err)
			}
			if _, err := keys.find(t.Context(), "k", jose.ES256); err != nil {
				t.Fatalf("a known key: %v", err)
			}
		}
		if n := e.times(); n > 2+int(10*time.Minute/askInterval) || tries < 2 {
			t.Errorf("%d made-up keys in ten minutes, and the issuer was asked %d times", tries, n)
		}
	})
}

func TestTheLastGoodKeysStay(t *testing.T) {
	key, other := newSigningKey(t, "k", jose.ES256), newSigningKey(t, "other", jose.ES256)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{err: errors.New("refused")}
		keys := newEndpointKeys(t, e)
		defer run(t, keys)()
		if _, err := keys.find(t.Context(), "k", jose.ES256); !errors.Is(err, auth.ErrUndecided) {
			t.Errorf("before any keys were read: %v", err)
		}
		e.set(keySetOf(t, key), nil)
		<-time.After(5 * time.Second)
		if _, err := keys.find(t.Context(), "k", jose.ES256); err != nil {
			t.Fatalf("after the issuer came back: %v", err)
		}
		for _, bad := range []string{`{"keys":[]}`, "<html>", `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`} {
			e.set(bad, nil)
			if _, err := keys.find(t.Context(), "other", jose.ES256); !errors.Is(err, auth.ErrUndecided) {
				t.Errorf("a key that a bad set may lack: %v", err)
			}
			if _, err := keys.find(t.Context(), "k", jose.ES256); err != nil {
				t.Errorf("the last good key is gone: %v", err)
			}
		}
		if s := keys.Stats(); s.Keys != 1 || s.Failures < 4 || s.Refreshed.IsZero() {
			t.Errorf("stats: %+v", s)
		}
		e.set(keySetOf(t, other), nil)
		<-time.After(2 * time.Hour)
		if _, err := keys.find(t.Context(), "other", jose.ES256); err != nil {
			t.Errorf("the next key: %v", err)
		}
		if _, err := keys.find(t.Context(), "k", jose.ES256); !errors.Is(err, errUnknownKey) {
			t.Errorf("a key that the issuer has withdrawn: %v", err)
		}
	})
}

func TestPausesAfterFailuresGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{status: 503}
		defer run(t, newEndpointKeys(t, e))()
		for _, want := range []int{1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5} {
			synctest.Wait()
			if n := e.times(); n != want {
				t.Fatalf("asked %d times, want %d", n, want)
			}
			<-time.After(time.Second)
		}
	})
}

func TestALogInThatIsGivenUpDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newEndpointKeys(t, &endpoint{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := keys.find(ctx, "k", jose.ES256); !errors.Is(err, auth.ErrUndecided) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

// TestTheEndDoesNotWaitForAFile that is on a mount which has stalled.
func TestTheEndDoesNotWaitForAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := newEndpointKeys(t, &endpoint{})
		reached, released := make(chan struct{}), make(chan struct{})
		defer close(released)
		keys.source = fileSource(func() ([]byte, error) {
			close(reached)
			<-released
			return nil, nil
		})
		stop := run(t, keys)
		<-reached
		stop()
	})
}

func TestAFileOfKeysIsReadAgain(t *testing.T) {
	key, other := newSigningKey(t, "k", jose.ES256), newSigningKey(t, "other", jose.ES256)
	path := filepath.Join(t.TempDir(), "jwks.json")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keySetOf(t, key))
	keys, err := NewKeys(KeysConfig{URL: "file:" + path, Refresh: time.Hour, Backoff: time.Second, BackoffMax: time.Second, Ask: time.Millisecond, Logger: discard()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.find(t.Context(), "k", jose.ES256); err != nil {
		t.Fatal(err)
	}
	defer run(t, keys)()
	write(keySetOf(t, other))
	if _, err := keys.find(t.Context(), "other", jose.ES256); err != nil {
		t.Errorf("a key that has come: %v", err)
	}
	if _, err := keys.find(t.Context(), "k", jose.ES256); err == nil {
		t.Error("a key that has gone is found")
	}
}
