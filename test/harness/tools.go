package harness

import (
	"bufio"
	"encoding/json"
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

// Tools is one JVM that runs Apache Kafka's tools and the Java test clients, one at a time.
type Tools struct {
	mu    sync.Mutex
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

// StartTools starts the JVM, with options such as its system properties.
func StartTools(root string, options ...string) (*Tools, error) {
	args, err := javaArgs(root, clientsArchive, append(slices.Clone(options), "-Xmx768m"), "stream.chronik.test.ToolServer")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("java", args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the tools' JVM: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the tools' JVM: %w", err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the tools' JVM: %w", err)
	}
	return &Tools{cmd: cmd, in: in, lines: bufio.NewReaderSize(out, 1<<20)}, nil
}

// Close ends the JVM.
func (j *Tools) Close() error {
	_ = j.in.Close()
	return j.cmd.Wait()
}

// Run runs a main class with arguments and returns what it printed.
func (j *Tools) Run(t testing.TB, main string, args ...string) Output {
	t.Helper()
	return j.RunInput(t, "", main, args...)
}

// RunInput is Run with text on standard input.
func (j *Tools) RunInput(t testing.TB, stdin, main string, args ...string) Output {
	t.Helper()
	request, err := json.Marshal(toolRequest{Main: main, Args: args, Stdin: stdin, TimeoutMs: (clientTimeout + toldAfter).Milliseconds()})
	if err != nil {
		t.Fatal(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.in.Write(append(request, '\n')); err != nil {
		t.Fatalf("the tools' JVM is gone: %v", err)
	}
	out, inTime := j.answer(t, main+" "+strings.Join(args, " "))
	if !inTime {
		t.Fatalf("%s %s did not end in %s\n%s\n%s", main, strings.Join(args, " "), clientTimeout, out.Out, out.Err)
	}
	if len(out.Left) > 0 {
		t.Errorf("%s %s leaves clients open: %s", main, strings.Join(args, " "), strings.Join(out.Left, ", "))
	}
	return out
}

// answer waits for what became of a tool. Where that takes too long it tells what the tool waits for, before it is interrupted.
func (j *Tools) answer(t testing.TB, tool string) (out Output, inTime bool) {
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
		t.Log(j.Waits(tool))
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

// Waits tells what a tool that is running, given by its command line, may wait for. Brokers that it names end by that.
func (j *Tools) Waits(tool string) string { return waits(tool, j.cmd) }

// Must runs a main class and fails the test when it does not exit with 0.
func (j *Tools) Must(t testing.TB, main string, args ...string) string {
	t.Helper()
	out := j.Run(t, main, args...)
	if out.Exit != 0 {
		t.Fatalf("%s %s: exit %d\n%s\n%s", main, strings.Join(args, " "), out.Exit, out.Out, out.Err)
	}
	return out.Out
}
