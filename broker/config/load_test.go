package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// loopback is the smallest useful configuration.
const loopback = "listeners=PLAINTEXT://127.0.0.1:9092\n"

func load(t *testing.T, text string, environ ...string) (*Config, []Warning, error) {
	t.Helper()
	file, err := FromProperties("test.properties", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return Load(file, FromEnvironment(environ))
}

func mustLoad(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	c, _, err := load(t, text, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestErrorsNameKeyValueAndWhatIsAllowed(t *testing.T) {
	const tls = "ssl.keystore.type=PEM\nssl.keystore.location=/x.pem\n"
	for name, test := range map[string]struct {
		text    string
		environ []string
		want    []string
	}{
		"unknown key":          {text: loopback + "log.retention.msec=1", want: []string{"log.retention.msec", "nearest", "log.retention.ms"}},
		"wrong type":           {text: loopback + "num.partitions=many", want: []string{"num.partitions", "many", "INT"}},
		"out of range":         {text: loopback + "log.segment.bytes=10", want: []string{"log.segment.bytes", "10", "at least 1048576"}},
		"days":                 {text: loopback + "chronik.ssl.expiry.warning.days=30,0", want: []string{"chronik.ssl.expiry.warning.days", "0 is no number of days", "1 to 3650"}},
		"revocation policy":    {text: loopback + "chronik.ssl.crl.on.missing=accept", want: []string{"chronik.ssl.crl.on.missing", "refuse, accept-with-warning"}},
		"not a choice":         {text: loopback + "chronik.flush.policy=never", want: []string{"never", "acks, interval, os"}},
		"boolean":              {text: loopback + "chronik.acl.enabled=yes", want: []string{"chronik.acl.enabled", "yes", "true or false"}},
		"acl off":              {text: loopback + "chronik.acl.enabled=false", want: []string{"chronik.allow.insecure"}},
		"lost protection":      {text: loopback + "ssl.engine.factory.class=com.example.X", want: []string{"ssl.engine.factory.class", "com.example.X", "unset"}},
		"authorizer":           {text: loopback + "authorizer.class.name=com.example.X", want: []string{"authorizer.class.name", "StandardAuthorizer"}},
		"providers":            {text: loopback + "config.providers=vault", want: []string{"config.providers", "vault"}},
		"unknown mechanism":    {text: loopback + "sasl.enabled.mechanisms=DIGEST-MD5", want: []string{"DIGEST-MD5", "GSSAPI, OAUTHBEARER, PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"}},
		"super users":          {text: loopback + "super.users=alice", want: []string{"super.users", "alice", "User:name"}},
		"plaintext everywhere": {text: "listeners=SASL_PLAINTEXT://0.0.0.0:9092", want: []string{"SASL_PLAINTEXT", "loopback", "chronik.allow.insecure"}},
		"name twice":           {text: "listeners=PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2", want: []string{"PLAINTEXT", "twice"}},
		"port twice":           {text: "listeners=PLAINTEXT://127.0.0.1:1,SASL_PLAINTEXT://127.0.0.1:1", want: []string{"same port", "1"}},
		"no protocol":          {text: "listeners=INSIDE://127.0.0.1:1", want: []string{"INSIDE", "listener.security.protocol.map"}},
		"bad protocol":         {text: loopback + "listener.security.protocol.map=PLAINTEXT:TLS", want: []string{"TLS", "SASL_SSL"}},
		"bad address":          {text: "listeners=PLAINTEXT://127.0.0.1", want: []string{"listeners", "NAME://host:port"}},
		"bad port":             {text: "listeners=PLAINTEXT://127.0.0.1:70000", want: []string{"listeners", "70000"}},
		"advertised unknown":   {text: loopback + "advertised.listeners=OUTSIDE://h:1", want: []string{"advertised.listeners", "OUTSIDE"}},
		"advertised wildcard":  {text: loopback + "advertised.listeners=PLAINTEXT://0.0.0.0:1", want: []string{"advertised.listeners", "0.0.0.0"}},
		"no mechanism":         {text: "listeners=SASL_PLAINTEXT://127.0.0.1:1\nsasl.enabled.mechanisms=", want: []string{"SASL_PLAINTEXT", "mechanism"}},
		"no certificate":       {text: "listeners=SSL://:1", want: []string{"SSL", "ssl.keystore.location"}},
		"no authorities":       {text: "listeners=SSL://:1\nssl.client.auth=required\n" + tls, want: []string{"ssl.client.auth=required", "ssl.truststore"}},
		"two stores":           {text: "listeners=SSL://:1\nssl.keystore.key=k\nssl.keystore.certificate.chain=c\n" + tls, want: []string{"both"}},
		"half a certificate":   {text: "listeners=SSL://:1\nchronik.tls.cert=/c", want: []string{"chronik.tls.key"}},
		"tls wanted":           {text: loopback + "chronik.tls.enabled=true", want: []string{"chronik.tls.enabled=true", "PLAINTEXT"}},
		"tls not wanted":       {text: "chronik.allow.insecure=true\nchronik.tls.enabled=false\nlisteners=SSL://:1\n" + tls, want: []string{"chronik.tls.enabled=false"}},
		"tls off":              {text: "chronik.tls.enabled=false", want: []string{"chronik.allow.insecure"}},
		"inter broker":         {text: loopback + "inter.broker.listener.name=INSIDE", want: []string{"inter.broker.listener.name=INSIDE"}},
		"controller listener":  {text: loopback + "controller.listener.names=CONTROLLER", want: []string{"controller.listener.names", "CONTROLLER"}},
		"only controllers":     {text: loopback + "controller.listener.names=PLAINTEXT", want: []string{"none is for clients"}},
		"one role":             {text: loopback + "process.roles=broker", want: []string{"process.roles=broker", "broker,controller"}},
		"other voters":         {text: loopback + "controller.quorum.voters=1@a:1,2@b:1", want: []string{"controller.quorum.voters", "only itself"}},
		"voter of another id":  {text: loopback + "controller.quorum.voters=2@a:1", want: []string{"controller.quorum.voters", "node.id"}},
		"two ids":              {text: loopback + "node.id=1\nbroker.id=2", want: []string{"broker.id=2", "node.id=1"}},
		"two directories":      {text: loopback + "log.dirs=/a,/a/", want: []string{"log.dirs", "once"}},
		"two times":            {text: loopback + "group.min.session.timeout.ms=10\ngroup.max.session.timeout.ms=9", want: []string{"group.min", "group.max"}},
		"overrides":            {text: loopback + "max.connections.per.ip.overrides=example:3", want: []string{"max.connections.per.ip.overrides", "example"}},
		"unknown listener":     {text: loopback + "listener.name.inside.ssl.client.auth=none", want: []string{"listener.name.inside", "plaintext"}},
		"not per listener":     {text: loopback + "listener.name.plaintext.log.dirs=/a", want: []string{"log.dirs", "one listener"}},
		"listener key":         {text: loopback + "listener.name.plaintext.ssl.client.aut=none", want: []string{"listener.name.plaintext.ssl.client.auth"}},
		"registry":             {text: loopback + "chronik.schema.registry.enabled=true", want: []string{"chronik.schema.registry.enabled", "not served"}},
		"environment":          {text: loopback, environ: []string{"CHRONIK_SUPER_USER=User:a"}, want: []string{"CHRONIK_SUPER_USER", "CHRONIK_SUPER_USERS"}},
		"general jaas":         {text: loopback + "sasl.jaas.config=x", want: []string{"sasl.jaas.config", "plain.sasl.jaas.config"}},
	} {
		_, _, err := load(t, test.text, test.environ...)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: the error is %v", name, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not name %q: %v", name, want, err)
			}
		}
	}
}

