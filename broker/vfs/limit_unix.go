//go:build unix

package vfs

import "golang.org/x/sys/unix"

// OpenFileLimit is how many files the process may have open; the Go runtime has raised the soft limit to the hard one.
func OpenFileLimit() (limit uint64, known bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true //nolint:unconvert // its type differs between systems
}
