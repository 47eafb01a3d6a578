package handler

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/chronik-stream/chronik/broker/api"
	"github.com/chronik-stream/chronik/broker/wire"
)

func testEntry(t *testing.T) *Entry {
	t.Helper()
	e := &Entry{ClusterID: "cluster", NodeID: 1}
	e.Features = func() (map[string]int16, int64) { return map[string]int16{"on": 2, "off": 0}, 7 }
	table, err := api.NewTable(e.Rows()...)
	if err != nil {
		t.Fatal(err)
	}
	e.Listed = func() *api.Table { return table }
	return e
}

func answer(t *testing.T, row api.Row, c *api.Call) api.Answer {
	t.Helper()
	c.Version = c.Request.GetVersion()
	c.Resolved = row.Resolve(c)
	return row.Handle(context.Background(), c)
}

func TestApiVersionsListsTheTableAndWhatIsFinalized(t *testing.T) {
	q := &kmsg.ApiVersionsRequest{Version: 4, ClientSoftwareName: "test", ClientSoftwareVersion: "1.0"}
	resp := answer(t, testEntry(t).apiVersions(), &api.Call{Request: q}).Response.(*kmsg.ApiVersionsResponse)
	if resp.ErrorCode != wire.None || len(resp.ApiKeys) != 3 || resp.ApiKeys[0].ApiKey != 17 || resp.ApiKeys[0].MaxVersion != 1 {
		t.Errorf("answer %+v", resp)
	}
	if len(resp.FinalizedFeatures) != 1 || resp.FinalizedFeatures[0].Name != "on" || resp.FinalizedFeaturesEpoch != 7 {
		t.Errorf("features %+v at epoch %d", resp.FinalizedFeatures, resp.FinalizedFeaturesEpoch)
	}
}

// TestSupportedFeaturesShowFromVersion4: older clients refuse ranges that begin with 0 (KAFKA-17011).
func TestSupportedFeaturesShowFromVersion4(t *testing.T) {
	for version := range int16(6) {
		q := &kmsg.ApiVersionsRequest{Version: version, ClientSoftwareName: "test", ClientSoftwareVersion: "1.0", NodeID: -1}
		resp := overTheWire(t, answer(t, testEntry(t).apiVersions(), &api.Call{Request: q}).Response).(*kmsg.ApiVersionsResponse)
		var got []string
		for _, f := range resp.SupportedFeatures {
			got = append(got, fmt.Sprintf("%s %d-%d", f.Name, f.MinVersion, f.MaxVersion))
		}
		var want []string
		if version >= 4 {
			want = []string{"group.version 0-1", "transaction.version 0-2"}
		}
		if !slices.Equal(got, want) || len(resp.FinalizedFeatures) != int(min(version/3, 1)) {
			t.Errorf("version %d shows %q, want %q; finalized %+v", version, got, want, resp.FinalizedFeatures)
		}
	}
}

func TestApiVersionsChecksNamesAndCluster(t *testing.T) {
	right, wrong := "cluster", "other"
	ask := func(name string, cluster *string, node int32) *kmsg.ApiVersionsRequest {
		return &kmsg.ApiVersionsRequest{Version: 5, ClientSoftwareName: name, ClientSoftwareVersion: "1", ClusterID: cluster, NodeID: node}
	}
	cases := map[string]struct {
		q    *kmsg.ApiVersionsRequest
		code int16
	}{
		"nothing asked":   {ask("a", nil, -1), wire.None},
		"this broker":     {ask("a", &right, 1), wire.None},
		"another cluster": {ask("a", &wrong, 1), wire.RebootstrapRequired},
		"another node":    {ask("a", &right, 2), wire.RebootstrapRequired},
		"half a question": {ask("a", &right, -1), wire.InvalidRequest},
		"empty name":      {ask("", nil, -1), wire.InvalidRequest},
		"name with space": {ask("a b", nil, -1), wire.InvalidRequest},
	}
	for name, c := range cases {
		resp := answer(t, testEntry(t).apiVersions(), &api.Call{Request: c.q}).Response.(*kmsg.ApiVersionsResponse)
		if resp.ErrorCode != c.code {
			t.Errorf("%s: code %d, want %d", name, resp.ErrorCode, c.code)
		}
	}
}

// scriptedLogin answers as told.
type scriptedLogin struct {
	code int16
	step api.LoginStep
}

func (l scriptedLogin) Mechanisms() []string                       { return []string{"PLAIN"} }
func (l scriptedLogin) Choose(string, int16) int16                 { return l.code }
func (l scriptedLogin) Step(context.Context, []byte) api.LoginStep { return l.step }

func TestSaslRowsCloseOnFailureOnly(t *testing.T) {
	e := testEntry(t)
	handshake := func(l api.Login) api.Answer {
		return answer(t, e.saslHandshake(), &api.Call{Login: l, Request: &kmsg.SASLHandshakeRequest{Version: 1, Mechanism: "PLAIN"}})
	}
	if a := handshake(scriptedLogin{}); a.Close || a.Response.(*kmsg.SASLHandshakeResponse).SupportedMechanisms[0] != "PLAIN" {
		t.Errorf("a good handshake: %+v", a)
	}
	if a := handshake(scriptedLogin{code: wire.UnsupportedSASLMechanism}); !a.Close {
		t.Error("an unknown mechanism keeps the connection")
	}
	if a := handshake(nil); !a.Close || a.Response.(*kmsg.SASLHandshakeResponse).ErrorCode != wire.IllegalSASLState {
		t.Errorf("a handshake on a listener without SASL: %+v", a)
	}
	step := func(l api.Login) api.Answer {
		return answer(t, e.saslAuthenticate(), &api.Call{Login: l, Request: &kmsg.SASLAuthenticateRequest{Version: 2}})
	}
	failed := step(scriptedLogin{step: api.LoginStep{Code: wire.SASLAuthenticationFailed, Message: "no"}})
	if resp := failed.Response.(*kmsg.SASLAuthenticateResponse); !failed.Close || *resp.ErrorMessage != "no" {
		t.Errorf("a failed step: %+v", failed)
	}
	if a := step(scriptedLogin{step: api.LoginStep{Answer: []byte("go on")}}); a.Close {
		t.Error("a good step closes the connection")
	}
	if a := step(nil); !a.Close {
		t.Error("a step without a login keeps the connection")
	}
}
