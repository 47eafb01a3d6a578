package vfs

import (
	"slices"
	"testing"
	"testing/synctest"
)

func TestTurnstile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Turnstile
		var passed []string
		begin := func(what string) {
			go func() {
				s.Pass(what)
				passed = append(passed, what)
			}()
		}
		for _, what := range []string{"c", "a", "b"} {
			begin(what)
		}
		synctest.Wait()
		first := func(int) int { return 0 }
		grant := func(may func(string) bool, want bool) {
			t.Helper()
			if got := s.Grant(may, first); got != want {
				t.Errorf("granted: %v", got)
			}
			synctest.Wait()
		}
		grant(func(what string) bool { return what > "a" }, true)
		grant(func(what string) bool { return what == "b" }, false)
		grant(func(string) bool { return true }, true)
		if want := []string{"b", "a"}; !slices.Equal(passed, want) {
			t.Errorf("passed %v, want %v", passed, want)
		}
		s.Open()
		synctest.Wait()
		begin("late")
		synctest.Wait()
		if want := []string{"b", "a", "c", "late"}; !slices.Equal(passed, want) {
			t.Errorf("passed %v, want %v", passed, want)
		}
	})
}
