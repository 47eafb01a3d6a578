package storage

import "sync/atomic"

// once is a call that, once it is set, whoever comes first makes: a test, or a goroutine of a directory.
type once struct{ call atomic.Pointer[func()] }

func (o *once) set(call func()) { o.call.Store(&call) }

func (o *once) run() {
	if call := o.call.Swap(nil); call != nil {
		(*call)()
	}
}
