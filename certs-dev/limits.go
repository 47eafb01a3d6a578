package certsdev

import "time"

const (
	// authorityLife and leafLife are how long certificates are valid. Clients refuse server certificates that are valid for
	// longer than 825 days on some systems.
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew.
	renewBefore = 30 * 24 * time.Hour
	// backdate allows for clients whose clocks are behind.
	backdate = time.Hour
	// serialBits is the size of random serial numbers; RFC 5280 allows 20 octets, a positive one.
	serialBits = 127
)
