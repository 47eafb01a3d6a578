// Package replay decides recorded decisions anew, by rules that are not in force, and tells which would be others.
package replay
