// Package house holds the rules of the code as tests: which package may import which, one package comment each, no init
// functions.
package house
