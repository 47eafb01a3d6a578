// Package oauth is SASL OAUTHBEARER as a server (RFC 7628): bearer tokens that are JSON Web Tokens (RFC 7519), signed by an
// issuer whose keys come from a file or an address (RFC 7517). Behaviour and names of settings are those of Apache Kafka's
// OAuthBearerSaslServer and BrokerJwtValidator; where it is laxer than RFC 8725 and RFC 9068 advise, this package is strict.
package oauth
