// Package certsdev makes the certificates of a development broker: an authority of its own, a server certificate for this
// machine, and a client certificate. It is not for production: the authority's private key lies beside what it signed.
package certsdev
