// Package explain says who may do what, and by which rule: for one question, by what decides in a broker (Rules), and for all
// principals, by the ACLs that one has described (WhoCan). It decides nothing itself: it asks an authz.View.
package explain
