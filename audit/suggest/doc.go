// Package suggest derives the least ACLs from what principals were recorded to do, and tells which grants go beyond that.
package suggest
