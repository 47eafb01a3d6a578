package doctor_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/authz"
	"github.com/chronik-stream/chronik/broker/controller"
	"github.com/chronik-stream/chronik/broker/doctor"
	"github.com/chronik-stream/chronik/broker/meta"
)

// sound is a configuration that nothing is to be said of.
const sound = `listeners=SASL_SSL://:9094
log.dirs=DIR/data
ssl.keystore.type=PEM
ssl.keystore.location=DIR/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=DIR/server.pem
listener.name.sasl_ssl.ssl.client.auth=required
ssl.enabled.protocols=TLSv1.3
chronik.listener.require=pq
connections.max.reauth.ms=3600000
super.users=User:admin
chronik.login.lockout.attempts=10
chronik.ssl.crl.location=DIR/lists
`

const (
	onLoopback = "listeners=SASL_PLAINTEXT://127.0.0.1:9092\nlog.dirs=DIR/data\nconnections.max.reauth.ms=1000\nchronik.login.lockout.attempts=10\n"
	withTLS    = "log.dirs=DIR/data\nssl.keystore.type=PEM\nssl.keystore.location=DIR/server.pem\nssl.truststore.type=PEM\nssl.truststore.location=DIR/server.pem\nssl.enabled.protocols=TLSv1.3\n"
	tickets    = "sasl.enabled.mechanisms=GSSAPI\nsasl.kerberos.service.name=kafka\nchronik.sasl.gssapi.keytab=DIR/kafka.keytab\n"
	tokens     = "sasl.enabled.mechanisms=OAUTHBEARER\nsasl.oauthbearer.jwks.endpoint.url=https://issuer.example/keys\n"
)

// directory is a configuration whose PLAIN asks a directory, as a user with a short password.
const directory = sound + "sasl.enabled.mechanisms=PLAIN\nchronik.sasl.plain.ldap.url=ldaps://directory.example\n" +
	"chronik.sasl.plain.ldap.search.base=dc=example\nchronik.sasl.plain.ldap.search.filter=(uid=%s)\nchronik.sasl.plain.ldap.bind.dn=cn=broker\n" +
	"chronik.sasl.plain.ldap.bind.password=brief"

func plainUser(password string) string {
	return sound + "sasl.enabled.mechanisms=PLAIN\nlistener.name.sasl_ssl.plain.sasl.jaas.config=" +
		`org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="` + password + `";`
}

// aCase makes a check find something, after a sound configuration in which it finds nothing.
type aCase struct {
	check string
	// config is in place of the sound one, facts and commands change what is known.
	config   string
	files    func(*ward)
	facts    func(*doctor.Facts)
	commands []meta.Command
	session  *auth.Session
	// want stands in the finding; state is what it says.
	want  string
	state doctor.State
}

// soundSession is a session that nothing is to be said of.
func soundSession() *auth.Session {
	return &auth.Session{
		Principal: auth.User("alice"), Host: netip.MustParseAddr("10.0.0.1"), Listener: "SASL_SSL", Protocol: "SASL_SSL", Method: "SCRAM-SHA-512",
		Encryption:  &auth.Encryption{Version: "TLSv1.3", Group: "X25519MLKEM768", PostQuantum: true, Suite: "TLS_AES_128_GCM_SHA256"},
		Certificate: &auth.Certificate{Subject: "CN=alice", NotAfter: now.AddDate(0, 0, 31)},
	}
}

func sessionWith(change func(*auth.Session)) *auth.Session {
	s := soundSession()
	change(s)
	return s
}

