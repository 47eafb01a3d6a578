package broker

import (
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/auth/gssapi"
	"github.com/chronik-stream/chronik/broker/server"
	"github.com/chronik-stream/chronik/tls"
)

// CheckFiles reads the files that a start reads for the listeners, beyond what FromConfig has read: key stores, trust stores,
// revocation lists, keytabs, and issuers' keys where they are in a file. It tells all that is wrong with them, asks nobody over the
// network, and does not look at the data.
func CheckFiles(o *Options) error {
	var errs []error
	for i := range o.Listeners {
		l := &o.Listeners[i]
		if err := l.checkFiles(); err != nil {
			errs = append(errs, fmt.Errorf("listener %s: %w", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (l *Listener) checkFiles() error {
	var errs []error
	if l.TLS != nil {
		_, err := tls.Load(*l.TLS)
		errs = append(errs, err)
	}
	if l.Protocol == server.SSL {
		_, err := principalOf(l)
		errs = append(errs, err)
	}
	for _, name := range l.Mechanisms {
		if err := l.checkMechanism(name); err != nil {
			errs = append(errs, fmt.Errorf("mechanism %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// checkMechanism makes a mechanism that reads files. Those that need the metadata read none.
func (l *Listener) checkMechanism(name string) error {
	var err error
	switch name {
	case "GSSAPI":
		_, err = gssapi.New(*l.GSSAPI)
	case "OAUTHBEARER":
		_, err = oauthMechanism(l.OAuth)
	}
	return err
}
