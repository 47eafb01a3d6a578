package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runCommand(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(stdin))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func properties(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "server.properties")
	base := []string{"node.id=7", "listeners=SASL_PLAINTEXT://127.0.0.1:0", "log.dirs=" + filepath.Join(dir, "data")}
	if err := os.WriteFile(path, []byte(strings.Join(append(base, lines...), "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	out, err := runCommand(t, "", "server", "--config", properties(t), "--check")
	if err != nil || !strings.Contains(out, "valid") {
		t.Errorf("a valid configuration: %q, %v", out, err)
	}
	cases := map[string][]string{
		"log.retention.hour=3":                  {"log.retention.hour", "log.retention.hours"},
		"num.partitions=many":                   {"num.partitions", "many"},
		"listeners=PLAINTEXT://0.0.0.0:9092":    {"chronik.allow.insecure"},
		"security.providers=x":                  {"security.providers"},
		"sasl.enabled.mechanisms=GSSAPI":        {"GSSAPI"},
		"ssl.keystore.password=secret-password": nil,
		"sasl.enabled.mechanisms=OAUTHBEARER":   {"jwks.endpoint.url", "expected.issuer", "expected.audience"},
		"sasl.enabled.mechanisms=GSSAPI\nsasl.kerberos.service.name=kafka\nchronik.sasl.gssapi.keytab=/nonexistent": {"mechanism GSSAPI", "/nonexistent"},
		bearerLines("file:/nonexistent", ""):          {"mechanism OAUTHBEARER", "/nonexistent"},
		bearerLines("http://issuer.example/keys", ""): {"https"},
		bearerLines("https://issuer.example/keys", "ssl.truststore.type=PEM ssl.truststore.location='/nonexistent'"): {"/nonexistent"},
	}
	for line, want := range cases {
		out, err := runCommand(t, "", "server", "--config", properties(t, line), "--check")
		if want == nil {
			if strings.Contains(out, "secret-password") || err != nil && strings.Contains(err.Error(), "secret-password") {
				t.Errorf("%s: the secret is shown", line)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is accepted", line)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in: %v", line, part, err)
			}
		}
	}
}

// bearerLines are lines of a configuration with OAUTHBEARER, with an address of keys and options of the log-in module.
func bearerLines(keys, options string) string {
	return "sasl.enabled.mechanisms=OAUTHBEARER\nsasl.oauthbearer.expected.issuer=i\nsasl.oauthbearer.expected.audience=a\n" +
		"sasl.oauthbearer.jwks.endpoint.url=" + keys +
		"\noauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " + options + ";"
}

func TestFormatTakesUsersAndRunsOnce(t *testing.T) {
	config := properties(t)
	out, err := runCommand(t, "# users\nSCRAM-SHA-256=[name=b,password=read-from-a-pipe]\n", "format", "--config", config,
		"--add-scram", "SCRAM-SHA-512=[name=a,password=seen-on-the-line]", "--add-scram-file", "-")
	if err != nil || !strings.Contains(out, "as node 7 of cluster") || !strings.Contains(out, "2 credential(s)") {
		t.Fatalf("format: %q, %v", out, err)
	}
	if strings.Contains(out, "seen-on-the-line") || strings.Contains(out, "read-from-a-pipe") {
		t.Errorf("a password is printed: %q", out)
	}
	if _, err := runCommand(t, "", "format", "--config", config); err == nil || !strings.Contains(err.Error(), "already formatted") {
		t.Errorf("the second format: %v", err)
	}
}

func TestFormatRefusesBadUsersWithoutShowingThem(t *testing.T) {
	for _, user := range []string{
		"SCRAM-SHA-1=[name=a,password=well-hidden-word]", "SCRAM-SHA-512=[password=well-hidden-word]",
		"SCRAM-SHA-512=[name=a,password=well-hidden-word,iterations=10]", "well-hidden-word",
		"SCRAM-SHA-512=[name=a,password=hidden-word]",
	} {
		config := properties(t)
		out, err := runCommand(t, "", "format", "--config", config, "--add-scram", user)
		if err == nil {
			t.Errorf("%s is accepted", user)
			continue
		}
		if strings.Contains(out+err.Error(), "hidden-word") {
			t.Errorf("the password is shown: %s %v", out, err)
		}
	}
}

func TestServerRefusesWhatIsNotFormatted(t *testing.T) {
	if _, err := runCommand(t, "", "server", "--config", properties(t)); err == nil || !strings.Contains(err.Error(), "chronik format") {
		t.Errorf("an unformatted directory: %v", err)
	}
}

func TestConfigPrintsTheTable(t *testing.T) {
	out, err := runCommand(t, "", "config")
	if err != nil || !strings.Contains(out, "chronik.flush.policy") || !strings.Contains(out, "log.retention.ms") {
		t.Errorf("%v: %d bytes", err, len(out))
	}
}