func cases() []aCase {
	retention := func(ms string) meta.Command {
		return &meta.AlterConfigs{Resources: []meta.ResourceChange{{
			Key: meta.ResourceKey{Type: meta.TopicConfig, Name: controller.AuditTopic},
			Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "retention.ms", Value: ms}},
		}}}
	}
	size := &meta.AlterConfigs{Resources: []meta.ResourceChange{{
		Key: meta.ResourceKey{Type: meta.TopicConfig, Name: controller.AuditTopic},
		Ops: []meta.ConfigOp{{Op: meta.SetConfig, Name: "retention.bytes", Value: "1000"}},
	}}}
	var administrators []authz.Binding
	for _, name := range []string{"User:a", "User:b", "User:c", "User:d"} {
		administrators = append(administrators, allow(name, authz.Alter, authz.Cluster, authz.ClusterName))
	}
	everybody := &meta.CreateACLs{Bindings: []authz.Binding{allow("User:*", authz.Read, authz.Topic, "orders")}}
	withoutRenewal := strings.Replace(sound, "=3600000", "=0", 1)
	return []aCase{
		{check: "plaintext-listener", config: strings.Replace(onLoopback, "127.0.0.1", "", 1) + "chronik.allow.insecure=true\n", want: "every interface"},
		{check: "plaintext-loopback", config: onLoopback, want: "SASL_PLAINTEXT on 127.0.0.1"},
		{check: "no-login", config: "listeners=PLAINTEXT://localhost:9092\nlog.dirs=DIR/data", want: "no log-in"},
		{check: "no-login", config: withTLS + "listeners=SSL://:9092\nssl.client.auth=requested", want: "ssl.client.auth=requested"},
		{check: "client-certificate-not-asked", config: withTLS + "listeners=SASL_SSL://:9092", want: "ssl.client.auth=none"},
		{check: "plain-without-tls", config: onLoopback + "sasl.enabled.mechanisms=PLAIN", want: "PLAIN on SASL_PLAINTEXT"},
		{check: "http-open", config: sound + "chronik.http.listen=:9095", want: "every interface"},
		{check: "insecure-allowed", config: sound + "chronik.allow.insecure=true", want: "chronik.allow.insecure=true"},
		{check: "tls12-allowed", config: strings.NewReplacer("=TLSv1.3", "=TLSv1.2,TLSv1.3", "=pq", "=").Replace(sound), want: "TLS 1.2"},
		{check: "weak-suites", config: strings.NewReplacer("=TLSv1.3", "=TLSv1.2", "=pq", "=").Replace(sound) + "ssl.cipher.suites=TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", want: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
		{check: "post-quantum-not-required", config: strings.Replace(sound, "require=pq", "require=mtls", 1), want: "others are let in"},
		{check: "fips-off", facts: func(f *doctor.Facts) { f.FIPS = false }, want: "off"},
		{check: "certificate-expired", files: func(w *ward) {
			w.certificate("server.pem", "a test authority", now.AddDate(-1, 0, 0), now.Add(-time.Hour))
		}, want: "2030-05-01 to 2031-05-01"},
		{check: "certificate-expired", files: func(w *ward) {
			w.certificate("server.pem", "a test authority", now.Add(time.Hour), now.AddDate(1, 0, 0))
		}, want: "CN=broker"},
		{check: "certificate-expires-soon", files: func(w *ward) {
			w.certificate("server.pem", "a test authority", now.AddDate(-1, 0, 0), now.AddDate(0, 0, 29))
		}, want: "2031-05-30"},
		{check: "certificate-unreadable", files: func(w *ward) { w.write("server.pem", "nothing") }, want: "no private key"},
		{check: "development-certificate", files: func(w *ward) {
			w.certificate("server.pem", "Chronik development CA", now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0))
		}, want: "Chronik development CA"},
		{check: "no-failure-delay", config: sound + "connection.failed.authentication.delay.ms=0", want: "0"},
		{check: "no-lockout", config: strings.Replace(sound, "attempts=10", "attempts=0", 1), want: "attempts=0"},
		{check: "no-lockout", config: strings.Replace(sound, "attempts=10", "attempts=11", 1), want: "attempts=11"},
		{check: "no-lockout", config: sound + "chronik.login.lockout.ms=60000", want: "1m0s"},
		{check: "no-revocation-list", config: strings.Replace(sound, "=DIR/lists", "=", 1), want: "ssl.client.auth=required without"},
		{check: "revocation-lenient", config: sound + "chronik.ssl.crl.on.expired=accept-with-warning", want: "accept-with-warning"},
		{check: "revocation-lenient", config: sound + "chronik.ssl.crl.on.missing=accept-with-warning", want: "accept-with-warning"},
		{check: "session-not-encrypted", session: sessionWith(func(s *auth.Session) { s.Protocol, s.Encryption = "SASL_PLAINTEXT", nil }), want: "SASL_PLAINTEXT by SCRAM-SHA-512"},
		{check: "session-tls12", session: sessionWith(func(s *auth.Session) { s.Encryption.Version = "TLSv1.2" }), want: "TLS_AES_128_GCM_SHA256"},
		{check: "session-not-post-quantum", session: sessionWith(func(s *auth.Session) { s.Encryption.Group, s.Encryption.PostQuantum = "x25519", false }), want: "x25519"},
		{check: "session-certificate-expires-soon", session: sessionWith(func(s *auth.Session) {
			s.Certificate.NotAfter, s.Certificate.Fingerprint = now.AddDate(0, 0, 29), "other"
		}), want: "CN=alice"},
		{check: "no-reauthentication", config: withoutRenewal, want: "connections.max.reauth.ms=0"},
		{check: "no-reauthentication", config: withoutRenewal + tickets + "chronik.sasl.kerberos.session.bound.to.ticket=false", want: "=0 for GSSAPI"},
		{check: "unsigned-tokens", config: onLoopback + "chronik.allow.insecure=true\nsasl.enabled.mechanisms=OAUTHBEARER\nlistener.name.sasl_plaintext.oauthbearer.sasl.jaas.config=" +
			`org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredValidatorRequiredScope="a";`, want: "without signatures"},
		{check: "unverified-tokens", config: sound + tokens + "sasl.oauthbearer.allow.unverified.issuer=true\nsasl.oauthbearer.expected.audience=a", want: "issuer"},
		{check: "unverified-tokens", config: sound + tokens + "sasl.oauthbearer.allow.unverified.audience=true\nsasl.oauthbearer.expected.issuer=a", want: "audience"},
		{check: "default-password", config: plainUser("Alice"), want: "user's name"},
		{check: "default-password", config: plainUser("changeit"), want: "examples"},
		{check: "default-password", config: strings.ReplaceAll(sound, "ssl.keystore.type=PEM", "ssl.keystore.type=JKS\nssl.keystore.password=changeit"), want: "examples"},
		{check: "short-password", config: plainUser("hunter-2-abc"[:11]), want: "12"},
		{check: "default-scram-password", facts: func(f *doctor.Facts) { f.Running.Defaults = doctor.Defaults{Credentials: 3} }, want: "3"},
		{check: "default-scram-password", facts: func(f *doctor.Facts) { f.Running.Defaults = doctor.Defaults{Left: 4} }, want: "4", state: doctor.Unverified},
		{
			check: "scram-salt", commands: []meta.Command{&meta.AlterScram{Upserts: []meta.ScramCredential{
				{User: "alice", Mechanism: meta.ScramSHA256, Iterations: 8192, Salt: make([]byte, 15)},
			}}}, want: "SCRAM-SHA-256 with a salt of 15 bytes",
		},
		{check: "short-password", config: directory, want: "12"},
		{check: "directory-remembered", config: directory + "\nchronik.sasl.plain.ldap.cache.ms=1000", want: "for 1s"},
		{check: "scram-iterations", commands: []meta.Command{user("admin", 4096)}, want: "SCRAM-SHA-512 with 4096"},
		{check: "acls-off", config: sound + "chronik.allow.insecure=true\nchronik.acl.enabled=false", want: "chronik.acl.enabled=false"},
		{check: "allow-everyone", config: sound + "allow.everyone.if.no.acl.found=true", want: "=true"},
		{check: "anonymous-super-user", config: strings.Replace(sound, "User:admin", "User:ANONYMOUS", 1), want: "User:ANONYMOUS"},
		{check: "anonymous-super-user", config: sound + "listener.name.sasl_ssl.super.users=User:ANONYMOUS", want: "User:ANONYMOUS"},
		{check: "many-super-users", config: sound + "listener.name.sasl_ssl.super.users=User:a;User:b;User:c;User:d", want: "4 principals"},
		{check: "many-super-users", config: strings.Replace(sound, "User:admin", "User:a;User:b;User:c;User:d", 1), want: "4 principals"},
		{check: "policies-not-in-force", facts: policies("a", "b", true), want: "b is required, a is in force"},
		{check: "policies-not-in-force", facts: policies("a", "a", true), want: "others than sha256 a"},
		{check: "policies-not-in-force", facts: policies("a", "", true), want: "others than sha256 a"},
		{check: "many-cluster-administrators", commands: []meta.Command{&meta.CreateACLs{Bindings: administrators}}, want: "4 principals, such as User:a, User:b, User:c"},
		{check: "acl-for-everybody", commands: []meta.Command{everybody}, want: "User:* allows READ on TOPIC orders (LITERAL)"},
		{check: "user-without-rights", commands: []meta.Command{user("bob", 8192)}, want: "User:bob"},
		{check: "approval-without-grants", config: sound + "chronik.approval.required=delete-topics,retention-cuts", want: "=delete-topics,retention-cuts"},
		{check: "approval-without-approver", config: sound + "chronik.approval.required=super-user-grants", want: "one, User:admin"},
		{check: "approval-without-approver", config: strings.Replace(sound, "User:admin", "User:ANONYMOUS", 1) + "chronik.approval.required=super-user-grants", want: "nobody"},
		{check: "accesses-not-recorded", config: sound + "chronik.audit.access=none", want: "chronik.audit.access=none"},
		{check: "audit-may-be-lost", config: sound + "chronik.audit.on.failure=allow", want: "=allow"},
		{check: "audit-retention", commands: []meta.Command{retention("604800000")}, want: "retention.ms=604800000"},
		{check: "audit-retention", commands: []meta.Command{size}, want: "retention.bytes=1000"},
		{check: "flush-policy", config: sound + "chronik.flush.policy=os", want: "=os"},
		{check: "flush-policy", config: sound + "chronik.flush.policy=interval", want: "100ms"},
		{check: "clock", facts: func(f *doctor.Facts) { f.Clock = doctor.ClockAlone }, want: "not synchronized"},
		{check: "clock", facts: func(f *doctor.Facts) { f.Clock = doctor.ClockUnknown }, want: "does not tell", state: doctor.Unverified},
		{check: "secret-file-open", files: func(w *ward) { w.chmod("server.pem", 0o644) }, want: "0644"},
		{check: "secret-file-open", config: sound + "chronik.sasl.plain.users.file=DIR/users.properties", files: func(w *ward) { w.chmod("users.properties", 0o620) }, want: "0620"},
		{
			check: "secret-file-open", config: sound + tickets,
			files: func(w *ward) { w.chmod("kafka.keytab", 0o604) }, want: "0604",
		},
		{check: "secret-file-open", config: sound + "ssl.key.password=a-long-enough-word", files: func(w *ward) { w.chmod("server.properties", 0o644) }, want: "0644"},
		{check: "secret-file-open", files: func(w *ward) { w.chmod("server.pem", 0o600) }, facts: func(f *doctor.Facts) {
			f.Stat = func(path string) (fs.FileInfo, error) { return nil, errors.New("no such file " + path) }
		}, want: "no such file", state: doctor.Unverified},
		{check: "data-directory-open", files: func(w *ward) { w.chmod("data", 0o755) }, want: "0755"},
	}
}

