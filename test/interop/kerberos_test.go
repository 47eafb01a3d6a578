//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"

	"github.com/chronik-stream/chronik/test/harness"
)

// kerberized is a broker whose SASL listeners have GSSAPI, with its KDC. alice is a super user.
type kerberized struct {
	*harness.Broker
	kdc *harness.KDC
	// plaintext is the SASL_PLAINTEXT listener, by name.
	plaintext string
	// keytab is the broker's, alice's that of a client.
	keytab, alice string
}

func startKerberized(t *testing.T, env ...string) *kerberized {
	t.Helper()
	k := &kerberized{kdc: harness.StartKDC(t)}
	k.keytab, k.alice = k.kdc.Keytab(t, harness.KafkaPrincipal), k.kdc.Keytab(t, "alice@"+harness.Realm)
	sasl, plaintext := harness.FreeAddress(t), harness.FreeAddress(t)
	k.plaintext = localhost(plaintext)
	k.Broker = harness.New(t, append([]string{
		"CHRONIK_LISTENERS=SASL_SSL://" + sasl + ",SASL_PLAINTEXT://" + plaintext,
		"CHRONIK_ADVERTISED_LISTENERS=SASL_SSL://" + localhost(sasl) + ",SASL_PLAINTEXT://" + k.plaintext,
		"CHRONIK_SASL_ENABLED_MECHANISMS=GSSAPI,SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
		"CHRONIK_SASL_GSSAPI_KEYTAB=" + k.keytab, "CHRONIK_SASL_GSSAPI_PRINCIPAL=" + harness.KafkaPrincipal,
		"CHRONIK_SUPER_USERS=User:admin;User:alice", "KRB5_CONFIG=" + k.kdc.Conf(),
	}, env...)...)
	k.SASL = sasl
	k.Run(t)
	return k
}

func localhost(address string) string {
	_, port, _ := strings.Cut(address, ":")
	return "localhost:" + port
}

// TestKerberos logs in with each encryption type by every real client, over SASL_SSL and SASL_PLAINTEXT.
func TestKerberos(t *testing.T) {
	k := startKerberized(t)
	admin(t, k.Broker, topicCommand, "--create", "--topic", "kerberos", "--partitions", "1")
	var want []string
	for i, enctype := range harness.Enctypes() {
		conf := k.kdc.ConfOf(t, []string{enctype})
		want = append(want, enctype)
		t.Run("franz-go "+enctype, func(t *testing.T) {
			opts := k.franz(t, conf, i%2 == 0)
			franzProduce(t, opts, "kerberos", []string{enctype})
			if got := franzConsume(t, opts, "kerberos", i+1); !slices.Equal(got, want) {
				t.Errorf("read %v, want %v", got, want)
			}
		})
	}
}

// franz logs franz-go in as alice by her keytab.
func (k *kerberized) franz(t *testing.T, conf string, secured bool) []kgo.Opt {
	t.Helper()
	cfg, err := config.Load(conf)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keytab.Load(k.alice)
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewWithKeytab("alice", harness.Realm, keys, cfg, client.DisablePAFXFAST(true))
	auth := kerberos.Auth{Client: c, Service: "kafka"}
	opts := []kgo.Opt{kgo.SASL(auth.AsMechanismWithClose())}
	if secured {
		return append(opts, kgo.SeedBrokers(k.Bootstrap()), kgo.DialTLSConfig(clientTLS(t, k.Broker, false)))
	}
	return append(opts, kgo.SeedBrokers(k.plaintext))
}

var _ = fmt.Sprint
var _ = os.Stat
var _ = filepath.Join
