package harness

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dumpTimeout bounds how long one process has to tell what it is doing.
const dumpTimeout = 20 * time.Second

// server is a broker that a client may be waiting for.
type server interface {
	// describe is its kind and its addresses, dump what it is doing and what it has logged last. A dump may end it.
	describe() string
	serves(address string) bool
	dump() string
}

// running has the brokers that the tests have started and not ended yet.
var running servers

type servers struct {
	mu   sync.Mutex
	list []startedServer
}

// startedServer is a broker and the test that has started it, without its subtests: those are of one test.
type startedServer struct {
	server
	test string
}

func (s *servers) add(t testing.TB, b server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, startedServer{b, topTest(t)})
}

func (s *servers) remove(b server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(other startedServer) bool { return other.server == b })
}

// reached lists those that the arguments or the input of a test's client name by an address, or all of the test's where they name none. A
// client of one test waits for no broker of another, which runs beside it.
func (s *servers) reached(t testing.TB, client string) (named []server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var own []server
	for _, b := range s.list {
		if slices.ContainsFunc(words(client), b.serves) {
			named = append(named, b.server)
		}
		if b.test == topTest(t) {
			own = append(own, b.server)
		}
	}
	if len(named) == 0 {
		return own
	}
	return named
}

func topTest(t testing.TB) string {
	name, _, _ := strings.Cut(t.Name(), "/")
	return name
}

// words are what may be addresses in a command line or in text for a client.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n,=\"'", r) })
}

// waits tells all there is to know of a client that does not end: what it is doing, if it is a JVM, and what the brokers are doing
// that it may wait for. These end by that.
func waits(t testing.TB, client string, process *exec.Cmd) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "does not end: %s\n", client)
	if filepath.Base(process.Path) == "java" {
		fmt.Fprintf(&text, "its threads:\n%s\n", threads(process.Process.Pid))
	}
	for _, b := range running.reached(t, client) {
		fmt.Fprintf(&text, "it may wait for %s:\n%s\n", b.describe(), b.dump())
	}
	return text.String()
}

// threads is what the threads of a JVM are doing.
func threads(pid int) string {
	ctx, cancel := context.WithTimeout(context.Background(), dumpTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "jstack", "-l", strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("jstack %d: %v\n%s", pid, err, out)
	}
	return string(out)
}

func (b *Broker) describe() string {
	return fmt.Sprintf("chronik at %s, %s (%v)", b.SASL, b.TLS, b.env)
}

func (b *Broker) serves(address string) bool {
	return slices.Contains([]string{b.SASL, b.TLS, b.HTTP, localhost(b.SASL), localhost(b.TLS), localhost(b.HTTP)}, address)
}

// goroutines is the line with which the Go runtime begins to tell what a process was doing when it got SIGQUIT.
const goroutines = "SIGQUIT: quit"

// dump is the end of the log and the stacks of all goroutines.
func (b *Broker) dump() string {
	if err := b.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return fmt.Sprintf("it has ended: %v\n%s", err, b.log.last(logLines))
	}
	select {
	case <-b.exited:
	case <-time.After(dumpTimeout):
		return "it does not end on SIGQUIT"
	}
	logged, stacks, found := strings.Cut(b.log.String(), goroutines)
	if !found {
		return "its stacks are not in its log:\n" + b.log.last(logLines)
	}
	return lastLines(logged, logLines) + "\n" + goroutines + stacks
}

func (k *Kafka) describe() string { return "Apache Kafka at " + k.Address }

func (k *Kafka) serves(address string) bool {
	return address == k.Address || address == k.Bootstrap()
}

// dump is the end of the log and the stacks of all threads.
func (k *Kafka) dump() string { return k.log.last(logLines) + "\n" + threads(k.cmd.Process.Pid) }
