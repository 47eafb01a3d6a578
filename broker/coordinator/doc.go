// Package coordinator has what the pure coordinators of groups and transactions share: the effects that they want, and the rule by
// which answers leave them, after what they rest on is confirmed. It is pure as they are.
package coordinator
