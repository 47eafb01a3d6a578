package doctor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/broker/doctor"
)

var update = flag.Bool("update", false, "write docs/doctor.md")

const documentation = "../../docs/doctor.md"

func TestDocumentation(t *testing.T) {
	var b bytes.Buffer
	if err := doctor.WriteMarkdown(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(documentation, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(documentation)
	if err != nil || !bytes.Equal(written, b.Bytes()) {
		t.Errorf("docs/doctor.md is not what the checks say (%v); run: make docs", err)
	}
}

func TestSeverities(t *testing.T) {
	for _, word := range doctor.Severities() {
		if s, err := doctor.ParseSeverity(word); err != nil || s.String() != word {
			t.Errorf("%s is read as %s, %v", word, s, err)
		}
	}
	if s, err := doctor.ParseSeverity("grave"); !errors.Is(err, doctor.ErrUnknownSeverity) || s.String() != "invalid" {
		t.Errorf("a word that is none is read as %s, %v", s, err)
	}
}

func TestReportRoundTrip(t *testing.T) {
	report := newWard(t).examine(&aCase{config: onLoopback})
	var out bytes.Buffer
	if err := report.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var read doctor.Report
	if err := json.Unmarshal(out.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	read.NotChecked = report.NotChecked // none, written as an empty list
	if diff := cmp.Diff(*report, read); diff != "" || len(read.Findings) == 0 {
		t.Errorf("another report comes back, or an empty one: %s", diff)
	}
}

func TestReportForPeople(t *testing.T) {
	report := newWard(t).examine(&aCase{config: onLoopback + "sasl.enabled.mechanisms=PLAIN"})
	var out strings.Builder
	if err := report.WriteText(&out, strings.ToUpper); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	first, second := strings.Index(text, "CRITICAL plain-without-tls: LISTENER SASL_PLAINTEXT (open)"), strings.Index(text, "LOW      plaintext-loopback")
	if first < 0 || second < first || !strings.Contains(text, "controls: IA-5(1), SC-8") || !strings.Contains(text, "2 findings: 1 critical, 1 low") {
		t.Errorf("the report reads:\n%s", text)
	}
	if report.AtLeast(doctor.Critical) != 1 || report.AtLeast(doctor.Info) != 2 {
		t.Errorf("%d critical findings of %d", report.AtLeast(doctor.Critical), report.AtLeast(doctor.Info))
	}
}
