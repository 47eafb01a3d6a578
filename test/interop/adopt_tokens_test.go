//go:build interop

package interop

import (
	"encoding/base64"
	"fmt"
	"os"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/chronik-stream/chronik/test/harness"
)

// TestTokensOfApacheKafkaGoOn makes a delegation token at Apache Kafka, imports its directory, and logs in by the token here, with the same
// delegation.token.secret.key.
func TestTokensOfApacheKafkaGoOn(t *testing.T) {
	t.Parallel()
	b := harness.Start(t, tokensOn)
	k := harness.StartKafka(t, b, "delegation.token.secret.key="+tokenSecretKey)
	out := tools.Must(t, tokenCommand, "--bootstrap-server", k.Bootstrap(), "--command-config", b.ClientProperties(), "--create", "--max-life-time-period", "-1")
	id, hmac := tokenOf(t, out)
	secret, err := base64.StdEncoding.DecodeString(hmac)
	if err != nil {
		t.Fatal(err)
	}
	token := kadm.DelegationToken{TokenID: id, HMAC: secret}
	b.Stop(t)
	k.Stop(t)
	config := importConfig(t, b)
	if report, code := importKafka(t, config, k.Dir, "--dry-run"); code != 0 || report.Tokens != 0 || len(report.LeftOut) != 1 {
		t.Errorf("without a secret: exit %d, %+v", code, report)
	}
	file, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(file, "delegation.token.secret.key="+tokenSecretKey); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if report, code := importKafka(t, config, k.Dir); code != 0 || !report.Imported || report.Tokens != 1 {
		t.Fatalf("exit %d, %+v", code, report)
	}
	b.Run(t)
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
		if !logsIn(t, franzToken(t, b, mechanism, token)) {
			t.Errorf("%s: the token does not get in", mechanism)
		}
	}
	contains(t, tools.Must(t, tokenCommand, "--bootstrap-server", b.Bootstrap(), "--command-config", b.ClientProperties(), "--renew", "--hmac", hmac,
		"--renew-time-period", "-1"), "Completed renew operation")
}
