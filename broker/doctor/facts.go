package doctor

import (
	"io/fs"
	"time"

	"github.com/chronik-stream/chronik/auth"
	"github.com/chronik-stream/chronik/broker/config"
	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/tls"
)

// Facts are what the checks look at.
type Facts struct {
	// Source says in words what is looked at, such as the name of a file.
	Source string
	// Config is nil where a broker is looked at from outside.
	Config *config.Config
	// ConfigFile is where Config was read from, "" where that is not known.
	ConfigFile string
	Listeners  []Listener
	Now        time.Time
	// FIPS says that this process runs Go's cryptographic module in FIPS 140-3 mode.
	FIPS  bool
	Clock Clock
	// Stat tells of a file, as os.Stat does.
	Stat func(path string) (fs.FileInfo, error)
	// Running is nil where only a configuration is looked at.
	Running *Running
}

// Listener is a configured listener with what its files and settings come to.
type Listener struct {
	*config.Listener
	// Offer is nil where the listener has no TLS, or where Unread says why nothing is known of it.
	Offer  *tls.Offer
	Unread error
}

// Running is what only a broker that runs can tell.
type Running struct {
	// Image has the users, ACLs and topics.
	Image *meta.Image
	// Sessions are those of the clients that are connected.
	Sessions []*auth.Session
	// Policies is nil where there are none.
	Policies *Policies
	// Defaults is what was found by trying the users' credentials.
	Defaults Defaults
}

// Clock says whether the machine's clock follows another one. The zero value is invalid.
type Clock uint8

// The states of a clock.
const (
	ClockUnknown Clock = iota + 1
	ClockSynchronized
	ClockAlone
)
