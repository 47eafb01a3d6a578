package house

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestReportEndsWithWhatFailed runs test/report over output of go test.
func TestReportEndsWithWhatFailed(t *testing.T) {
	const plain = "--- FAIL: TestBad (0.10s)\n    --- FAIL: TestBad/sub (0.00s)\n        bad_test.go:7: why\nFAIL\nFAIL\tbad\t0.1s\n" +
		"ok  \tgood\t0.2s\n--- FAIL: TestBad (0.30s)\n    worse_test.go:9: worse\nFAIL\nFAIL\tworse\t0.3s\n" +
		"panic: test timed out after 3s\n\trunning tests:\n\t\tTestHangs (3s)\nFAIL\thangs\t3.0s\nFAIL\n"
	const verbose = "=== RUN   TestGood\n    good_test.go:3: noise\n--- PASS: TestGood (0.00s)\n=== RUN   TestBad\n    bad_test.go:7: why\n" +
		"=== RUN   TestBad/sub\n=== PAUSE TestBad/sub\n=== CONT  TestBad/sub\n    bad_test.go:8: below\n--- FAIL: TestBad (0.10s)\n" +
		"    --- FAIL: TestBad/sub (0.00s)\nFAIL\nFAIL\tbad\t0.1s\nFAIL\n"
	long := "--- FAIL: TestLong (0.00s)\n" + strings.Repeat("    first\n", 8) + strings.Repeat("    middle\n", 30) + strings.Repeat("    last\n", 8) + "FAIL\n"
	for name, c := range map[string]struct{ output, end string }{
		"plain": {plain, "--- FAIL: TestBad (0.10s)\n    --- FAIL: TestBad/sub (0.00s)\n        bad_test.go:7: why\n" +
			"--- FAIL: TestBad (0.30s)\n    worse_test.go:9: worse\npanic: test timed out after 3s\n\trunning tests:\n\t\tTestHangs (3s)\n" +
			"FAIL\tbad\t0.1s\nFAIL\tworse\t0.3s\nFAIL\thangs\t3.0s\n"},
		"verbose": {verbose, "--- FAIL: TestBad (0.10s)\n    bad_test.go:7: why\n    --- FAIL: TestBad/sub (0.00s)\n    bad_test.go:8: below\nFAIL\tbad\t0.1s\n"},
		"long":    {long, "--- FAIL: TestLong (0.00s)\n" + strings.Repeat("    first\n", 8) + "    [30 lines]\n" + strings.Repeat("    last\n", 8)},
	} {
		t.Run(name, func(t *testing.T) {
			out, code := report(t, c.output, "3")
			if want := c.output + "\n== what failed\n" + c.end; out != want || code != 3 {
				t.Errorf("exit %d\n%s\nwant\n%s", code, out, want)
			}
			if out, code := report(t, c.output, "0"); out != c.output || code != 0 {
				t.Errorf("of a run without a failure: exit %d\n%s", code, out)
			}
		})
	}
}

// report gives what test/report makes of a command that prints a text and exits with a code.
func report(t *testing.T, text, code string) (string, int) {
	t.Helper()
	cmd := exec.Command("../report", "sh", "-c", "cat; exit "+code)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
