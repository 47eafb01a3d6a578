// Package limit names every limit of the broker with the reason for its value. Where a limit is also a configuration key,
// the constant is the key's default; the others bound what no configuration should be able to unbound.
package limit
