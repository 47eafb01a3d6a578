package gssapi

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/auth"
)

// TestLogIn does what each of the real clients does, with each encryption type.
func TestLogIn(t *testing.T) {
	clients := map[string]client{
		"Cyrus and MIT":  {flags: flagsOfCyrus, subkey: true},
		"Java":           {flags: flagsOfJava, subkey: true, authzid: "alice@" + realm},
		"Java, mutually": {flags: flagsOfJavaMutually, subkey: true, authzid: "alice@" + realm},
		"franz-go":       {flags: flagsOfFranz},
		"kafka-python":   {flags: flagsOfCyrus, subkey: true, authzid: "kafka@localhost"},
		"its other form": {flags: flagsOfCyrus, subkey: true, authzid: "kafka/localhost@" + realm},
		"with a name":    {flags: flagsOfFranz, authzid: "alice"},
	}
	m := newMechanism(t, nil)
	for name, c := range clients {
		for enctype := int32(17); enctype <= 20; enctype++ {
			t.Run(fmt.Sprint(name, " ", enctype), func(t *testing.T) {
				c := c
				c.enctype = enctype
				outcome, err := c.logIn(t, m)
				if err != nil || outcome.Principal != auth.User("alice") || !outcome.Issued.Equal(noon.Add(-time.Minute)) {
					t.Fatalf("%v, %v", outcome, err)
				}
			})
		}
	}
}

// TestWithoutADefaultRealm: the broker's own realm counts where krb5.conf has none.
func TestWithoutADefaultRealm(t *testing.T) {
	own := newMechanism(t, func(c *Config) { c.DefaultRealm, c.Principal = "", service+"@"+realm })
	c := client{flags: flagsOfFranz}
	if outcome, err := c.logIn(t, own); err != nil || outcome.Principal != auth.User("alice") {
		t.Errorf("%v, %v", outcome, err)
	}
	none := newMechanism(t, func(c *Config) { c.DefaultRealm = "" })
	if outcome, err := c.logIn(t, none); !errors.Is(err, ErrNoRule) {
		t.Errorf("with no realm at all: %v, %v", outcome, err)
	}
}
