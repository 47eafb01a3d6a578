// Package guard slows down, and where configured locks out, who guesses passwords. It counts failed log-ins by user and address
// together, and by address alone, in bounded memory, and says of each attempt whether its password may be checked now, later, or
// not at all: what is not checked costs no hash.
//
//   - After a failure the next attempt of the same user from the same address is checked a delay later, and one at a time. The delay
//     doubles with each failure in a row. A success forgets the failures of that user from that address, and no others; so does time.
//   - An address with many failures gets its attempts checked one at a time too, a short delay apart, whoever they are for. Users who
//     have logged in from it before are exempt, so that one guesser behind a shared address does not keep its good clients out.
//   - A lock-out refuses a user, or a user from one address, for a time after so many failures in a row. Attempts that are being
//     checked count as failures until they are decided, so that many at once do not get past it.
//
// Nothing here knows which users exist: an unknown one is counted, delayed and locked as any other. The package has no clock and
// does not wait; its callers pass the time in, which must not go backwards.
package guard
