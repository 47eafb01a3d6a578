package config

// oauthKeys are the keys of OAUTHBEARER. Those of its clients have no meaning here: the broker asks nobody for a token.
func oauthKeys() []Key {
	return []Key{
		{Name: "sasl.oauthbearer.allow.unverified.audience", Type: Boolean, Default: "false", Effect: ActedOn, Doc: "Whether tokens for any audience are taken where sasl.oauthbearer.expected.audience is empty: then a token that was given to another service by the same issuer opens this one."},
		{Name: "sasl.oauthbearer.allow.unverified.issuer", Type: Boolean, Default: "false", Effect: ActedOn, Doc: "Whether tokens of any issuer are taken where sasl.oauthbearer.expected.issuer is not set, as long as one of the keys has signed them."},
		{Name: "chronik.sasl.oauthbearer.groups.claim.name", Type: String, Default: "groups", Effect: ActedOn, Doc: "Claim that holds the groups of a token's subject: a string or a list of at most 256, 255 bytes each."},
		{Name: "sasl.oauthbearer.assertion.algorithm", Type: String, Default: "RS256", Check: anyCase("ES256", "RS256"), Effect: Ignored, Doc: "Signature algorithm of client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.aud", Type: String, Null: true, Effect: Ignored, Doc: "Audience in client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.exp.seconds", Type: Int, Default: "300", Check: between(0, 86400), Effect: Ignored, Doc: "Life of client assertions, in seconds. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.iss", Type: String, Null: true, Effect: Ignored, Doc: "Issuer in client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.jti.include", Type: Boolean, Default: "false", Effect: Ignored, Doc: "Whether client assertions carry an id. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.nbf.seconds", Type: Int, Default: "60", Check: between(0, 3600), Effect: Ignored, Doc: "How far back client assertions become valid, in seconds. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.claim.sub", Type: String, Null: true, Effect: Ignored, Doc: "Subject in client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.file", Type: String, Null: true, Effect: Ignored, Doc: "File with a ready client assertion. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.private.key.file", Type: String, Null: true, Effect: Ignored, Doc: "Private key that signs client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.private.key.passphrase", Type: Password, Null: true, Effect: Ignored, Doc: "Passphrase of that private key. The broker asks for no token."},
		{Name: "sasl.oauthbearer.assertion.template.file", Type: String, Null: true, Effect: Ignored, Doc: "Template of client assertions. The broker asks for no token."},
		{Name: "sasl.oauthbearer.client.credentials.client.id", Type: String, Null: true, Effect: Ignored, Doc: "Client id at the identity provider. The broker asks for no token."},
		{Name: "sasl.oauthbearer.client.credentials.client.secret", Type: Password, Null: true, Effect: Ignored, Doc: "Client secret at the identity provider. The broker asks for no token."},
		{Name: "sasl.oauthbearer.clock.skew.seconds", Type: Int, Default: "30", Check: between(0, 86400), Effect: ActedOn, Doc: "How far the issuer's clock may be ahead of the broker's, in seconds. A token's end counts as it is, since the session ends with it."},
		{Name: "sasl.oauthbearer.expected.audience", Type: List, Effect: ActedOn, Doc: "Audiences of which a token has to name one. Without them OAUTHBEARER is not served, unless sasl.oauthbearer.allow.unverified.audience is true."},
		{Name: "sasl.oauthbearer.expected.issuer", Type: String, Null: true, Effect: ActedOn, Doc: "Issuer that tokens have to name. Without it OAUTHBEARER is not served, unless sasl.oauthbearer.allow.unverified.issuer is true."},
		{Name: "sasl.oauthbearer.jwks.endpoint.refresh.ms", Type: Long, Default: "3600000", Check: atLeast(1), Effect: ActedOn, Doc: "How often the issuer's keys are read again, in milliseconds; a file at least every 10 seconds. A token with an unknown key makes them be read at once, at most every 5 seconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Type: Long, Default: "10000", Check: atLeast(1), Effect: ActedOn, Doc: "Longest pause between attempts to read the issuer's keys, in milliseconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Type: Long, Default: "100", Check: atLeast(1), Effect: ActedOn, Doc: "First pause between attempts to read the issuer's keys, in milliseconds."},
		{Name: "sasl.oauthbearer.jwks.endpoint.url", Type: String, Null: true, Effect: ActedOn, Doc: "Address of the issuer's keys (a JSON Web Key Set): https://..., file:/..., or http://... on loopback. Without it OAUTHBEARER is not served."},
		{Name: "sasl.oauthbearer.jwt.retriever.class", Type: Class, Default: "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever", Effect: Ignored, Doc: "Java class that fetches tokens. The broker asks for no token."},
		{Name: "sasl.oauthbearer.jwt.validator.class", Type: Class, Default: "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", Check: oneOf("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator", "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator"), Effect: ActedOn, Doc: "Java class that checks tokens. Apache Kafka's own mean what is built in."},
		{Name: "sasl.oauthbearer.scope", Type: String, Null: true, Effect: Ignored, Doc: "Scope that is asked of the identity provider. The broker asks for no token."},
		{Name: "sasl.oauthbearer.scope.claim.name", Type: String, Default: "scope", Effect: ActedOn, Doc: "Claim that holds a token's scopes: a string or a list. It has to be well formed; nothing is decided by it."},
		{Name: "sasl.oauthbearer.sub.claim.name", Type: String, Default: "sub", Effect: ActedOn, Doc: "Claim that holds a token's subject, which becomes the principal's name."},
		{Name: "sasl.oauthbearer.token.endpoint.url", Type: String, Null: true, Effect: Ignored, Doc: "Address of the identity provider's token endpoint. The broker asks for no token."},
	}
}