// examine runs the checks over the sound configuration with a case's changes. Files are changed once the configuration is written.
func (w *ward) examine(c *aCase) *doctor.Report {
	w.t.Helper()
	text := c.config
	if text == "" {
		text = sound
	}
	f := w.facts(text)
	if c.files != nil {
		c.files(w)
		before := f
		f = w.facts(text)
		f.ConfigFile = before.ConfigFile
	}
	f.Running = &doctor.Running{Image: w.image(c.commands...), Sessions: []*auth.Session{soundSession()}}
	if c.session != nil {
		f.Running.Sessions = append(f.Running.Sessions, c.session, c.session)
	}
	if c.facts != nil {
		c.facts(f)
	}
	return doctor.Examine(f)
}

func findingsOf(r *doctor.Report, check string) []doctor.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f doctor.Finding) bool { return f.Check != check })
}

// policies are those of a running broker.
func policies(inForce, required string, broken bool) func(*doctor.Facts) {
	return func(f *doctor.Facts) {
		f.Running.Policies = &doctor.Policies{InForce: inForce, Required: required, Broken: broken}
	}
}

// TestSoundConfiguration is where every finding disappears.
func TestSoundConfiguration(t *testing.T) {
	w := newWard(t)
	report := w.examine(&aCase{facts: policies("a", "a", false), commands: []meta.Command{
		user("alice", 16384), &meta.CreateACLs{Bindings: []authz.Binding{allow("User:alice", authz.Read, authz.Topic, "orders")}},
	}})
	if len(report.Findings) != 0 || len(report.NotChecked) != 0 || report.Checked != len(doctor.Checks()) {
		t.Errorf("checked %d, not checked %v, findings %+v", report.Checked, report.NotChecked, report.Findings)
	}
}

