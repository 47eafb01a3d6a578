package tls

import "time"

const (
	// DefaultStoreType is Apache Kafka's default of ssl.keystore.type and ssl.truststore.type. A store of this type may be
	// PKCS12 in truth, as Java's keytool has written it since version 9.
	DefaultStoreType = "JKS"
	// DefaultReloadInterval is how often files are looked at. Polling, since notifications miss mounted secrets.
	DefaultReloadInterval = time.Minute
	// retryInterval is how soon files are looked at again that could not be used: a key and its certificate are written
	// one after the other.
	retryInterval = 5 * time.Second
)
