// Package plan keeps a cluster's ACLs in a file: it reads and writes them as YAML, says what has to be added and removed to come to what a
// file says, who gains and who loses what by it, and in which steps nobody does in between.
package plan
