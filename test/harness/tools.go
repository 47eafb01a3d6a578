package harness

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Tools runs Apache Kafka's tools and the Java test clients in JVMs that stay: each runs one at a time.
type Tools struct {
	root    string
	options []string
	// free has a token for each tool that may run beside those that do.
	free chan struct{}

	mu   sync.Mutex
	jvms []*toolJVM
	idle []*toolJVM
}

// toolsAtOnce is how many JVMs there are at most: each learns all classes anew.
const toolsAtOnce = 2

// toolJVM is a JVM with ToolServer.
type toolJVM struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
}

// toldAfter is how long a tool that does not end is left alone after clientTimeout, so that it can be seen what it waits for.
const toldAfter = 60 * time.Second

// Output is what a tool printed and how it ended.
type Output struct {
	Exit int    `json:"exit"`
	Out  string `json:"out"`
	Err  string `json:"err"`
	// Left names the threads of clients that the tool has not closed.
	Left []string `json:"left"`
}

type toolRequest struct {
	Main      string   `json:"main"`
	Args      []string `json:"args"`
	Stdin     string   `json:"stdin"`
	TimeoutMs int64    `json:"timeoutMs"`
}

// StartTools starts the first JVM. Options are those of each, such as its system properties.
func StartTools(root string, options ...string) (*Tools, error) {
	s := &Tools{root: root, options: options, free: make(chan struct{}, toolsAtOnce)}
	for range toolsAtOnce {
		s.free <- struct{}{}
	}
	j, err := s.start()
	if err != nil {
		return nil, err
	}
	s.idle = append(s.idle, j)
	return s, nil
}

func (s *Tools) start() (*toolJVM, error) {
	args, err := javaArgs(s.root, clientsArchive, append(slices.Clone(s.options), "-Xmx768m"), "stream.chronik.test.ToolServer")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a JVM of the tools: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a JVM of the tools: %w", err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a JVM of the tools: %w", err)
	}
	j := &toolJVM{cmd: cmd, in: in, lines: bufio.NewReaderSize(out, 1<<20)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jvms = append(s.jvms, j)
	return j, nil
}

// take waits for a JVM that runs nothing, or starts one.
func (s *Tools) take() (*toolJVM, error) {
	<-s.free
	if j := s.takeIdle(); j != nil {
		return j, nil
	}
	j, err := s.start()
	if err != nil {
		s.free <- struct{}{}
	}
	return j, err
}

func (s *Tools) takeIdle() *toolJVM {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.idle) - 1
	if last < 0 {
		return nil
	}
	j := s.idle[last]
	s.idle = s.idle[:last]
	return j
}

func (s *Tools) giveBack(j *toolJVM) {
	s.mu.Lock()
	s.idle = append(s.idle, j)
	s.mu.Unlock()
	s.free <- struct{}{}
}

// Close ends the JVMs.
func (s *Tools) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, j := range s.jvms {
		_ = j.in.Close()
		errs = append(errs, j.cmd.Wait())
	}
	return errors.Join(errs...)
}

// Run runs a main class with arguments and returns what it printed.
func (s *Tools) Run(t testing.TB, main string, args ...string) Output {
	t.Helper()
	return s.RunInput(t, "", main, args...)
}

// RunInput is Run with text on standard input.
func (s *Tools) RunInput(t testing.TB, stdin, main string, args ...string) Output {
	t.Helper()
	j, err := s.take()
	if err != nil {
		t.Fatal(err)
	}
	defer s.giveBack(j)
	request, err := json.Marshal(toolRequest{Main: main, Args: args, Stdin: stdin, TimeoutMs: (clientTimeout + toldAfter).Milliseconds()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.in.Write(append(request, '\n')); err != nil {
		t.Fatalf("the tools' JVM is gone: %v", err)
	}
	out, inTime := j.answer(t, main+" "+strings.Join(args, " "))
	if !inTime {
		t.Fatalf("%s %s did not end in %s\n%s\n%s", main, strings.Join(args, " "), clientTimeout, lastLines(out.Out, logLines), lastLines(out.Err, logLines))
	}
	if len(out.Left) > 0 {
		t.Errorf("%s %s leaves clients open: %s", main, strings.Join(args, " "), strings.Join(out.Left, ", "))
	}
	return out
}

// answer waits for what became of a tool. Where that takes too long it tells what the tool waits for, before it is interrupted.
func (j *toolJVM) answer(t testing.TB, tool string) (out Output, inTime bool) {
	t.Helper()
	var line []byte
	var err error
	read := make(chan struct{})
	go func() {
		defer close(read)
		line, err = j.lines.ReadBytes('\n')
	}()
	select {
	case <-read:
		inTime = true
	case <-time.After(clientTimeout):
		t.Log(waits(t, tool, j.cmd))
		<-read
	}
	if err != nil {
		t.Fatalf("the tools' JVM is gone: %v", err)
	}
	if err := json.Unmarshal(line, &out); err != nil {
		t.Fatalf("answer of the tools' JVM: %v", err)
	}
	return out, inTime
}

// Waits tells what a tool that is running in the first JVM, given by its command line, may wait for. Brokers that it names end by that.
func (s *Tools) Waits(t testing.TB, tool string) string {
	t.Helper()
	return waits(t, tool, s.jvms[0].cmd)
}

// Must runs a main class and fails the test when it does not exit with 0.
func (s *Tools) Must(t testing.TB, main string, args ...string) string {
	t.Helper()
	out := s.Run(t, main, args...)
	if out.Exit != 0 {
		t.Fatalf("%s %s: exit %d\n%s\n%s", main, strings.Join(args, " "), out.Exit, lastLines(out.Out, logLines), lastLines(out.Err, logLines))
	}
	return out.Out
}
