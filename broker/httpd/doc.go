// Package httpd serves the broker's HTTP routes from a closed table, as broker/server does for the Kafka protocol: each route
// has a method, a path and a gate, and nothing else is served.
package httpd
