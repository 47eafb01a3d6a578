package guard

import "time"

const (
	// maxPairs bounds the users and addresses that are remembered for their failures, maxProven those for a success, maxAddresses
	// the addresses and maxLocks the locks: 300 bytes each, with the longest names 500. They are apart, so that failures, which
	// anybody can make, push out neither locks nor who has logged in.
	maxPairs     = 50_000
	maxProven    = 50_000
	maxAddresses = 20_000
	maxLocks     = 20_000
	// Patience is the longest that an attempt is held, and that a failure is answered late: with the hashing of passwords that
	// many wait for it stays below what clients wait for an answer, 10 s to a minute.
	Patience = 5 * time.Second
	// freshChecks is how many attempts of a user from an address are checked at once while nothing is known of them.
	freshChecks = 8
	// addressFree is how many failures an address may have before its attempts are delayed: people mistype.
	addressFree = 10
	// addressShare is the part of the longest delay that an address has: shorter, since it holds the innocent too.
	addressShare = 40
	// addressHalfLife is how long it takes until an address is held for half as many failures.
	addressHalfLife = time.Minute
	// v6Bits is the part of an IPv6 address that counts as one: whoever has one has all 2^64 of its network.
	v6Bits = 64
)
