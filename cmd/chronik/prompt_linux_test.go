package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what is typed goes into its keyboard, and what it shows comes out there.
type terminal struct {
	t             *testing.T
	keyboard, tty *os.File
	mu            sync.Mutex
	screen        bytes.Buffer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return &terminal{t: t, keyboard: keyboard, tty: tty}
}

// Write is what a command prints.
func (s *terminal) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.screen.Write(p)
}

func (s *terminal) shows(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.screen.String(), text)
}

// typed types a line when the question is there and the terminal does not show what is typed.
func (s *terminal) typed(question, line string) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		state, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
		if err != nil {
			return err
		}
		if s.shows(question) && state.Lflag&unix.ECHO == 0 {
			_, err := s.keyboard.WriteString(line + "\n")
			return err
		}
	}
	return errors.New("it is not asked, or what is typed is shown")
}

// TestPasswordIsAskedForTwiceAndNotShown on a terminal.
func TestPasswordIsAskedForTwiceAndNotShown(t *testing.T) {
	for name, c := range map[string]struct {
		first, second string
		want          error
	}{
		"the same":  {"kT8-vewo-2nuq", "kT8-vewo-2nuq", nil},
		"different": {"kT8-vewo-2nuq", "kT8-vewo-2nuk", errDiffer},
		"none":      {"", "", errNoPassword},
	} {
		s := newTerminal(t)
		cmd := newUserPasswd(&brokerFlags{})
		cmd.SetIn(s.tty)
		cmd.SetErr(s)
		typed := make(chan error, 1)
		go func() {
			typed <- errors.Join(s.typed("New password of alice: ", c.first), s.typed("Once more: ", c.second))
		}()
		got, err := (&passwordFlag{}).read(cmd, "alice")
		if err := <-typed; err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !errors.Is(err, c.want) || c.want == nil && got != c.first || c.want != nil && got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
