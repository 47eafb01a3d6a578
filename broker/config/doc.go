// Package config holds the one table of configuration keys and reads a broker's configuration by it: from properties files in
// Apache Kafka's form and from the environment. What it returns is checked as a whole; it opens no file that a key names.
package config

//go:generate go test . -run TestDocumentation -update
