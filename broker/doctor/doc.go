// Package doctor looks at a broker's configuration, and at a running broker, and says what of its security is weak, open or not
// verified, by which controls auditors ask for it, and how to mend it.
package doctor

//go:generate go test . -run TestDocumentation -update
