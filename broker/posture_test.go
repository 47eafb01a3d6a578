package broker

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/doctor"
)

// TestPostureOfABroker: a broker tells what its configuration, its users and its files come to. Whose password is a default stands in its log
// alone.
func TestPostureOfABroker(t *testing.T) {
	o := testOptions(t.TempDir())
	c, _, err := config.Load(config.FromMap("test", map[string]string{
		"listeners": "SASL_PLAINTEXT://127.0.0.1:0", "log.dirs": o.LogDirs[0], "super.users": "User:" + testUser,
	}))
	if err != nil {
		t.Fatal(err)
	}
	o.Configuration, o.HTTPListen = c, "127.0.0.1:0"
	format(t, o)
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	b := start(t, o)
	defer func() {
		stop(t, b)
		if text := log.String(); !strings.Contains(text, "one that examples have") || !strings.Contains(text, "user="+testUser) || strings.Contains(text, testPassword) {
			t.Errorf("the log:\n%s", text)
		}
	}()
	response, err := http.Get("http://" + b.http.Addr().String() + PosturePath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var report doctor.Report
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil {
		t.Fatal(err)
	}
	for _, check := range []string{"plaintext-loopback", "scram-iterations", "default-scram-password"} {
		if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool { return f.Check == check }) {
			t.Errorf("%s is not found in %+v", check, report.Findings)
		}
	}
	for _, f := range report.Findings {
		if f.Check == "default-scram-password" && strings.Contains(f.Subject+f.Text, testUser) {
			t.Errorf("who is on the machine is told whose password it is: %+v", f)
		}
	}
	if len(report.NotChecked) != 0 || report.Checked != len(doctor.Checks()) || report.Source != "broker 1 of cluster "+b.ClusterID() {
		t.Errorf("the report is %+v", report)
	}
	http.DefaultClient.CloseIdleConnections()
}
