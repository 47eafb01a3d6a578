package broker

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/doctor"
)

// TestPostureOfABroker: a broker tells what its configuration, its users and its files come to.
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
	b := start(t, o)
	defer stop(t, b)
	response, err := http.Get("http://" + b.http.Addr().String() + PosturePath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var report doctor.Report
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil {
		t.Fatal(err)
	}
	for _, check := range []string{"plaintext-loopback", "scram-iterations"} {
		if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool { return f.Check == check }) {
			t.Errorf("%s is not found in %+v", check, report.Findings)
		}
	}
	if len(report.NotChecked) != 0 || report.Checked != len(doctor.Checks()) || report.Source != "broker 1 of cluster "+b.ClusterID() {
		t.Errorf("the report is %+v", report)
	}
	http.DefaultClient.CloseIdleConnections()
}
