package config

import (
	"strconv"
	"time"
)

// RevocationLists is what the configuration says of certificate revocation lists.
type RevocationLists struct {
	// Locations are files and directories; none means that revocation is not checked.
	Locations []string
	// AcceptExpired and AcceptMissing let certificates in whose issuer's list is out of date, or is not there.
	AcceptExpired, AcceptMissing bool
}

// acceptWithWarning is the value of policies that let in what is refused by default.
const acceptWithWarning = "accept-with-warning"

// revocationLists reads chronik.ssl.crl.* of a listener.
func (l *loader) revocationLists(e *Listener) RevocationLists {
	get := func(key string) string { return l.config.of(e.Name, key) }
	return RevocationLists{
		Locations:     SplitList(get("chronik.ssl.crl.location")),
		AcceptExpired: get("chronik.ssl.crl.on.expired") == acceptWithWarning,
		AcceptMissing: get("chronik.ssl.crl.on.missing") == acceptWithWarning,
	}
}

// expiryWarnings reads chronik.ssl.expiry.warning.days of a listener.
func (l *loader) expiryWarnings(e *Listener) []time.Duration {
	var out []time.Duration
	for _, text := range SplitList(l.config.of(e.Name, "chronik.ssl.expiry.warning.days")) {
		n, err := strconv.Atoi(text)
		if err != nil {
			continue // it was checked when it was read
		}
		out = append(out, time.Duration(n)*24*time.Hour)
	}
	return out
}
