// Package gssapi is the server's side of SASL GSSAPI with Kerberos V5 (RFC 4752, RFC 4121, RFC 4120): it verifies a client's ticket with
// the keys of a keytab, agrees on authentication alone without a security layer, and names the client by Apache Kafka's rules.
//
// gokrb5 gives the ASN.1 types, the keytab's form and the cryptography. What decides who is let in is here, and every call of that
// library on a client's bytes is contained.
package gssapi
