//go:build interop && !bench

package interop

// quickTools starts the tools' classes fast: most of them run for a second.
const quickTools = true
