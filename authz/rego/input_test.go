package rego_test

import (
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/authz/rego"
)

// wantInput is what a policy gets to see, in full: users' policies rest on it.
const wantInput = `{
  "action": {
    "operation": "DESCRIBE_CONFIGS", "logIfAllowed": true, "logIfDenied": true, "resourceReferenceCount": 1,
    "resourcePattern": {"resourceType": "TRANSACTIONAL_ID", "name": "t", "patternType": "LITERAL", "unknown": false}
  },
  "requestContext": {
    "clientAddress": "/10.0.0.1", "clientInformation": {"softwareName": "java", "softwareVersion": "4.3.1"}, "connectionId": 3,
    "header": {
      "name": {"clientId": "app-1", "correlationId": 7, "requestApiKey": 32, "requestApiVersion": 4},
      "data": {"clientId": "app-1", "correlationId": 7, "requestApiKey": 32, "requestApiVersion": 4}
    },
    "listenerName": "CLIENTS", "principal": {"principalType": "User", "name": "CN=a b*"}, "securityProtocol": "SASL_SSL"
  },
  "operation": {"name": "DescribeConfigs"},
  "resource": {"resourceType": {"name": "TransactionalId"}, "name": "t"},
  "session": {"principal": {"principalType": "User", "name": "CN=a b*"}, "clientAddress": "10.0.0.1", "sanitizedUser": "CN%3Da%20b%2A"},
  "api": "DescribeConfigs", "host": "10.0.0.1", "listener": "CLIENTS", "groups": ["staff"],
  "authentication": {
    "method": "GSSAPI", "token": "", "proven": "a@EXAMPLE.COM", "established": 1000000001, "issued": 0, "expires": 2000000000, "iterations": 0
  },
  "tls": {"version": "TLSv1.3", "group": "X25519MLKEM768", "suite": "TLS_AES_128_GCM_SHA256", "postQuantum": true},
  "certificate": {
    "subject": "CN=a", "issuer": "CN=ca", "serial": "1f", "fingerprint": "abcd", "notBefore": 1000000000, "notAfter": 3000000000,
    "dnsNames": ["a.example.com"], "uris": ["spiffe://example.com/a"], "emails": [], "addresses": []
  },
  "time": {"second": 1795435201000000000, "minute": 1795435200000000000, "hour": 1795435200000000000}
}`

func TestInput(t *testing.T) {
	who := authz.Subject{
		Principal: auth.User("CN=a b*"), Host: "10.0.0.1", Listener: "CLIENTS",
		Session: &auth.Session{
			Method: "GSSAPI", Proven: "a@EXAMPLE.COM", Groups: []string{"staff"}, Protocol: "SASL_SSL", Host: netip.MustParseAddr("10.0.0.1"),
			Established: time.Unix(1, 1), Expires: time.Unix(2, 0),
			Encryption: &auth.Encryption{Version: "TLSv1.3", Group: "X25519MLKEM768", PostQuantum: true, Suite: "TLS_AES_128_GCM_SHA256"},
			Certificate: &auth.Certificate{
				Subject: "CN=a", Issuer: "CN=ca", Serial: "1f", Fingerprint: "abcd", NotBefore: time.Unix(1, 0), NotAfter: time.Unix(3, 0),
				DNSNames: []string{"a.example.com"}, URIs: []string{"spiffe://example.com/a"},
			},
		},
		Request: request{
			API: "DescribeConfigs", Key: 32, Version: 4, CorrelationID: 7, ClientID: "app-1", Connection: 3,
			SoftwareName: "java", SoftwareVersion: "4.3.1",
		},
	}
	q := rego.Question{
		Who: who, Op: authz.DescribeConfigs, On: authz.Resource{Type: authz.TransactionalID, Name: "t"},
		Now: time.Date(2026, 11, 23, 12, 0, 1, 5, time.UTC),
	}
	compareJSON(t, wantInput, rego.Document(q))
}

func TestInputOfNobody(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(rego.Document(rego.Question{Now: noon()})), &got); err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"tls", "certificate"} {
		if got[absent] != nil {
			t.Errorf("%s: %v", absent, got[absent])
		}
	}
	if got["authentication"] == nil {
		t.Error("no authentication")
	}
}

func compareJSON(t *testing.T, want, got string) {
	t.Helper()
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Error(diff)
	}
}