func TestErrorsHideSecrets(t *testing.T) {
	for _, text := range []string{
		"delegation.token.secret.key=hush", "sasl.jaas.config=hush",
		"listener.name.sasl_plaintext.plain.sasl.jaas.config=hush", "listener.name.sasl_plaintext.plain.sasl.jaas.config=X required a=\"hush",
	} {
		_, _, err := load(t, "listeners=SASL_PLAINTEXT://127.0.0.1:1\nsasl.enabled.mechanisms=PLAIN\n"+text)
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

// TestKafkasOwnFile starts from the server.properties of a combined KRaft node.
func TestKafkasOwnFile(t *testing.T) {
	const text = `
process.roles=broker,controller
node.id=7
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
socket.send.buffer.bytes=102400
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`
	if _, _, err := load(t, text); err == nil || !strings.Contains(err.Error(), "chronik.allow.insecure") {
		t.Errorf("a listener without TLS on every interface: %v", err)
	}
	c, warnings, err := load(t, text, "CHRONIK_ALLOW_INSECURE=true")
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	for _, w := range warnings {
		warned = append(warned, w.Key)
		if !strings.Contains(w.String(), w.Key) {
			t.Errorf("the warning does not name %s: %s", w.Key, w)
		}
	}
	if diff := cmp.Diff([]string{"num.network.threads", "socket.send.buffer.bytes"}, warned); diff != "" {
		t.Errorf("warnings: %s", diff)
	}
	if len(c.Listeners) != 1 || c.Listeners[0].Name != "PLAINTEXT" || c.Listeners[0].Address() != ":9092" || c.Listeners[0].AdvertisedHost != "localhost" {
		t.Errorf("listeners are %+v", c.Listeners)
	}
	if len(c.ControllerListeners) != 1 || c.ControllerListeners[0].Name != "CONTROLLER" {
		t.Errorf("controller listeners are %+v", c.ControllerListeners)
	}
	if c.Node.ID != 7 || c.OffsetsTopic.ReplicationFactor != 1 || c.Storage.LogDirs[0] != "/tmp/kraft-combined-logs" {
		t.Errorf("node %+v, offsets %+v, storage %+v", c.Node, c.OffsetsTopic, c.Storage)
	}
}

func TestListenersHaveTheirOwnSecurity(t *testing.T) {
	c := mustLoad(t, `
listeners=INSIDE://127.0.0.1:9092,OUT.SIDE://[::1]:9093,LOGIN://0.0.0.0:9094
advertised.listeners=OUT.SIDE://broker.example:443
listener.security.protocol.map=INSIDE:SASL_PLAINTEXT,OUT.SIDE:SSL,LOGIN:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location=/general.pem
ssl.truststore.location=/ca.pem
ssl.client.auth=required
listener.name.out.side.ssl.keystore.location=/outside.pem
listener.name.out.side.ssl.client.auth=requested
listener.name.out.side.chronik.ssl.principal.source=uri
listener.name.out.side.chronik.ssl.crl.location=/a.crl, /lists
listener.name.out.side.chronik.ssl.crl.on.expired=accept-with-warning
listener.name.out.side.chronik.ssl.ocsp.staple=on
listener.name.out.side.chronik.ssl.ocsp.response.location=/response.der
listener.name.out.side.chronik.ssl.expiry.warning.days=3
listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.login.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="broker" password="x" user_alice="a \\"quoted\\"; secret" user_bob=plain ;
`)
	warnings := []time.Duration{30 * 24 * time.Hour, 14 * 24 * time.Hour, 7 * 24 * time.Hour, 24 * time.Hour}
	want := []Listener{
		{
			Name: "INSIDE", Protocol: "SASL_PLAINTEXT", Host: "127.0.0.1", Port: 9092, AdvertisedHost: "127.0.0.1", AdvertisedPort: 9092,
			Mechanisms: []string{"SCRAM-SHA-512", "SCRAM-SHA-256"},
		},
		{
			Name: "OUT.SIDE", Protocol: "SSL", Host: "::1", Port: 9093, AdvertisedHost: "broker.example", AdvertisedPort: 443, PrincipalRules: "DEFAULT", PrincipalSource: "uri",
			TLS: &TLS{
				KeyStoreType: "PEM", KeyStoreLocation: "/outside.pem", TrustStoreType: "JKS", TrustStoreLocation: "/ca.pem",
				Protocol: "TLSv1.3", EnabledProtocols: []string{"TLSv1.2", "TLSv1.3"}, ClientAuth: "requested",
				RevocationLists: RevocationLists{Locations: []string{"/a.crl", "/lists"}, AcceptExpired: true},
				Staple:          true, StapleLocation: "/response.der", ExpiryWarnings: []time.Duration{3 * 24 * time.Hour},
			},
		},
		{
			Name: "LOGIN", Protocol: "SASL_SSL", Host: "0.0.0.0", Port: 9094, AdvertisedHost: machineName(), AdvertisedPort: 9094, PrincipalRules: "DEFAULT", PrincipalSource: "dn",
			TLS: &TLS{
				KeyStoreType: "PEM", KeyStoreLocation: "/general.pem", TrustStoreType: "JKS", TrustStoreLocation: "/ca.pem",
				Protocol: "TLSv1.3", EnabledProtocols: []string{"TLSv1.2", "TLSv1.3"}, ClientAuth: "none",
				ExpiryWarnings: warnings,
			},
			Mechanisms: []string{"PLAIN", "SCRAM-SHA-512"},
			PlainUsers: map[string]string{"alice": `a "quoted"; secret`, "bob": "plain"},
		},
	}
	if diff := cmp.Diff(want, c.Listeners); diff != "" {
		t.Error(diff)
	}
}

func TestEnvironmentGoesBeforeTheFile(t *testing.T) {
	c := mustLoad(t, loopback+"super.users=User:file\nlog.retention.hours=1\n",
		"HOME=/root", "CHRONIK_LISTENERS=SASL_SSL://127.0.0.1:9094,SSL://127.0.0.1:9095",
		"CHRONIK_LISTENER_NAME_SSL_SSL_CLIENT_AUTH=required", "CHRONIK_LISTENER_NAME_SASL_SSL_SCRAM_SHA_512_SASL_JAAS_CONFIG="+scramModule+" required;",
		"CHRONIK_TLS_ENABLED=true", "CHRONIK_TLS_CERT=/tls.crt", "CHRONIK_TLS_KEY=/tls.key", "CHRONIK_TLS_CA=/ca.crt", "CHRONIK_ACL_ENABLED=true",
		"CHRONIK_SUPERUSERS=admin, kafka", "CHRONIK_FLUSH_POLICY=interval", "CHRONIK_HTTP_LISTEN=", "CHRONIK_NODE_ID=3",
		"CHRONIK_PORT=tcp://10.0.0.1:9092", "CHRONIK_SERVICE_HOST=10.0.0.1", "CHRONIK_HEADLESS_SERVICE_PORT=9092",
		"CHRONIK_HEADLESS_PORT=tcp://10.0.0.1:9092", "CHRONIK_HEADLESS_PORT_9092_TCP_ADDR=10.0.0.1")
	if diff := cmp.Diff([]string{"User:admin", "User:kafka"}, c.Security.SuperUsers); diff != "" {
		t.Error(diff)
	}
	if c.Node.ID != 3 || c.Storage.FlushPolicy != FlushInterval || c.HTTPListen != "" {
		t.Errorf("node %d, flush policy %d, HTTP %q", c.Node.ID, c.Storage.FlushPolicy, c.HTTPListen)
	}
	tls := c.Listeners[1].TLS
	if tls.KeyStoreType != "PEM" || tls.KeyStoreLocation != "/tls.crt" || tls.KeyLocation != "/tls.key" || tls.TrustStoreLocation != "/ca.crt" ||
		tls.ClientAuth != "required" {
		t.Errorf("TLS is %+v", tls)
	}
	if _, origin, _ := c.Value("super.users"); origin != Environment {
		t.Errorf("super.users comes from %d", origin)
	}
	if _, origin, _ := c.Value("log.retention.hours"); origin != Static {
		t.Errorf("log.retention.hours comes from %d", origin)
	}
	if value, origin, ok := c.Value("log.retention.ms"); ok || origin != Default {
		t.Errorf("log.retention.ms is %q from %d", value, origin)
	}
}

// TestOtherWordsFromTheEnvironmentGoBeforeTheFile is about keys that say the same as others in the file.
func TestOtherWordsFromTheEnvironmentGoBeforeTheFile(t *testing.T) {
	c := mustLoad(t, "listeners=SSL://127.0.0.1:1\nlog.dirs=/file\nlog.retention.ms=1\nbroker.id=2\nssl.keystore.location=/file.jks\nssl.truststore.location=/ca.jks\n",
		"CHRONIK_LOG_DIR=/environment", "CHRONIK_LOG_RETENTION_HOURS=1", "CHRONIK_NODE_ID=3", "CHRONIK_TLS_CERT=/c", "CHRONIK_TLS_KEY=/k")
	tls := c.Listeners[0].TLS
	if c.Node.ID != 3 || c.Storage.LogDirs[0] != "/environment" || tls.KeyStoreLocation != "/c" || tls.KeyLocation != "/k" || tls.TrustStoreLocation != "/ca.jks" {
		t.Errorf("node %+v, storage %+v, TLS %+v", c.Node, c.Storage, tls)
	}
	if ms := c.Topic(nil, Dynamic{}).RetentionMs; ms != 3600000 {
		t.Errorf("topics keep records for %d ms", ms)
	}
	within := mustLoad(t, loopback+"log.retention.ms=1\nlog.retention.hours=1\n")
	if ms := within.Topic(nil, Dynamic{}).RetentionMs; ms != 1 {
		t.Errorf("within a file, topics keep records for %d ms", ms)
	}
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, "ssl.keystore.type=PEM\nssl.keystore.location=/x")
	if l := c.Listeners[0]; len(c.Listeners) != 1 || l.Protocol != "SASL_SSL" || l.Address() != ":9094" {
		t.Errorf("listeners are %+v", c.Listeners)
	}
	if !c.Security.ACLEnabled || c.Security.AllowIfNoACL || c.Security.AllowInsecure || c.Security.AuditAllowOnFailure {
		t.Errorf("security is %+v", c.Security)
	}
	if c.Storage.FlushPolicy != FlushAcks || c.Storage.HeaderOnly || c.Storage.MetadataDir != "/var/lib/chronik" {
		t.Errorf("storage is %+v", c.Storage)
	}
	want := Groups{
		InitialRebalanceDelay: 3 * time.Second, MinSessionTimeout: 6 * time.Second, MaxSessionTimeout: 30 * time.Minute,
		MaxSize: 1<<31 - 1, MaxOffsetMetadata: 4096, OffsetsRetention: 7 * 24 * time.Hour, ExpiryInterval: 10 * time.Minute,
		CommitTimeout: 5 * time.Second,
		Consumer:      c.Groups.Consumer, // see TestConsumerGroupsAreRead
	}
	if diff := cmp.Diff(want, c.Groups); diff != "" {
		t.Error(diff)
	}
	if c.Limits.FrameBeforeLogin != 96<<10 || c.Limits.FrameAfterLogin != 100<<20 || c.Limits.Idle != 10*time.Minute {
		t.Errorf("limits are %+v", c.Limits)
	}
}

func TestWithoutTLS(t *testing.T) {
	c := mustLoad(t, "chronik.allow.insecure=true\nchronik.tls.enabled=false\nchronik.acl.enabled=false")
	if c.Security.ACLEnabled || len(c.Listeners) != 1 || c.Listeners[0].Protocol != "SASL_PLAINTEXT" {
		t.Errorf("security %+v, listeners %+v", c.Security, c.Listeners)
	}
}
