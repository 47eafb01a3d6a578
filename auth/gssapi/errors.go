package gssapi

import (
	"errors"
	"fmt"

	"github.com/chronik-stream/chronik/auth"
)

// ErrBadConfig is wrapped by the errors about settings that cannot work.
var ErrBadConfig = errors.New("bad GSSAPI configuration")

// Causes of refused log-ins, for the log and the audit event. The first two leave the log-in undecided, as in Apache Kafka: the client
// may try again with another authenticator, or a little later.
var (
	ErrReplay      = fmt.Errorf("%w: the authenticator was used before", auth.ErrUndecided)
	ErrNotYetValid = fmt.Errorf("%w: the ticket is not valid yet", auth.ErrUndecided)
	ErrExpired     = fmt.Errorf("%w: the ticket has expired", auth.ErrBadCredential)
	ErrAnonymous   = fmt.Errorf("%w: the ticket is anonymous", auth.ErrBadCredential)
	ErrSkew        = fmt.Errorf("%w: the client's clock is too far off", auth.ErrBadCredential)
	ErrService     = fmt.Errorf("%w: the ticket is for another service", auth.ErrBadCredential)
	ErrNoKey       = fmt.Errorf("%w: the keytab has no key for the ticket", auth.ErrBadCredential)
	ErrEnctype     = fmt.Errorf("%w: the encryption type is not accepted", auth.ErrBadCredential)
	ErrNoRule      = fmt.Errorf("%w: no rule of sasl.kerberos.principal.to.local.rules applies", auth.ErrBadCredential)
)

var errFault = errors.New("fault in the Kerberos library")

// contain calls do and makes an error of a panic in it: gokrb5 has had some on hostile bytes.
func contain(do func() error) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%w: %v", errFault, fault)
		}
	}()
	return do()
}
