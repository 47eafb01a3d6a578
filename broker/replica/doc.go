// Package replica is a partition at work on this broker: its log, its leader epoch, its high watermark and who waits for it.
// Set holds all of them and follows the metadata. It decides nothing about who leads: the metadata does.
package replica