// TestEveryCheckFinds makes each finding appear.
func TestEveryCheckFinds(t *testing.T) {
	tried := map[string]bool{}
	for _, c := range cases() {
		tried[c.check] = true
		t.Run(c.check+": "+c.want, func(t *testing.T) {
			w := newWard(t)
			found := findingsOf(w.examine(&c), c.check)
			if len(found) == 0 {
				t.Fatal("nothing is found")
			}
			f := found[0]
			if c.session != nil && len(found) != 1 {
				t.Errorf("two connections of one client are two findings: %+v", found)
			}
			if !strings.Contains(f.Text, c.want) || f.Subject == "" || f.Mend == "" || len(f.Controls) == 0 {
				t.Errorf("found %+v, want %q", f, c.want)
			}
			if c.state == doctor.Unverified && (f.State != doctor.Unverified || f.Severity > doctor.Low) {
				t.Errorf("what could not be looked at is %s, %s", f.State, f.Severity)
			}
		})
	}
	for _, c := range doctor.Checks() {
		if !tried[c.ID] {
			t.Errorf("no case makes %s find something", c.ID)
		}
		if c.Title == "" || c.Mend == "" || len(c.Controls) == 0 || c.Severity < doctor.Info || c.State != doctor.Weak && c.State != doctor.Open {
			t.Errorf("the check %s is incomplete: %+v", c.ID, c)
		}
	}
}

