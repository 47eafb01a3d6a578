// Package javapattern does what the rules that name principals do with java.util.regex in Apache Kafka: it matches and replaces by
// patterns of that dialect, and refuses those that Go's RE2 would read differently.
package javapattern
