// Package plain is the server side of SASL PLAIN (RFC 4616), and the verification of its passwords against SCRAM credentials
// and against a file of users. It keeps no password in clear.
package plain
