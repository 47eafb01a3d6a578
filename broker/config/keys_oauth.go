package config

// oauthKeys are the keys of OAUTHBEARER, which is not served yet.
func oauthKeys() []Key {
	return []Key{
		{Name: "sasl.oauthbearer.assertion.algorithm", Type: String, Default: "RS256", Check: anyCase("ES256", "RS256"), Effect: Refused, Doc: "Signature algorithm of client assertions."},
		{Name: "sasl.oauthbearer.assertion.claim.aud", Type: String, Null: true, Effect: Refused, Doc: "Audience in client assertions."},
		{Name: "sasl.oauthbearer.assertion.claim.exp.seconds", Type: Int, Default: "300", Check: between(0, 86400), Effect: Refused, Doc: "Life of client assertions, in seconds."},
		{Name: "sasl.oauthbearer.assertion.claim.iss", Type: String, Null: true, Effect: Refused, Doc: "Issuer in client assertions."},
		{Name: "sasl.oauthbearer.assertion.claim.jti.include", Type: Boolean, Default: "false", Effect: Refused, Doc: "Whether client assertions carry an id."},
		{Name: "sasl.oauthbearer.assertion.claim.nbf.seconds", Type: Int, Default: "60", Check: between(0, 3600), Effect: Refused, Doc: "How far back client assertions become valid, in seconds."},
		{Name: "sasl.oauthbearer.assertion.claim.sub", Type: String, Null: true, Effect: Refused, Doc: "Subject in client assertions."},
		{Name: "sasl.oauthbearer.assertion.file", Type: String, Null: true, Effect: Refused, Doc: "File with a ready client assertion."},
		{Name: "sasl.oauthbearer.assertion.private.key.file", Type: String, Null: true, Effect: Refused, Doc: "Private key that signs client assertions."},
		{Name: "sasl.oauthbearer.assertion.private.key.passphrase", Type: Password, Null: true, Effect: Refused, Doc: "Passphrase of that private key."},
		{Name: "sasl.oauthbearer.assertion.template.file", Type: String, Null: true, Effect: Refused, Doc: "Template of client assertions."},
		{Name: "sasl.oauthbearer.client.credentials.client.id", Type: String, Null: true, Effect: Refused, Doc: "Client id at the identity provider."},
		{Name: "sasl.oauthbearer.client.credentials.client.secret", Type: Password, Null: true, Effect: Refused, Doc: "Client secret at the identity provider."},
		{Name: "sasl.oauthbearer.clock.skew.seconds", Type: Int, Default: "30", Effect: Refused, Doc: "Difference of clocks that is forgiven, in seconds."},
		{Name: "sasl.oauthbearer.expected.audience", Type: List, Effect: Refused, Doc: "Audiences that tokens may name."},
		{Name: "sasl.oauthbearer.expected.issuer", Type: String, Null: true, Effect: Refused, Doc: "Issuer that tokens have to name."},
		{Name: "sasl.oauthbearer.jwks.endpoint.refresh.ms", Type: Long, Default: "3600000", Effect: Refused, Doc: "How often the issuer's keys are read again, in milliseconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Type: Long, Default: "10000", Effect: Refused, Doc: "Longest pause between attempts to read the issuer's keys, in milliseconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Type: Long, Default: "100", Effect: Refused, Doc: "First pause between attempts to read the issuer's keys, in milliseconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.url", Type: String, Null: true, Effect: Refused, Doc: "Address of the issuer's keys."},
		{Name: "sasl.oauthbearer.jwt.retriever.class", Type: Class, Default: "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Effect: Refused, Doc: "Java class that fetches tokens."},
		{Name: "sasl.oauthbearer.jwt.validator.class", Type: Class, Default: "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Effect: Refused, Doc: "Java class that checks tokens."},
		{Name: "sasl.oauthbearer.scope", Type: String, Null: true, Effect: Refused, Doc: "Scope that is asked of the identity provider."},
		{Name: "sasl.oauthbearer.scope.claim.name", Type: String, Default: "scope", Effect: Refused, Doc: "Claim that holds a token's scopes."},
		{Name: "sasl.oauthbearer.sub.claim.name", Type: String, Default: "sub", Effect: Refused, Doc: "Claim that holds a token's subject."},
		{Name: "sasl.oauthbearer.token.endpoint.url", Type: String, Null: true, Effect: Refused, Doc: "Address of the identity provider's token endpoint."},
	}
}
