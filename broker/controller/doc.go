// Package controller decides where new partitions go and whether what a client asks for is possible: names, counts, replicas.
// It is pure: what it decides becomes a command of package meta.
package controller
