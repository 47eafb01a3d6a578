package audit

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
)

var noon = time.UnixMilli(1760000000000)

func alice() Client {
	return Client{
		Principal: auth.User("alice"), Host: "10.0.0.9", Listener: "SASL_SSL", Protocol: "SASL_SSL", ClientID: "app", Connection: 7,
	}
}

func jsonOf(t *testing.T, e Event) string {
	t.Helper()
	m := metadata{Version: ocsfVersion, Product: Source{Version: "1.0", ClusterID: "c", NodeID: 1}.product(), UID: "run-1", LogName: "node-1/run", Sequence: 1}
	value, err := encode(e.document("run"), noon, m)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

const metadataJSON = `"metadata":{"version":"1.8.0","product":{"name":"Chronik","vendor_name":"Chronik","version":"1.0","uid":"c/1"},"uid":"run-1",`

func TestEventsAsJSON(t *testing.T) {
	rule := authz.Binding{
		Type: authz.Topic, Name: "t", Pattern: authz.Prefixed, Principal: "User:*", Host: "*", Operation: authz.All, Permission: authz.Deny,
	}
	failed := alice()
	failed.Principal = auth.Principal{}
	cases := map[string]struct {
		event Event
		want  string
	}{
		"logon": {
			Authentication{Client: alice(), Succeeded: true, Method: "SCRAM-SHA-512", Expires: noon},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,` +
				`"actor":{"session":{"uid":"run-7","expiration_time":1760000000000},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"SCRAM-SHA-512","auth_protocol_id":99,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7","expiration_time":1760000000000},` +
				`"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logon with groups": {
			Authentication{Client: alice(), Succeeded: true, Method: "OAUTHBEARER", Groups: []string{"a", "b"}},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"actor":{"session":{"uid":"run-7"},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1,"groups":[{"name":"a"},{"name":"b"}]},` +
				`"auth_protocol":"OAUTHBEARER","auth_protocol_id":6,"is_cleartext":false,"is_remote":true,"logon_type_id":3,` +
				`"session":{"uid":"run-7"},"service":{"name":"kafka"},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logon with a certificate": {
			Authentication{Client: alice(), Succeeded: true, Method: "mTLS", Certificate: &auth.Certificate{
				Subject: "CN=alice", Issuer: "CN=ca", Serial: "beef", Fingerprint: "00ff", NotBefore: noon, NotAfter: noon.Add(time.Second),
				URIs: []string{"spiffe://a/b"}, DNSNames: []string{"a.example"},
			}},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"actor":{"session":{"uid":"run-7"},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"mTLS","auth_protocol_id":99,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7"},` +
				`"certificate":{"subject":"CN=alice","issuer":"CN=ca","serial_number":"beef",` +
				`"fingerprints":[{"algorithm":"SHA-256","algorithm_id":3,"value":"00ff"}],` +
				`"sans":[{"name":"spiffe://a/b","type":"URI"},{"name":"a.example","type":"DNS"}],` +
				`"created_time":1760000000000,"expiration_time":1760000001000},` +
				`"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logon over TLS": {
			Authentication{Client: alice(), Succeeded: true, Method: "SCRAM-SHA-256", Encryption: &auth.Encryption{
				Version: "TLSv1.3", Group: "X25519MLKEM768", PostQuantum: true, Suite: "TLS_AES_128_GCM_SHA256",
			}},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"actor":{"session":{"uid":"run-7"},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"SCRAM-SHA-256","auth_protocol_id":99,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7"},"service":{"name":"kafka"},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"unmapped":{"tls":{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","group":"X25519MLKEM768","post_quantum":true}},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logon by a token": {
			Authentication{Client: alice(), Succeeded: true, Method: "SCRAM-SHA-256", Token: "p0Vhyz6vSVCJxDpCo1pCQw"},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"actor":{"session":{"uid":"run-7"},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"SCRAM-SHA-256","auth_protocol_id":99,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7"},` +
				`"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"unmapped":{"delegation_token":"p0Vhyz6vSVCJxDpCo1pCQw"},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logon by a Kerberos name": {
			Authentication{Client: alice(), Succeeded: true, Method: "GSSAPI", Proven: "alice/admin@TEST.CHRONIK"},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"actor":{"session":{"uid":"run-7"},"app_name":"app"},` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"GSSAPI","auth_protocol_id":2,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7"},` +
				`"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"unmapped":{"proven_name":"alice/admin@TEST.CHRONIK"},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"failed logon": {
			Authentication{Client: failed, Method: "PLAIN", Claimed: "bob", Cause: "credential does not match"},
			`{"activity_id":1,"activity_name":"Logon","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300201,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"status_detail":"credential does not match",` +
				`"actor":{"session":{"uid":"run-7"},"app_name":"app"},"user":{"name":"bob","type_id":0},` +
				`"auth_protocol":"PLAIN","auth_protocol_id":7,"is_cleartext":false,"is_remote":true,"logon_type_id":3,` +
				`"session":{"uid":"run-7"},"service":{"name":"kafka"},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"lockout": {
			Lockout{Client: failed, User: "bob", Method: "PLAIN", Duration: 30 * time.Minute},
			`{"activity_id":9,"activity_name":"Lock","category_uid":3,"class_uid":3001,"class_name":"Account Change","type_uid":300109,` +
				`"time":1760000000000,"severity_id":3,"status_id":1,"status_detail":"for 30m0s, after failed log-ins, the last by PLAIN",` +
				`"actor":{"session":{"uid":"run-7"},"app_name":"Chronik"},"user":{"name":"bob","type_id":0},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"logoff": {
			Logoff{Client: alice(), Method: "PLAIN", Established: noon.Add(-time.Minute), Ended: noon, Reason: "closed by the client"},
			`{"activity_id":2,"activity_name":"Logoff","category_uid":3,"class_uid":3002,"class_name":"Authentication","type_uid":300202,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"status_detail":"closed by the client","duration":60000,` +
				`"user":{"name":"alice","uid":"User:alice","type_id":1},"auth_protocol":"PLAIN","auth_protocol_id":7,` +
				`"is_cleartext":false,"is_remote":true,"logon_type_id":3,"session":{"uid":"run-7","created_time":1759999940000},` +
				`"service":{"name":"kafka"},"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"denial": {
			Denial{
				Client: alice(), RequestID: "r1", API: "Produce", Version: 13, Need: authz.Need{Op: authz.Write, On: authz.Resource{Type: authz.Topic, Name: "tt"}},
				Decision: authz.Decision{Reason: "ACL", Rule: &rule},
			},
			`{"activity_id":3,"activity_name":"Update","category_uid":6,"class_uid":6003,"class_name":"API Activity","type_uid":600303,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"status_detail":"ACL",` +
				`"actor":{"user":{"name":"alice","uid":"User:alice","type_id":1},"session":{"uid":"run-7"},"app_name":"app",` +
				`"authorizations":[{"decision":"Denied","policy":{"name":"ACL","desc":"DENY ALL on TOPIC:PREFIXED:t to User:* from *"}}]},` +
				`"api":{"operation":"Produce","version":"13","service":{"name":"kafka"},"request":{"uid":"r1"}},` +
				`"src_endpoint":{"ip":"10.0.0.9"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
				`"resources":[{"name":"tt","type":"TOPIC"}],"unmapped":{"operation":"WRITE",` +
				`"acl":{"permission":"DENY","operation":"ALL","resource_type":"TOPIC","pattern_type":"PREFIXED","name":"t",` +
				`"principal":"User:*","host":"*"}},` +
				strings.TrimSuffix(metadataJSON, ",") + `,"correlation_uid":"r1","log_name":"node-1/run","sequence":1}}`,
		},
		"denials": {
			Denial{
				Client: alice(), API: "Fetch", Need: authz.Need{Op: authz.Read, On: authz.Resource{Type: authz.Topic, Name: "tt"}},
				Decision: authz.Decision{Reason: "default deny"}, More: 41,
			},
			`{"activity_id":2,"activity_name":"Read","category_uid":6,"class_uid":6003,"class_name":"API Activity","type_uid":600302,` +
				`"time":1760000000000,"severity_id":3,"status_id":2,"status_detail":"default deny","count":42,` +
				`"actor":{"user":{"name":"alice","uid":"User:alice","type_id":1},"session":{"uid":"run-7"},"app_name":"app",` +
				`"authorizations":[{"decision":"Denied","policy":{"name":"default deny"}}]},` +
				`"api":{"operation":"Fetch","version":"0","service":{"name":"kafka"}},"src_endpoint":{"ip":"10.0.0.9"},` +
				`"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},"resources":[{"name":"tt","type":"TOPIC"}],` +
				`"unmapped":{"operation":"READ"},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"stop": {
			Lifecycle{Stopping: true, Version: "1.0", Reason: "SIGTERM"},
			`{"activity_id":4,"activity_name":"Stop","category_uid":6,"class_uid":6002,"class_name":"Application Lifecycle","type_uid":600204,` +
				`"time":1760000000000,"severity_id":1,"status_id":1,"status_detail":"SIGTERM",` +
				`"app":{"name":"Chronik","vendor_name":"Chronik","version":"1.0"},` + metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
		"gap": {
			Gap{Lost: map[string]uint64{"denial": 2, "logoff": 1}, From: noon, To: noon.Add(time.Second), Cause: "audit log fails"},
			`{"activity_id":1,"activity_name":"General","category_uid":6,"class_uid":6008,"class_name":"Application Error","type_uid":600801,` +
				`"time":1760000000000,"severity_id":5,"status_id":2,"status_detail":"audit log fails","message":"audit events were not recorded",` +
				`"count":3,"start_time":1760000000000,"end_time":1760000001000,"unmapped":{"lost":{"denial":2,"logoff":1}},` +
				metadataJSON + `"log_name":"node-1/run","sequence":1}}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, jsonOf(t, c.event)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func change() Change {
	return Change{
		Index: 258, Item: 3, EventID: "e1", Principal: "User:admin", Host: "10.0.0.1", Listener: "SASL_SSL", ClientID: "cli",
		API: "CreateTopics", RequestDigest: "00ff", ResourceType: "TOPIC", Resource: "orders", CodeName: "NONE",
		After: map[string]string{"partitions": "3", "replication": "1"}, Time: noon,
	}
}

func TestChangeEvent(t *testing.T) {
	e, err := ChangeEvent(Source{Version: "1.0", ClusterID: "c", NodeID: 1}, change())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"activity_id":1,"activity_name":"Create","category_uid":6,"class_uid":6003,"class_name":"API Activity","type_uid":600301,` +
		`"time":1760000000000,"severity_id":2,"status_id":1,"status_code":"NONE",` +
		`"actor":{"user":{"name":"admin","uid":"User:admin","type_id":1},"app_name":"cli"},` +
		`"api":{"operation":"CreateTopics","service":{"name":"kafka"},"request":{"uid":"e1"},"response":{"code":0}},` +
		`"src_endpoint":{"ip":"10.0.0.1"},"dst_endpoint":{"name":"SASL_SSL","svc_name":"kafka"},` +
		`"resources":[{"name":"orders","type":"TOPIC"}],` +
		`"unmapped":{"request_sha256":"00ff","item":3,"after":{"partitions":"3","replication":"1"}},` +
		`"metadata":{"version":"1.8.0","product":{"name":"Chronik","vendor_name":"Chronik","uid":"c"},"uid":"metadata-258-3",` +
		`"correlation_uid":"e1","log_name":"metadata","sequence":258}}`
	if diff := cmp.Diff(want, string(e.Value)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]byte{0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3}, e.Key); diff != "" {
		t.Error(diff)
	}
	if !e.Time.Equal(noon) {
		t.Errorf("time %v", e.Time)
	}
}

func TestTheSameChangeIsTheSameEventOnEveryBroker(t *testing.T) {
	one, err := ChangeEvent(Source{Version: "1.0", ClusterID: "c", NodeID: 1}, change())
	if err != nil {
		t.Fatal(err)
	}
	two, err := ChangeEvent(Source{Version: "1.1", ClusterID: "c", NodeID: 2}, change())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Error(diff)
	}
}

func TestRefusedChange(t *testing.T) {
	c := change()
	c.Code, c.CodeName = 36, "TOPIC_ALREADY_EXISTS"
	got := jsonOf(t, c)
	for _, want := range []string{`"status_id":2`, `"status_code":"TOPIC_ALREADY_EXISTS"`, `"response":{"code":36,"error":"TOPIC_ALREADY_EXISTS"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestChangesByRisk(t *testing.T) {
	cases := []struct {
		api, resourceType  string
		activity, severity int
	}{
		{"CreateTopics", "TOPIC", activityCreate, severityLow},
		{"DeleteTopics", "TOPIC", activityDelete, severityHigh},
		{"CreateAcls", "TOPIC", activityCreate, severityHigh},
		{"DeleteAcls", "TOPIC", activityDelete, severityHigh},
		{"AlterUserScramCredentials", "USER", activityUpdate, severityHigh},
		{"IncrementalAlterConfigs", "TOPIC", activityUpdate, severityLow},
		{"IncrementalAlterConfigs", "BROKER", activityUpdate, severityHigh},
		{"CreatePartitions", "TOPIC", activityCreate, severityLow},
		{"RemoveDelegationToken", "DELEGATION_TOKEN", activityDelete, severityHigh},
		{"SweepDelegationToken", "DELEGATION_TOKEN", activityDelete, severityInformational},
	}
	for _, c := range cases {
		d := Change{API: c.api, ResourceType: c.resourceType}.document("")
		if d.ActivityID != c.activity || d.SeverityID != c.severity {
			t.Errorf("%s on %s: activity %d, severity %d", c.api, c.resourceType, d.ActivityID, d.SeverityID)
		}
	}
}

func TestSecretsAreHidden(t *testing.T) {
	c := change()
	c.Before = map[string]string{"ssl.keystore.password": "s3cret", "sasl.jaas.config": "s3cret", "ssl.keystore.key": "s3cret", "StoredKey": "s3cret"}
	c.After = map[string]string{"client.secret": "s3cret", "salt": "s3cret", "compression.type": "zstd"}
	got := jsonOf(t, c)
	if strings.Contains(got, "s3cret") || !strings.Contains(got, `"compression.type":"zstd"`) || strings.Count(got, hidden) != 6 {
		t.Errorf("encoded as %s", got)
	}
}

func TestLongAndOddTextsAreCut(t *testing.T) {
	long := Authentication{Client: alice(), Method: strings.Repeat("M", 5000), Claimed: strings.Repeat("ä", 5000) + "\xff", Cause: strings.Repeat("\x00", 5000)}
	long.Client.ClientID = strings.Repeat("c", 32767)
	got := jsonOf(t, long)
	if len(got) > 16*maxText || !utf8.ValidString(got) || !json.Valid([]byte(got)) {
		t.Errorf("%d bytes, valid UTF-8 %v, valid JSON %v", len(got), utf8.ValidString(got), json.Valid([]byte(got)))
	}
}

func TestCleartextIsASecretWithoutTLS(t *testing.T) {
	for method, want := range map[string]bool{"PLAIN": true, "OAUTHBEARER": true, "SCRAM-SHA-512": false} {
		a := Authentication{Client: alice(), Method: method}
		a.Client.Protocol = "SASL_PLAINTEXT"
		if d := a.document("run"); d.IsCleartext == nil || *d.IsCleartext != want {
			t.Errorf("%s in the clear is not said to be, or said to be without being", method)
		}
	}
}

func TestEveryOperationIsAnActivity(t *testing.T) {
	for op := authz.All; op <= authz.TwoPhaseCommit; op++ {
		id, name := activityOf(op)
		if name == "" || id != activityOther && (id < activityCreate || id > activityDelete) {
			t.Errorf("%v is activity %d %q", op, id, name)
		}
	}
}
