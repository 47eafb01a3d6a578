package broker

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
	certsdev "github.com/chronik-stream/chronik/certs-dev"
)

// keytabOf is a keytab (MIT's format 0x0502) with one AES-256 key of kafka/localhost@TEST.
func keytabOf(key byte) []byte {
	var entry bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if text, is := v.(string); is {
				v = append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
			}
			_ = binary.Write(&entry, binary.BigEndian, v) // a buffer takes everything
		}
	}
	put(uint16(2), "TEST", "kafka", "localhost", uint32(1), uint32(0), uint8(1), uint16(18), string(bytes.Repeat([]byte{key}, 32)))
	return append(binary.BigEndian.AppendUint32([]byte{5, 2}, uint32(entry.Len())), entry.Bytes()...)
}

// writeFiles writes files into a directory and returns it.
func writeFiles(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checked is a configuration of all mechanisms that read files, over TLS, with files in DIR.
const checked = `log.dirs=DIR/data
listeners=SASL_SSL://127.0.0.1:0,SSL://127.0.0.1:0
sasl.enabled.mechanisms=GSSAPI,OAUTHBEARER,SCRAM-SHA-512,PLAIN
ssl.keystore.type=PEM
ssl.keystore.location=DIR/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=DIR/ca.pem
sasl.kerberos.service.name=kafka
chronik.sasl.gssapi.keytab=DIR/kafka.keytab
sasl.oauthbearer.jwks.endpoint.url=file:DIR/keys.json
sasl.oauthbearer.expected.issuer=i
sasl.oauthbearer.expected.audience=a
`

// TestCheckFiles: what a start would refuse of the files is found before it, and all of it at once.
func TestCheckFiles(t *testing.T) {
	paths, err := certsdev.Ensure(t.TempDir(), certsdev.Options{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	good := map[string][]byte{
		"server.pem": read(paths.ServerKeyStore), "ca.pem": read(paths.CA), "kafka.keytab": keytabOf(1),
		"keys.json": []byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`),
	}
	for name, test := range map[string]struct {
		broken, more string
		want         []string
	}{
		"good":           {},
		"key store":      {broken: "server.pem", want: []string{"listener SASL_SSL", "listener SSL", "server.pem"}},
		"trust store":    {broken: "ca.pem", want: []string{"ca.pem"}},
		"keytab":         {broken: "kafka.keytab", want: []string{"listener SASL_SSL: mechanism GSSAPI", "kafka.keytab"}},
		"issuer's keys":  {broken: "keys.json", want: []string{"mechanism OAUTHBEARER", "keys.json"}},
		"no list":        {more: "chronik.ssl.crl.location=DIR/list.crl", want: []string{"list.crl"}},
		"Kerberos rules": {more: "sasl.kerberos.principal.to.local.rules=RULE", want: []string{"sasl.kerberos.principal.to.local.rules"}},
		"DN rules":       {more: "ssl.principal.mapping.rules=RULE", want: []string{"listener SSL", "RULE"}},
		"two":            {broken: "kafka.keytab", more: "ssl.principal.mapping.rules=RULE", want: []string{"kafka.keytab", "listener SSL"}},
	} {
		files := maps.Clone(good)
		if test.broken != "" {
			files[test.broken] = []byte("nothing of use")
		}
		err := checkOf(t, writeFiles(t, files), checked+test.more)
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if slices.ContainsFunc(test.want, func(want string) bool { return !strings.Contains(err.Error(), want) }) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// checkOf checks a configuration whose files are in dir.
func checkOf(t *testing.T, dir, text string) error {
	t.Helper()
	t.Setenv("KRB5_CONFIG", filepath.Join(writeFiles(t, map[string][]byte{"krb5.conf": nil}), "krb5.conf"))
	c, _, err := config.Load(config.FromMap("a test", propertiesOf(strings.ReplaceAll(text, "DIR", dir))))
	if err != nil {
		t.Fatal(err)
	}
	o, err := FromConfig(c, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return CheckFiles(&o)
}

// propertiesOf are the values of lines.
func propertiesOf(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found {
			out[key] = value
		}
	}
	return out
}
