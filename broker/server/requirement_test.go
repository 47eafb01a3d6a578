package server

import (
	"errors"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

type unmetRequirement struct{}

func (unmetRequirement) Error() string              { return "the client offers no hybrid" }
func (unmetRequirement) RequirementRefused() string { return "pq" }

// TestUnmetRequirements are recorded as failed log-ins and counted by requirement; other failed handshakes are not.
func TestUnmetRequirements(t *testing.T) {
	for name, c := range map[string]struct {
		result      error
		required    bool
		requirement string
		method      string
	}{
		"post-quantum":                 {unmetRequirement{}, false, "pq", ""},
		"certificate":                  {refusedCertificate{}, true, "mtls", methodMTLS},
		"certificate that is optional": {refusedCertificate{}, false, "", methodMTLS},
		"no TLS":                       {errors.New("first record does not look like TLS"), true, "", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			l := saslListenerWith(fakeTLS{result: c.result})
			l.RequireCertificate = c.required
			r := newRig(t, l, nil)
			r.dial().closed()
			r.until(func() bool { return len(r.server.conns) == 0 })
			for _, requirement := range []string{"pq", "mtls"} {
				var m dto.Metric
				if err := r.server.cfg.Metrics.unmet.WithLabelValues("TEST", requirement).Write(&m); err != nil {
					t.Fatal(err)
				}
				if counted := m.GetCounter().GetValue() == 1; counted != (requirement == c.requirement) {
					t.Errorf("%s is counted: %t", requirement, counted)
				}
			}
			if c.method == "none" {
				if len(r.record.failures) != 0 {
					t.Errorf("recorded %+v", r.record.failures)
				}
				return
			}
			if f := r.record.lastFailure(t); f.Method != c.method || !errors.Is(f.Cause, c.result) {
				t.Errorf("recorded %+v", f)
			}
		})
	}
}
