//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chronik-stream/chronik/test/harness"
)

const tokenCommand = "org.apache.kafka.tools.DelegationTokenCommand"

// tokenSecretKey is the secret of both brokers.
const tokenSecretKey = "the secret of the brokers' tokens"

// printedToken is a token as the tool prints it when it has made one.
var printedToken = regexp.MustCompile(`(?m)^([A-Za-z0-9_-]{22}) +([A-Za-z0-9+/]{86}==) `)

// tokenOf finds the token that the tool has printed.
func tokenOf(t *testing.T, out string) (id, hmac string) {
	t.Helper()
	found := printedToken.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no token in:\n%s", out)
	}
	return found[1], found[2]
}

// asToken writes a client file for Java that logs in by a token.
func asToken(t *testing.T, b *harness.Broker, mechanism, id, hmac string) string {
	t.Helper()
	raw, err := os.ReadFile(b.Properties(t, mechanism, id, hmac))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `password="`+hmac+`"`, `password="`+hmac+`" tokenauth="true"`, 1)
	path := filepath.Join(t.TempDir(), "token.properties")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compareTokens runs kafka-delegation-tokens at both brokers. H1, H2 in the arguments stand for the secrets of the first and the second
// token that the steps before have made there.
func compareTokens(t *testing.T, b *harness.Broker, k *harness.Kafka) {
	made := map[string][]string{}
	file := map[string]string{b.Bootstrap(): b.ClientProperties(), k.Bootstrap(): b.ClientProperties()}
	run := func(bootstrap, args string) printed {
		for i, hmac := range made[bootstrap] {
			args = strings.ReplaceAll(args, fmt.Sprint("H", i+1), hmac)
		}
		words := append([]string{"--bootstrap-server", bootstrap, "--command-config", file[bootstrap]}, strings.Fields(args)...)
		out := tools.Run(t, tokenCommand, words...)
		if found := printedToken.FindStringSubmatch(out.Out); found != nil && strings.HasPrefix(args, "--create") {
			made[bootstrap] = append(made[bootstrap], found[2])
		}
		lines := normal(out.Out, bootstrap)
		slices.Sort(lines) // tokens come in the order of a hash map
		return printed{Exit: out.Exit, Out: lines, Err: normal(out.Err, bootstrap)}
	}
	compare := func(args string) {
		t.Run(args, func(t *testing.T) {
			if diff := cmp.Diff(run(k.Bootstrap(), args), run(b.Bootstrap(), args)); diff != "" {
				t.Errorf("-Apache Kafka +this broker:\n%s", diff)
			}
		})
	}
	for _, args := range tokenSteps() {
		compare(args)
	}
	for _, bootstrap := range []string{b.Bootstrap(), k.Bootstrap()} {
		out := tools.Must(t, tokenCommand, "--bootstrap-server", bootstrap, "--command-config", file[bootstrap], "--create", "--max-life-time-period", "-1")
		id, hmac := tokenOf(t, out)
		file[bootstrap] = asToken(t, b, "SCRAM-SHA-512", id, hmac)
		// In Apache Kafka a token is made before its broker knows of it.
		waitFor(t, "a log-in by the token at "+bootstrap, func() bool { return !strings.Contains(fmt.Sprint(run(bootstrap, "--describe")), "credentials") })
	}
	for _, args := range []string{"--create --max-life-time-period -1", "--describe", "--renew --hmac H1 --renew-time-period -1"} {
		compare(args)
	}
}

func tokenSteps() []string {
	const unknown = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
	return []string{
		"--describe",
		"--create --max-life-time-period -1",
		"--create --max-life-time-period 86400001 --renewer-principal User:r1 --renewer-principal User:r2 --owner-principal User:alice",
		"--create --max-life-time-period -1 --renewer-principal Group:r1",
		"--describe",
		"--describe --owner-principal User:alice",
		"--describe --owner-principal User:r2",
		"--describe --owner-principal User:nobody --owner-principal User:admin",
		"--describe --owner-principal User:nobody",
		"--renew --hmac H1 --renew-time-period -1",
		"--renew --hmac H1 --renew-time-period 7200000",
		"--renew --hmac H2 --renew-time-period -1",
		"--renew --hmac " + unknown + " --renew-time-period -1",
		"--expire --hmac H1 --expiry-time-period 3600000",
		"--expire --hmac H2 --expiry-time-period -1",
		"--expire --hmac " + unknown + " --expiry-time-period 1",
		"--expire --hmac H1 --expiry-time-period -1",
		"--renew --hmac H1 --renew-time-period -1",
		"--describe",
	}
}
