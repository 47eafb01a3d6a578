package config

// certificateKeys are the keys of what Chronik does with certificates and Apache Kafka has no name for.
func certificateKeys() []Key {
	return []Key{
		{Name: "chronik.ssl.principal.source", Type: String, Default: "dn", Check: anyCase("dn", "uri", "dns", "email"), Effect: ActedOn, Doc: "What of a client certificate names its owner on a listener without SASL: dn, the distinguished name of the subject; uri, the one URI among its alternative names, which has to be a SPIFFE ID; dns, the one DNS name; email, the one email address. A certificate with none or several names of that kind is refused. ssl.principal.mapping.rules apply to what is found."},
		{Name: "chronik.ssl.crl.location", Type: List, Null: true, Effect: ActedOn, Doc: "Files with certificate revocation lists, in PEM or DER, and directories of such files. Every certificate of a client's chain is looked up in its issuer's list. The files are looked at as often as certificates (chronik.tls.reload.interval.ms); sessions of certificates that are newly revoked end at once. Delta lists and indirect ones are refused."},
		{Name: "chronik.ssl.crl.on.expired", Type: String, Default: "refuse", Check: oneOf("refuse", acceptWithWarning), Effect: ActedOn, Doc: "What becomes of a client certificate whose issuer's revocation list is past its nextUpdate: refuse or accept-with-warning. Those that the list names are refused all the same."},
		{Name: "chronik.ssl.crl.on.missing", Type: String, Default: "refuse", Check: oneOf("refuse", acceptWithWarning), Effect: ActedOn, Doc: "What becomes of a client certificate whose issuer has no revocation list in chronik.ssl.crl.location, where that is set: refuse or accept-with-warning."},
	}
}
