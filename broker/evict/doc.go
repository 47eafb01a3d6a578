// Package evict chooses what a bounded set of open files or loaded indexes gives up: the least recently used, or what is used
// least often, and what has not been used for some time. It holds keys and weights; what is given up is released by its owner.
//
// Least recently used is hashicorp/golang-lru's list under one lock. Its expirable variant is not used: it reads the wall clock
// and leaves a goroutine behind. Least often used is otter's W-TinyLFU, whose reads take no lock.
package evict
