// Package ldap checks passwords of SASL PLAIN against a directory, by binding as the user (RFC 4513 section 5.1). It keeps no password.
package ldap
