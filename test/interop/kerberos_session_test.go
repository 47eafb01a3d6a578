//go:build interop

package interop

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"

	"github.com/chronik-stream/chronik/test/harness"
)

const (
	// sessionsEnded counts the connections whose sessions came to their end.
	sessionsEnded = `chronik_expired_connections_killed_total{listener="%s"}`
	// relogin lets Java take a new first ticket as soon as 80 % of the old one's life are over.
	relogin = "sasl.kerberos.min.time.before.relogin=1000\n"
)

// kerberosClients is a broker with clients that produce, each as a principal of its own.
type kerberosClients struct {
	*kerberized
	clients *renewing
}

// startShortTickets is for clients whose tickets last some seconds, and so their sessions, three seconds more.
func startShortTickets(t *testing.T, seconds int, env ...string) *kerberosClients {
	t.Helper()
	kdc := harness.StartKDC(t)
	s := startKerberosClients(t, kdc, append([]string{"KRB5_CONFIG=" + kdc.ConfOf(t, harness.Enctypes(), "clockskew = 3")}, env...)...)
	kdc.Admin(t, fmt.Sprintf(`modprinc -maxlife "%d seconds" krbtgt/%s`, seconds, harness.Realm))
	return s
}

func startKerberosClients(t *testing.T, kdc *harness.KDC, env ...string) *kerberosClients {
	t.Helper()
	k := startKerberizedBy(t, kdc, append([]string{
		"CHRONIK_LOG_LEVEL=debug", "CHRONIK_SUPER_USERS=User:admin;User:alice;User:java;User:franz;User:python;User:kcat",
	}, env...)...)
	createTopic(t, k.Broker, "renewed", 1)
	return &kerberosClients{kerberized: k, clients: &renewing{Broker: k.Broker, sent: map[string]int{}}}
}

// TestSessionsGoOnWithNewTickets lets clients with keytabs work for longer than their tickets last. Those that re-authenticate get a new
// ticket in time and keep their connections; kcat is not told when its session ends, loses it, and comes back.
func TestSessionsGoOnWithNewTickets(t *testing.T) {
	t.Parallel()
	s := startShortTickets(t, 10)
	kcat := s.startKcat(t, filepath.Join(t.TempDir(), "tickets"), false, "-X", "sasl.kerberos.keytab="+s.kdc.Keytab(t, "kcat@"+harness.Realm),
		"-X", "sasl.kerberos.principal=kcat@"+harness.Realm, "-X", "sasl.kerberos.min.time.before.relogin=3000") // it calls kinit so often
	stop := map[string]func(){
		"java": s.startJavaByKeytab(t),
		"kcat": func() { kcat.Stop(t) }, "franz": s.startFranz(t, true), "python": s.startPython(t),
	}
	renewals := func(client string) int {
		if client == "kcat" {
			return int(seriesOrZero(t, s.Broker, fmt.Sprintf(sessionsEnded, "SASL_PLAINTEXT")))
		}
		return s.logins("User:"+client, true)
	}
	s.clients.await(t, stop, renewals, 1)
	const connections = `chronik_connections_accepted_total{listener="SASL_SSL"}`
	accepted := metric(t, s.Broker, connections)
	s.clients.await(t, stop, renewals, 3)
	if now := metric(t, s.Broker, connections); now != accepted {
		t.Errorf("clients made %v connections while they re-authenticated", now-accepted)
	}
	if n := seriesOrZero(t, s.Broker, fmt.Sprintf(sessionsEnded, "SASL_SSL")); n != 0 {
		t.Errorf("%v sessions of clients that re-authenticate came to their end", n)
	}
	if strings.Contains(s.Log(), `event=authentication outcome=failure`) {
		t.Error("a log-in has failed")
	}
	s.clients.end(t, stop)
}

// TestSessionsEndWithTheirTickets has nobody get a new ticket: sessions end, and do not come back. A ticket lasts for as long as it may take
// a busy machine to start the clients that have it. On the listener that lets sessions outlive their tickets, as Apache Kafka does, the same
// ticket's goes on.
func TestSessionsEndWithTheirTickets(t *testing.T) {
	t.Parallel()
	s := startShortTickets(t, 25, "CHRONIK_LISTENER_NAME_SASL_PLAINTEXT_CHRONIK_SASL_KERBEROS_SESSION_BOUND_TO_TICKET=false")
	cached := s.kdc.Tickets(t, s.kdc.Conf(), s.alice, "alice@"+harness.Realm)
	login := s.javaLogin(cached, true)
	s.startKcat(t, cached, true, "-X", "sasl.kerberos.kinit.cmd=true")
	s.startJava(t, "bound", true, login)
	stop := s.startJava(t, "free", false, login)
	waitSeeing(t, "all to work, while their one ticket lasts", func() (string, bool) {
		kcat, bound, free := s.sent("kcat"), s.sent("bound"), s.sent("free")
		return fmt.Sprintf("kcat has read %d, Java has sent %d and %d", kcat, bound, free), kcat > 0 && bound > 0 && free > 0
	})
	waitFor(t, "sessions to end with the ticket", func() bool {
		return seriesOrZero(t, s.Broker, fmt.Sprintf(sessionsEnded, "SASL_SSL")) > 0 && s.sessions(t, "SASL_SSL") == 0
	})
	bound, free := s.sent("bound"), s.sent("free")
	waitFor(t, "the session that outlives its ticket to go on", func() bool { return s.sent("free") > free+100 })
	if now := s.sent("bound"); now != bound || s.sessions(t, "SASL_SSL") > 0 {
		t.Errorf("%d records and %d kinds of sessions after the ticket's end", now-bound, s.sessions(t, "SASL_SSL"))
	}
	stop()
}

