package config

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

const markdownHead = `# Configuration

This page is made from the table in ` + "`broker/config`" + ` by ` + "`go test ./broker/config -run TestDocumentation -update`" + `.

` + "`chronik server --config FILE`" + ` reads a properties file in Java's form (UTF-8, nothing is expanded). The keys are Apache Kafka's own where
Kafka has one; what it has no name for starts with ` + "`chronik.`" + `. A ` + "`server.properties`" + ` of a Kafka broker is a valid start.

- Every key can also come from the environment, which goes before the file: ` + "`CHRONIK_`" + ` and the key in upper case with ` + "`_`" + ` for
  ` + "`.`" + ` and ` + "`-`" + ` (` + "`CHRONIK_SUPER_USERS`" + `). A key that starts with ` + "`chronik.`" + ` is not doubled: ` + "`chronik.http.listen`" + ` is
  ` + "`CHRONIK_HTTP_LISTEN`" + `. ` + "`CHRONIK_SUPERUSERS`" + ` takes names separated by commas. ` + "`CHRONIK_PORT*`, `CHRONIK_*_SERVICE_*`" + ` and the other
  variables that Kubernetes makes for services are ignored; any other unknown one is an error.
- ` + "`listener.name.NAME.KEY`" + `, with the listener's name in lower case, sets a ` + "`ssl.*`" + ` or ` + "`chronik.ssl.*`" + ` key or ` + "`sasl.enabled.mechanisms`" + ` for one
  listener. ` + "`listener.name.NAME.plain.sasl.jaas.config`" + ` with a ` + "`PlainLoginModule`" + ` defines users of PLAIN by its options
  ` + "`user_ALICE=\"password\"`" + `.
  ` + "`listener.name.NAME.oauthbearer.KEY`" + ` sets a ` + "`sasl.oauthbearer.*`" + ` key for OAUTHBEARER on one listener.
- An unknown key is an error that names the nearest known one.

Effect says what comes of setting a key:

- **yes**: it is acted on.
- **warns**: it is accepted with one warning, because it has no meaning here, or none yet.
- **default only**: any other value than the default is an error, because going on without it would be a loss.

Keys whose default is not Apache Kafka's are marked with *. Dynamic keys can be changed at run time with
` + "`kafka-configs --entity-type brokers`" + `; all others need a restart.
`

// WriteMarkdown writes the documentation of all keys.
func WriteMarkdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	_, _ = b.WriteString(markdownHead)
	for _, s := range sections() {
		_, _ = fmt.Fprintf(b, "\n## %s\n\n", s.heading())
		_, _ = b.WriteString("| key | type | default | allowed | effect | meaning |\n|---|---|---|---|---|---|\n")
		for i := range s.keys {
			k := &s.keys[i]
			_, _ = fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s | %s |\n",
				k.Name, k.Type, markdownDefault(k), cell(k.allowed()), k.effectWord(), cell(k.Doc))
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the documentation of the configuration: %w", err)
	}
	return nil
}

func (s *section) heading() string {
	switch s.scope {
	case TopicScope:
		return s.title + " (`kafka-configs --entity-type topics`)"
	case GroupScope:
		return s.title + " (`kafka-configs --entity-type groups`, not served yet)"
	default:
		return s.title
	}
}

func (k *Key) effectWord() string {
	switch {
	case k.Effect == Refused:
		return "default only"
	case k.Effect == Ignored:
		return "warns"
	case k.Update == ClusterWide:
		return "yes, dynamic"
	default:
		return "yes"
	}
}

func markdownDefault(k *Key) string {
	mark := ""
	if differsFromKafka(k) {
		mark = " *"
	}
	if k.Null || k.Default == "" {
		return mark
	}
	return "`" + k.Default + "`" + mark
}

// differsFromKafka reports whether a key of Apache Kafka has another default here, where Kafka's is open, unbounded or not served.
func differsFromKafka(k *Key) bool {
	_, differs := deliberate()[k.Name]
	return differs && k.Scope == BrokerScope
}

// deliberate are the defaults that are not Apache Kafka's, with the reason.
func deliberate() map[string]string {
	return map[string]string{
		"listeners":                    "Apache Kafka's is without TLS",
		"sasl.enabled.mechanisms":      "GSSAPI is not served",
		"node.id":                      "a single node needs none",
		"process.roles":                "a single node has both",
		"controller.listener.names":    "a single node needs none",
		"log.dir":                      "/tmp is emptied by many systems",
		"max.connections":              "unbounded in Apache Kafka",
		"max.connections.per.ip":       "unbounded in Apache Kafka",
		"queued.max.request.bytes":     "unbounded in Apache Kafka",
		"sasl.server.max.receive.size": "the largest token of Kerberos is 64 KiB",
	}
}

func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
