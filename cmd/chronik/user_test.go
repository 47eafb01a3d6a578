package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chronik-stream/chronik/broker/config"
)

func TestPasswordsComeFromAFileOrStandardInput(t *testing.T) {
	cmd := newUserPasswd(&brokerFlags{})
	cmd.SetIn(strings.NewReader("first line\r\nsecond line\n"))
	if got, err := (&passwordFlag{file: "-"}).read(cmd, "alice"); err != nil || got != "first line" {
		t.Errorf("%q, %v", got, err)
	}
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("without an end"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := (&passwordFlag{file: path}).read(cmd, "alice"); err != nil || got != "without an end" {
		t.Errorf("%q, %v", got, err)
	}
	cmd.SetIn(strings.NewReader("\n"))
	if _, err := (&passwordFlag{file: "-"}).read(cmd, "alice"); !errors.Is(err, errNoPassword) {
		t.Errorf("an empty password: %v", err)
	}
	if _, err := (&passwordFlag{file: path + "x"}).read(cmd, "alice"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := (&passwordFlag{}).read(cmd, "alice"); !errors.Is(err, errNoTerminal) {
		t.Errorf("no terminal: %v", err)
	}
}

func TestUserCommandsNeedABroker(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(path, []byte("security.protocol=TLS\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want error
	}{
		{[]string{"user", "list"}, errNoBroker},
		{[]string{"user", "list", "--command-config", path}, config.ErrInvalid},
		{[]string{"user", "list", "--command-config", path + "x"}, os.ErrNotExist},
	} {
		if _, err := runCommand(t, "", c.args...); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

// TestPasswordsAreNoArguments: other users of the machine see arguments.
func TestPasswordsAreNoArguments(t *testing.T) {
	for _, name := range []string{"add", "passwd"} {
		if _, err := runCommand(t, "", "user", name, "alice", "kT8-vewo-2nuq", "--bootstrap-server", "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "accepts 1 arg") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
