package harness

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a client that runs beside a test until it is stopped.
type Process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	errs *tail
	done chan struct{} // closed at the end of its output
}

// maxLine bounds one line of a client's output.
const maxLine = 4 << 20

// StartProcess runs a program and hands each line of its standard output to a function, in a goroutine of its own.
func StartProcess(t testing.TB, line func([]byte), name string, args ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.Command(name, args...), errs: &tail{}, done: make(chan struct{})}
	p.cmd.Stderr = p.errs
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			line(lines.Bytes())
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("%s printed last:\n%s", p.cmd.Args, p.errs.last(logLines))
		}
	})
	return p
}

// Say writes a line to the program's standard input.
func (p *Process) Say(t testing.TB, line []byte) {
	t.Helper()
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("%s is gone: %v\n%s", p.cmd.Args, err, p.errs.last(logLines))
	}
}

// Errors is the end of what the program has printed on standard error.
func (p *Process) Errors() string { return p.errs.String() }

// Stop asks the program to end by SIGTERM, and returns when all of its lines were handed over. It is an error of the test when the
// program had ended before, or does not end.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGTERM)
}

// Kill is Stop by kill -9.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	p.end(t, syscall.SIGKILL)
}

func (p *Process) end(t testing.TB, s syscall.Signal) {
	t.Helper()
	select {
	case <-p.done:
		t.Errorf("%s ended by itself:\n%s", p.cmd.Args, p.errs.last(logLines))
	default:
	}
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.done:
	case <-time.After(clientTimeout):
		t.Log(waits(t, strings.Join(p.cmd.Args, " "), p.cmd))
		t.Errorf("%s did not end on %s:\n%s", p.cmd.Args, s, p.errs.last(logLines))
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.cmd.Wait() // by a signal, or as the program answers one
}
