package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker"
	"github.com/chronik-stream/chronik/broker/doctor"
	certsdev "github.com/chronik-stream/chronik/certs-dev"
)

// devConfiguration is a properties file with what chronik server --dev runs with.
func devConfiguration(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	paths, err := certsdev.Ensure(dir, certsdev.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for key, value := range devProperties(dir, paths) {
		text.WriteString(key + "=" + value + "\n")
	}
	path := filepath.Join(dir, "server.properties")
	if err := os.WriteFile(path, []byte(text.String()+strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctorOfAConfiguration(t *testing.T) {
	path := devConfiguration(t)
	out, err := runCommand(t, "", "doctor", "--config", path)
	if code := exitCode(err); code != exitFindings || !strings.Contains(out, "HIGH     development-certificate: listener SASL_SSL") {
		t.Errorf("exit code %d, %v:\n%s", code, err, out)
	}
	if strings.Contains(out, "secret-file-open") || !strings.Contains(out, "not checked, for want of a running broker or its configuration") {
		t.Errorf("the report reads:\n%s", out)
	}
	out, err = runCommand(t, "", "doctor", "--config", path, "--fail-on", "critical", "--format", "json")
	var report doctor.Report
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || report.AtLeast(doctor.High) == 0 {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestDoctorThatCanNotCheck(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer other.Close()
	for line, want := range map[string]string{
		"doctor":                                 "one of --config, --url and --bootstrap",
		"doctor --config a --url http://b":       "one of --config, --url and --bootstrap",
		"doctor --config /nowhere":               "no such file",
		"doctor --config CONFIG --fail-on grave": "--fail-on",
		"doctor --config CONFIG --format yaml":   "--format",
		"doctor --config CONFIG more":            "more",
		"doctor --bootstrap nowhere":             "not host:port",
		"doctor --bootstrap 127.0.0.1:1":         "refused",
		"doctor --loud":                          "--loud",
		"doctor --url 127.0.0.1:1":               "--url is no address",
		"doctor --url " + silent.URL:             "404",
		"doctor --url " + other.URL:              "no report",
	} {
		args := strings.Fields(strings.ReplaceAll(line, "CONFIG", properties(t)))
		if out, err := runCommand(t, "", args...); exitCode(err) != exitNotChecked || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q\n%s", line, err, want, out)
		}
	}
	if _, err := runCommand(t, "", "doctor", "--config", properties(t, "num.partitions=many")); exitCode(err) != exitNotChecked {
		t.Errorf("a configuration that is not valid: %v", err)
	}
}

func TestDoctorOfABroker(t *testing.T) {
	report := doctor.Report{Source: "broker 1", Checked: 3, Findings: []doctor.Finding{
		{Check: "acl-for-everybody", State: doctor.Open, Severity: doctor.High, Subject: "user \x1b[2Ja", Text: "text", Mend: "mend", Controls: []string{"AC-3"}},
	}}
	asked := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		_ = report.WriteJSON(w)
	}))
	defer server.Close()
	out, err := runCommand(t, "", "doctor", "--url", server.URL)
	if exitCode(err) != exitFindings || asked != broker.PosturePath || !strings.Contains(out, `user \x1b[2Ja`) {
		t.Errorf("asked %s, %v:\n%q", asked, err, out)
	}
	report.Findings = nil
	if out, err := runCommand(t, "", "doctor", "--url", server.URL, "--fail-on", "info"); err != nil || !strings.Contains(out, "3 checks, 0 findings") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestDoctorFromOutside(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	out, err := runCommand(t, "", "doctor", "--bootstrap", secure.Listener.Addr().String(), "--fail-on", "critical")
	if err != nil || !strings.Contains(out, "post-quantum-not-required") || !strings.Contains(out, "tls12-allowed") || strings.Contains(out, "plaintext-") {
		t.Errorf("a listener with TLS: %v\n%s", err, out)
	}
	out, err = runCommand(t, "", "doctor", "--bootstrap", open.Listener.Addr().String(), "--fail-on", "low")
	if exitCode(err) != exitFindings || !strings.Contains(out, "plaintext-loopback") || strings.Contains(out, "tls12-allowed") {
		t.Errorf("a listener without TLS: %v\n%s", err, out)
	}
}
