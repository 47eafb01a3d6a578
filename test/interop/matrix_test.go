//go:build interop

package interop

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/chronik-stream/chronik/test/harness"
)

// way is one way to log in: a row of the matrix. user is who logs in, alone of all with rights to the topics that begin with the row's
// prefix: whoever reads and writes there is that principal.
type way struct {
	name, mechanism, user, prefix string
}

const (
	viaKerberos = "GSSAPI"
	viaOAuth    = "OAUTHBEARER"
	viaToken    = "Delegation token"
	viaMTLS     = "mTLS"
)

func ways() []way {
	return []way{
		{"PLAIN", "PLAIN", "by-plain", "plain-"},
		{"SCRAM-SHA-256", "SCRAM-SHA-256", "by-scram-256", "scram-256-"},
		{"SCRAM-SHA-512", "SCRAM-SHA-512", "by-scram-512", "scram-512-"},
		{viaKerberos, "GSSAPI", "by-kerberos", "kerberos-"},
		{viaOAuth, "OAUTHBEARER", "by-oauth", "oauth-"},
		{viaToken, "SCRAM-SHA-512", "by-token", "token-"},
		{viaMTLS, "", "CN=chronik-client", "mtls-"},
	}
}

func (w way) protocols() []string {
	if w.name == viaMTLS {
		return []string{"SSL"}
	}
	return []string{"SASL_SSL", "SASL_PLAINTEXT"}
}

