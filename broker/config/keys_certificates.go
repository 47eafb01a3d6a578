package config

// certificateKeys are the keys of what Chronik does with certificates and Apache Kafka has no name for.
func certificateKeys() []Key {
	return []Key{
		{Name: "chronik.ssl.principal.source", Type: String, Default: "dn", Check: anyCase("dn", "uri", "dns", "email"), Effect: ActedOn, Doc: "What of a client certificate names its owner on a listener without SASL: dn, the distinguished name of the subject; uri, the one URI among its alternative names, which has to be a SPIFFE ID; dns, the one DNS name; email, the one email address. A certificate with none or several names of that kind is refused. ssl.principal.mapping.rules apply to what is found."},
	}
}