// sent is how many records a client has sent, or kcat has read.
func (s *kerberosClients) sent(client string) int {
	return s.clients.count(client)
}

// sessions is how many kinds of sessions by Kerberos a listener has.
func (s *kerberosClients) sessions(t *testing.T, listener string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(grep(scrape(t, s.Broker), `listener="`+listener+`",mechanism="GSSAPI"`)) {
		if strings.HasPrefix(line, "chronik_sessions{") {
			n++
		}
	}
	return n
}

// logins counts a principal's log-ins in the broker's log, or its re-authentications.
func (s *kerberosClients) logins(principal string, renewed bool) int {
	n := 0
	for line := range strings.Lines(s.Log()) {
		if strings.Contains(line, `msg="logged in"`) && strings.Contains(line, "principal="+principal+" ") && strings.Contains(line, fmt.Sprint("renewed=", renewed)) {
			n++
		}
	}
	return n
}

// keytabLogin is the log-in module of a Java client with a keytab.
func keytabLogin(name, keytab string) string {
	return fmt.Sprintf("sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required principal=%q useKeyTab=true storeKey=true keyTab=%q;\n", name+"@"+harness.Realm, keytab)
}

// startJava produces by Java.
func (s *kerberosClients) startJava(t *testing.T, client string, secured bool, login string) (stop func()) {
	t.Helper()
	config, bootstrap := s.javaProperties(secured, login+relogin)
	p := s.clients.verifiable(t, client, bootstrap, config, "-Djava.security.krb5.conf="+s.kdc.Conf())
	return func() { p.Stop(t) }
}

func (s *kerberosClients) startJavaByKeytab(t *testing.T) (stop func()) {
	t.Helper()
	return s.startJava(t, "java", true, keytabLogin("java", s.kdc.Keytab(t, "java@"+harness.Realm)))
}

// startFranz produces by franz-go.
func (s *kerberosClients) startFranz(t *testing.T, secured bool) (stop func()) {
	t.Helper()
	auth := kerberos.Auth{Client: kerberosClientOf(t, s.kdc.Conf(), "franz", s.kdc.Keytab(t, "franz@"+harness.Realm)), Service: "kafka"}
	opts := []kgo.Opt{kgo.SASL(auth.AsMechanism()), kgo.SeedBrokers(s.plaintext)}
	if secured {
		opts = append(opts, kgo.SeedBrokers(s.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, s.Broker, false)))
	}
	return s.clients.franzAs(t, "franz", opts...)
}

// startPython produces by kafka-python, for which MIT's library gets tickets by the keytab that the environment names.
func (s *kerberosClients) startPython(t *testing.T) (stop func()) {
	t.Helper()
	keytab := s.kdc.Keytab(t, "python@"+harness.Realm)
	p := harness.StartPythonWith(t, []string{
		"KRB5_CONFIG=" + s.kdc.Conf(), "KRB5_CLIENT_KTNAME=" + keytab, "KRB5CCNAME=FILE:" + filepath.Join(t.TempDir(), "tickets"),
	}, s.clients.line("python"), "load_kafka_python.py", s.Bootstrap(), s.CA(), "kafka", "", "renewed", "python")
	return func() { p.Stop(t) }
}

// startKcat reads by kcat as the owner of a cache of tickets. It is not told when its session ends.
func (s *kerberosClients) startKcat(t *testing.T, tickets string, secured bool, more ...string) *harness.Process {
	t.Helper()
	args := []string{
		"KRB5_CONFIG=" + s.kdc.Conf(), "KRB5CCNAME=FILE:" + tickets, "kcat", "-C", "-E", "-q", "-u", "-t", "renewed", "-o", "beginning",
		"-X", "sasl.mechanism=GSSAPI", "-X", "sasl.kerberos.service.name=kafka",
	}
	if secured {
		args = append(args, "-b", s.Bootstrap(), "-X", "security.protocol=SASL_SSL", "-X", "ssl.ca.location="+s.CA())
	} else {
		args = append(args, "-b", s.plaintext, "-X", "security.protocol=SASL_PLAINTEXT")
	}
	return harness.StartProcess(t, func([]byte) { s.clients.tell("kcat", nil) }, "env", append(args, more...)...)
}
