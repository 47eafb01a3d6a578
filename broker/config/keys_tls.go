package config

// tlsKeys are the keys of TLS.
func tlsKeys() []Key {
	return []Key{
		{Name: "ssl.keystore.type", Type: String, Default: "JKS", Check: anyCase("JKS", "PKCS12", "PEM"), Effect: ActedOn, Doc: "Format of the key store: JKS, PKCS12 or PEM."},
		{Name: "ssl.keystore.location", Type: String, Null: true, Effect: ActedOn, Doc: "File of the key store. With the type PEM it holds the private key and the certificate chain."},
		{Name: "ssl.keystore.password", Type: Password, Null: true, Effect: ActedOn, Doc: "Password of the key store file; PEM files have none."},
		{Name: "ssl.key.password", Type: Password, Null: true, Effect: ActedOn, Doc: "Password of the private key, where it is encrypted by itself."},
		{Name: "ssl.keystore.key", Type: Password, Null: true, Effect: ActedOn, Doc: "Private key as PEM text (PKCS#8), instead of a file."},
		{Name: "ssl.keystore.certificate.chain", Type: Password, Null: true, Effect: ActedOn, Doc: "Certificate chain as PEM text, leaf first, instead of a file."},
		{Name: "ssl.truststore.type", Type: String, Default: "JKS", Check: anyCase("JKS", "PKCS12", "PEM"), Effect: ActedOn, Doc: "Format of the trust store: JKS, PKCS12 or PEM."},
		{Name: "ssl.truststore.location", Type: String, Null: true, Effect: ActedOn, Doc: "File with the certificates of the authorities that sign client certificates."},
		{Name: "ssl.truststore.password", Type: Password, Null: true, Effect: ActedOn, Doc: "Password of the trust store; it guards integrity only and may be left out."},
		{Name: "ssl.truststore.certificates", Type: Password, Null: true, Effect: ActedOn, Doc: "Certificates of authorities as PEM text, instead of a file."},
		{Name: "ssl.client.auth", Type: String, Default: "none", Check: anyCase("required", "requested", "none"), Effect: ActedOn, Doc: "Whether clients show a certificate: required, requested or none. On a listener with SASL the principal comes from the log-in all the same."},
		{Name: "ssl.enabled.protocols", Type: List, Default: "TLSv1.2,TLSv1.3", Check: eachOf("TLSv1.2", "TLSv1.3"), Effect: ActedOn, Doc: "Versions of TLS that are offered: TLSv1.2 and TLSv1.3."},
		{Name: "ssl.cipher.suites", Type: List, Effect: ActedOn, Doc: "Cipher suites for TLS 1.2, by their standard names; empty means those with forward secrecy and GCM or ChaCha20. Those of TLS 1.3 are fixed."},
		{Name: "ssl.principal.mapping.rules", Type: String, Default: "DEFAULT", Effect: ActedOn, Doc: "Rules that turn the distinguished name of a client certificate, or what chronik.ssl.principal.source names, into a principal's name (KIP-371)."},
		{Name: "ssl.protocol", Type: String, Default: "TLSv1.3", Check: oneOf("TLS", "TLSv1.2", "TLSv1.3"), Effect: ActedOn, Doc: "Versions of TLS where ssl.enabled.protocols is empty: TLSv1.2 for that one alone, TLS or TLSv1.3 for both."},
		{Name: "ssl.provider", Type: String, Null: true, Effect: Refused, Doc: "Java security provider."},
		{Name: "ssl.keymanager.algorithm", Type: String, Default: "SunX509", Effect: Refused, Doc: "Algorithm of Java's key manager."},
		{Name: "ssl.trustmanager.algorithm", Type: String, Default: "PKIX", Effect: Refused, Doc: "Algorithm of Java's trust manager."},
		{Name: "ssl.secure.random.implementation", Type: String, Null: true, Effect: Refused, Doc: "Java's random number generator for TLS. The operating system's is used here."},
		{Name: "ssl.engine.factory.class", Type: Class, Null: true, Effect: Refused, Doc: "Java class that makes TLS engines."},
		{Name: "ssl.endpoint.identification.algorithm", Type: String, Default: "https", Effect: Refused, Doc: "How a broker checks the host name of other brokers. Names are always checked here."},
		{Name: "ssl.allow.dn.changes", Type: Boolean, Default: "false", Effect: Refused, Doc: "Whether a reloaded key store may have another distinguished name."},
		{Name: "ssl.allow.san.changes", Type: Boolean, Default: "false", Effect: Refused, Doc: "Whether a reloaded key store may have other alternative names."},
	}
}
