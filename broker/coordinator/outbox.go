package coordinator

import "time"

// Outbox collects the effects of one step after the other. The zero value is ready for use.
type Outbox struct {
	out  []Effect
	wake time.Time
	// seq is the last append, confirmed the last one that is confirmed.
	seq, confirmed uint64
	held           []heldReply
	calls          uint64
}

type heldReply struct {
	after uint64
	reply Reply
}

// Append wants records written, in as many appends as it takes to keep each at maxBytes, or at one record.
func (o *Outbox) Append(maxBytes int, records ...Record) {
	for len(records) > 0 {
		n, size := 1, records[0].Size()
		for n < len(records) && size+records[n].Size() <= maxBytes {
			size += records[n].Size()
			n++
		}
		o.seq++
		o.out = append(o.out, Append{Seq: o.seq, Records: records[:n:n]})
		records = records[n:]
	}
}

// AppendFor wants records written in a transaction of the producer, in one append however large it is.
func (o *Outbox) AppendFor(p Producer, records ...Record) {
	o.seq++
	o.out = append(o.out, Append{Seq: o.seq, Records: records, Producer: &p})
}

// AppendMarker wants a transaction ended in the log.
func (o *Outbox) AppendMarker(m Marker) {
	o.seq++
	o.out = append(o.out, Append{Seq: o.seq, Marker: &m})
}

// Refuse takes in that the last append was not written: what waited for it is answered with a Kafka error code, once everything else is
// confirmed on which that may rest.
func (o *Outbox) Refuse(code int16) {
	o.seq--
	held := o.held
	o.held = nil
	for _, h := range held {
		if h.after <= o.seq {
			o.held = append(o.held, h)
		} else {
			o.Reply(Reply{Ticket: h.reply.Ticket, Code: code})
		}
	}
}

// Reply answers a request, once everything that the answer may rest on is confirmed.
func (o *Outbox) Reply(r Reply) {
	if o.seq == o.confirmed {
		o.out = append(o.out, r)
		return
	}
	o.held = append(o.held, heldReply{after: o.seq, reply: r})
}

// Trouble tells why a request is refused with UNKNOWN_SERVER_ERROR.
func (o *Outbox) Trouble(id string, err error) { o.out = append(o.out, Trouble{ID: id, Err: err}) }

// Call wants something done and returns the number of the call.
func (o *Outbox) Call(what any) uint64 {
	o.calls++
	o.out = append(o.out, Call{ID: o.calls, What: what})
	return o.calls
}

// Confirm takes in that the appends up to and with seq are confirmed.
func (o *Outbox) Confirm(seq uint64) {
	o.confirmed = max(o.confirmed, seq)
	ready := 0
	for ready < len(o.held) && o.held[ready].after <= o.confirmed {
		o.out = append(o.out, o.held[ready].reply)
		ready++
	}
	o.held = o.held[ready:]
	if len(o.held) == 0 {
		o.held = nil
	}
}

// Fail answers what waits for an append with a Kafka error code. Nothing waits for an append from then on.
func (o *Outbox) Fail(code int16) {
	for _, h := range o.held {
		o.out = append(o.out, Reply{Ticket: h.reply.Ticket, Code: code})
	}
	o.held, o.confirmed = nil, o.seq
}

// Seq is the last append.
func (o *Outbox) Seq() uint64 { return o.seq }

// Confirmed is the last append that is confirmed.
func (o *Outbox) Confirmed() uint64 { return o.confirmed }

// Woken takes in that the time of WakeAt has come.
func (o *Outbox) Woken() { o.wake = time.Time{} }

// Take ends a step, after which the machine wants to be woken next, and returns its effects in order.
func (o *Outbox) Take(next time.Time) []Effect {
	if !next.Equal(o.wake) {
		o.wake = next
		o.out = append(o.out, WakeAt{At: next})
	}
	out := o.out
	o.out = nil
	return out
}
