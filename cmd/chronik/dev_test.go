package main

import (
	"os"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker"
)

// TestDevFilesLogInByWhatThereIs: the client files name a mechanism that the listener has, and the text says where there is none.
func TestDevFilesLogInByWhatThereIs(t *testing.T) {
	for _, c := range []struct {
		enabled         []string
		want, module    string
		saysItIsMissing bool
	}{
		{[]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, "SCRAM-SHA-512", "scram.ScramLoginModule", false},
		{[]string{"GSSAPI", "SCRAM-SHA-256"}, "SCRAM-SHA-256", "scram.ScramLoginModule", false},
		{[]string{"OAUTHBEARER", "PLAIN"}, "PLAIN", "plain.PlainLoginModule", false},
		{[]string{"GSSAPI"}, "SCRAM-SHA-512", "scram.ScramLoginModule", true},
	} {
		options := broker.Options{Listeners: []broker.Listener{{Protocol: "SSL"}, {Protocol: "SASL_SSL", Mechanisms: c.enabled}}}
		d := devClients{dir: t.TempDir(), bootstrap: "localhost:9094", mechanism: devMechanism(c.enabled), ca: "ca.pem", password: "secret"}
		if err := d.write(); err != nil {
			t.Fatal(err)
		}
		java, err := os.ReadFile(d.javaFile())
		if err != nil {
			t.Fatal(err)
		}
		kcat, err := os.ReadFile(d.kcatFile())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(java), "sasl.mechanism="+c.want+"\n") || !strings.Contains(string(java), c.module) || !strings.Contains(string(kcat), "sasl.mechanisms="+c.want+"\n") {
			t.Errorf("%v:\n%s\n%s", c.enabled, java, kcat)
		}
		text := d.text(options)
		if !strings.Contains(text, strings.Join(c.enabled, ", ")) || strings.Contains(text, "does not have") != c.saysItIsMissing || strings.Contains(text, "secret") {
			t.Errorf("%v: %s", c.enabled, text)
		}
	}
}
