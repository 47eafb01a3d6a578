package harness

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const clientTimeout = 90 * time.Second

// Command runs a program with text on standard input and returns its standard output; it fails the test on any other
// exit code than 0.
func Command(t testing.TB, stdin string, name string, args ...string) string {
	t.Helper()
	out, err := TryCommand(t, stdin, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, lastLines(out, logLines))
	}
	return out
}

// TryCommand is Command for programs that may fail: the output is then that of standard error.
func TryCommand(t testing.TB, stdin string, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Cancel = func() error {
		t.Log(waits(t, strings.Join(cmd.Args, " ")+" "+stdin, cmd))
		return cmd.Process.Kill()
	}
	if err := cmd.Run(); err != nil {
		return out.String() + errs.String(), err
	}
	return out.String(), nil
}

// Python runs a script of test/python with the real Python clients.
func Python(t testing.TB, script string, args ...string) string {
	t.Helper()
	interpreter, args := pythonArgs(t, script, args)
	return Command(t, "", interpreter, args...)
}

// PythonWith is Python with variables of the environment, as NAME=value.
func PythonWith(t testing.TB, environment []string, script string, args ...string) string {
	t.Helper()
	interpreter, args := pythonArgs(t, script, args)
	return Command(t, "", "env", slices.Concat(environment, []string{interpreter}, args)...)
}

// PythonInput is PythonWith with text on standard input.
func PythonInput(t testing.TB, environment []string, stdin, script string, args ...string) string {
	t.Helper()
	interpreter, args := pythonArgs(t, script, args)
	return Command(t, stdin, "env", slices.Concat(environment, []string{interpreter}, args)...)
}

// Sarama runs the program of test/interop/sarama with text on standard input.
func Sarama(t testing.TB, stdin string) string {
	t.Helper()
	program := filepath.Join(Root(t), "test", ".tools", "sarama")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("Sarama's program is not built: %v (run `make tools`)", err)
	}
	return Command(t, stdin, program)
}

// StartPython is StartProcess for a script of test/python.
func StartPython(t testing.TB, line func([]byte), script string, args ...string) *Process {
	t.Helper()
	interpreter, args := pythonArgs(t, script, args)
	return StartProcess(t, line, interpreter, args...)
}

// StartPythonWith is StartPython with variables of the environment, as NAME=value.
func StartPythonWith(t testing.TB, environment []string, line func([]byte), script string, args ...string) *Process {
	t.Helper()
	interpreter, args := pythonArgs(t, script, args)
	return StartProcess(t, line, "env", slices.Concat(environment, []string{interpreter}, args)...)
}

func pythonArgs(t testing.TB, script string, args []string) (string, []string) {
	t.Helper()
	interpreter := filepath.Join(Root(t), "test", ".venv", "bin", "python")
	if _, err := os.Stat(interpreter); err != nil {
		t.Fatalf("the Python clients are not installed: %v (run `make tools`)", err)
	}
	return interpreter, append([]string{filepath.Join(Root(t), "test", "python", script)}, args...)
}