// login is one log-in of one client. What a way to log in does not need is empty. The programs of test/python and test/interop/sarama read it.
type login struct {
	way         way
	Name        string `json:"name"`
	Protocol    string `json:"protocol"`
	Bootstrap   string `json:"bootstrap"`
	CA          string `json:"ca,omitempty"`
	Mechanism   string `json:"mechanism,omitempty"`
	User        string `json:"user,omitempty"`
	Password    string `json:"password,omitempty"`
	Token       string `json:"token,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	Kerberos    string `json:"kerberos,omitempty"`
	Keytab      string `json:"keytab,omitempty"`
	Realm       string `json:"realm,omitempty"`
	Topic       string `json:"topic"`
	Value       string `json:"value"`
}

// matrix is a broker with every way to log in, and whom they need.
type matrix struct {
	*harness.Broker
	kdc                            *harness.KDC
	issuer                         *harness.Issuer
	bootstrap                      map[string]string // by protocol
	keytab, tickets                string
	password, tokenID, tokenSecret string

	mu     sync.Mutex
	passed map[[2]string][]string // by way and client, the protocols
}

// TestLoginMatrix has every client log in in every way that it has, over each protocol, and put in a record and read it. docs/clients.md
// is what came of it: INTEROP_WRITE_MATRIX=1 (`make docs-matrix`) writes it.
func TestLoginMatrix(t *testing.T) {
	t.Parallel()
	m := startMatrix(t)
	all := matrixClients()
	m.prepare(t, all)
	t.Run("clients", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				m.hold(t, c)
			})
		}
	})
	m.othersAreKeptOut(t)
	m.compareWithDocument(t, all)
}

func startMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{kdc: harness.StartKDC(t), passed: map[[2]string][]string{}, password: "Ein-Schloss-am-Bodensee"}
	m.issuer = harness.StartIssuer(t, map[string]string{"by-oauth": oauthSecret})
	sasl, plaintext, mtls := harness.FreeAddress(t), harness.FreeAddress(t), harness.FreeAddress(t)
	m.bootstrap = map[string]string{"SASL_SSL": localhost(sasl), "SASL_PLAINTEXT": localhost(plaintext), "SSL": localhost(mtls)}
	jaas := "=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ssl.truststore.type=PEM " +
		fmt.Sprintf("ssl.truststore.location=%q;", m.issuer.CA)
	m.Broker = harness.New(t,
		"CHRONIK_LISTENERS=SASL_SSL://"+sasl+",SASL_PLAINTEXT://"+plaintext+",SSL://"+mtls,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://"+localhost(sasl)+",SASL_PLAINTEXT://"+localhost(plaintext)+",SSL://"+localhost(mtls),
		"CHRONIK_SASL_ENABLED_MECHANISMS=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,GSSAPI,OAUTHBEARER", "CHRONIK_SUPER_USERS=User:admin",
		"CHRONIK_SASL_GSSAPI_KEYTAB="+m.kdc.Keytab(t, harness.KafkaPrincipal), "CHRONIK_SASL_GSSAPI_PRINCIPAL="+harness.KafkaPrincipal,
		"KRB5_CONFIG="+m.kdc.Conf(),
		"CHRONIK_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL="+m.issuer.KeysURL(), "CHRONIK_SASL_OAUTHBEARER_EXPECTED_ISSUER="+m.issuer.URL,
		"CHRONIK_SASL_OAUTHBEARER_EXPECTED_AUDIENCE="+harness.IssuerAudience,
		"CHRONIK_LISTENER_NAME_SASL_SSL_OAUTHBEARER_SASL_JAAS_CONFIG"+jaas,
		"CHRONIK_LISTENER_NAME_SASL_PLAINTEXT_OAUTHBEARER_SASL_JAAS_CONFIG"+jaas,
		tokensOn, "CHRONIK_GROUP_INITIAL_REBALANCE_DELAY_MS=0")
	m.SASL, m.TLS = sasl, mtls
	m.Run(t)
	return m
}

// prepare makes users, tickets, topics, ACLs and the token.
func (m *matrix) prepare(t *testing.T, all []matrixClient) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m.keytab = m.kdc.Keytab(t, "by-kerberos@"+harness.Realm)
	m.tickets = m.kdc.Tickets(t, m.kdc.Conf(), m.keytab, "by-kerberos@"+harness.Realm)
	adm := kadm.NewClient(franzClient(t, franzSASL(t, m.Broker, "SCRAM-SHA-512")...))
	for user, mechanism := range map[string]kadm.ScramMechanism{
		"by-plain": kadm.ScramSha256, "by-scram-256": kadm.ScramSha256, "by-scram-512": kadm.ScramSha512, "by-token": kadm.ScramSha512,
	} {
		if _, err := adm.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: user, Mechanism: mechanism, Iterations: 4096, Password: m.password}}); err != nil {
			t.Fatal(err)
		}
	}
	var topics []string
	for _, w := range ways() {
		acls := kadm.NewACLs().ResourcePatternType(kadm.ACLPatternPrefixed).Topics(w.prefix).Groups(w.prefix).Allow("User:" + w.user).Operations(kadm.OpAll)
		if results, err := adm.CreateACLs(ctx, acls); err != nil || results[0].Err != nil {
			t.Fatalf("ACLs of %s: %v, %v", w.user, results, err)
		}
		for _, c := range all {
			for _, protocol := range w.protocols() {
				topics = append(topics, topicOf(w, c.name, protocol))
			}
		}
	}
	if made, err := adm.CreateTopics(ctx, 1, 1, nil, topics...); err != nil || made.Error() != nil {
		t.Fatalf("topics: %v, %v", made.Error(), err)
	}
	owner := kadm.NewClient(franzClient(t, franzUser(t, m.Broker, "SCRAM-SHA-512", "by-token", m.password)...))
	token, err := owner.CreateDelegationToken(ctx, kadm.CreateDelegationToken{MaxLifetime: -1})
	if err != nil {
		t.Fatal(err)
	}
	m.tokenID, m.tokenSecret = token.TokenID, base64.StdEncoding.EncodeToString(token.HMAC)
}

func topicOf(w way, client, protocol string) string {
	return w.prefix + strings.ToLower(strings.NewReplacer(" ", "-", "'", "", "(", "", ")", "").Replace(client+"-"+protocol))
}

// hold has a client log in in all ways that it has, and notes those in which it has read what it wrote.
func (m *matrix) hold(t *testing.T, c matrixClient) {
	t.Helper()
	var logins []login
	for _, w := range ways() {
		if c.lacks[w.name] != "" {
			continue
		}
		for _, protocol := range w.protocols() {
			logins = append(logins, m.login(t, w, c.name, protocol))
		}
	}
	read := c.run(t, m, logins)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range logins {
		if read[l.Name] != l.Value {
			t.Errorf("%s by %s over %s: read %q, want %q", c.name, l.way.name, l.Protocol, read[l.Name], l.Value)
			continue
		}
		key := [2]string{l.way.name, c.name}
		m.passed[key] = append(m.passed[key], l.Protocol)
	}
}

func (m *matrix) login(t *testing.T, w way, client, protocol string) login {
	t.Helper()
	l := login{
		way: w, Name: w.name + " " + protocol, Protocol: protocol, Bootstrap: m.bootstrap[protocol], Mechanism: w.mechanism,
		Topic: topicOf(w, client, protocol), Value: "written-to-" + topicOf(w, client, protocol),
	}
	if strings.HasSuffix(protocol, "SSL") {
		l.CA = m.CA()
	}
	switch w.name {
	case viaKerberos:
		l.User, l.Kerberos, l.Keytab, l.Realm = w.user, m.kdc.Conf(), m.keytab, harness.Realm
	case viaOAuth:
		l.Token = m.issuer.Token(t, w.user, nil)
	case viaToken:
		l.User, l.Password = m.tokenID, m.tokenSecret
	case viaMTLS:
		l.Certificate, l.Key = filepath.Join(m.Dir, "client.pem"), filepath.Join(m.Dir, "client.key")
	default:
		l.User, l.Password = w.user, m.password
	}
	return l
}

// othersAreKeptOut shows that the ACLs tell the principals apart: who logs in in one way does not write to the topics of another.
func (m *matrix) othersAreKeptOut(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	own, other := ways()[1], ways()[2]
	l := m.login(t, own, franzName, "SASL_SSL")
	c := franzClient(t, franzLogin(t, m, l)...)
	err := c.ProduceSync(ctx, &kgo.Record{Topic: topicOf(other, franzName, "SASL_SSL"), Value: []byte("x")}).FirstErr()
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("%s writes to the topic of %s: %v", own.user, other.user, err)
	}
}
