// Package auth holds the nouns of authentication: who somebody is (Principal), what a log-in established (Session), and
// what a mechanism has to do (Mechanism, Exchange). It holds no mechanism; those are its sub-packages, one each.
package auth
