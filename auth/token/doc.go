// Package token derives what delegation tokens (KIP-48) are proved with. A token's HMAC, which is its password, is a function of its id
// and of a secret that all brokers of a cluster share and no log holds, as in Apache Kafka: with another secret every token is void.
package token