// TestSessionsThatEndByThemselves: those by tickets and tokens need no connections.max.reauth.ms to end.
func TestSessionsThatEndByThemselves(t *testing.T) {
	const verified = "sasl.oauthbearer.expected.issuer=a\nsasl.oauthbearer.expected.audience=a\n"
	for _, mechanism := range []string{tickets, tokens + verified} {
		report := newWard(t).examine(&aCase{config: strings.Replace(sound, "=3600000", "=0", 1) + mechanism})
		if found := findingsOf(report, "no-reauthentication"); len(found) > 0 {
			t.Errorf("%s: %+v", mechanism, found)
		}
	}
}

// TestWithoutABroker: what only a running broker can tell is named, and nothing is said of it.
func TestWithoutABroker(t *testing.T) {
	report := doctor.Examine(newWard(t).facts(sound))
	if len(report.Findings) != 0 || !slices.Contains(report.NotChecked, "acl-for-everybody") || report.Checked+len(report.NotChecked) != len(doctor.Checks()) {
		t.Errorf("%d checked, not checked %v, findings %+v", report.Checked, report.NotChecked, report.Findings)
	}
}

// TestPasswordsAreNotShown: whatever is found of a password, it is in no report.
func TestPasswordsAreNotShown(t *testing.T) {
	w := newWard(t)
	var out strings.Builder
	report := w.examine(&aCase{config: plainUser("KAFKA-secret")})
	if len(findingsOf(report, "default-password")) != 1 {
		t.Fatal("the password is not found")
	}
	if err := errors.Join(report.WriteText(&out, func(s string) string { return s }), report.WriteJSON(&out)); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "KAFKA-secret") {
		t.Errorf("the password is shown: %s", out.String())
	}
}

// TestFindingsAreBounded: the last one stands for all that are too many.
func TestFindingsAreBounded(t *testing.T) {
	var bindings []authz.Binding
	for i := range 1000 {
		bindings = append(bindings, allow("User:*", authz.Read, authz.Topic, strings.Repeat("t", i%200+1)+string(rune('a'+i/200))))
	}
	found := findingsOf(newWard(t).examine(&aCase{commands: []meta.Command{&meta.CreateACLs{Bindings: bindings}}}), "acl-for-everybody")
	if len(found) != 20 || found[19].Subject != "981 more" {
		t.Errorf("%d findings, the last %+v", len(found), found[len(found)-1])
	}
}
