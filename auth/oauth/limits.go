package oauth

import "time"

const (
	// maxKeySetBytes bounds the issuer's answer; large providers send some 20 KiB.
	maxKeySetBytes = 256 << 10
	// maxKeys bounds the keys of a set: providers rotate among a handful.
	maxKeys = 128
	// maxKeyID bounds the id of a key, in tokens and in sets; the longest in use are thumbprints.
	maxKeyID = 256
	// minRSABits and maxRSABits: less is weak (NIST SP 800-131A), and more costs the broker milliseconds per log-in.
	minRSABits = 2048
	maxRSABits = 8192
	// fetchTimeout bounds one request to the issuer, connecting included.
	fetchTimeout = 10 * time.Second
	// askInterval is the shortest time between two requests to the issuer that tokens cause whose key is not known: whoever makes
	// up ids of keys costs the issuer no more than that.
	askInterval = 5 * time.Second
	// fileInterval is the longest time after which a file of keys is looked at again.
	fileInterval = 10 * time.Second
	// latest is the last second that a claim may name, the end of the year 9999.
	latest = 253402300799
)
