package gssapi

import (
	"fmt"
	"testing"

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
				if err != nil || outcome.Principal != auth.User("alice") {
					t.Fatalf("%v, %v", outcome, err)
				}
			})
		}
	}
}
