package coordinator

import (
	"reflect"
	"testing"
	"time"
)

func TestAnswersWaitForWhatTheyRestOn(t *testing.T) {
	var o Outbox
	at := time.UnixMilli(1000)
	o.Reply(Reply{Ticket: 1})
	one := Record{Key: []byte("k")}
	o.Append(2*one.Size(), one, one, one)
	o.Reply(Reply{Ticket: 2})
	want := []Effect{
		Reply{Ticket: 1}, Append{Seq: 1, Records: []Record{one, one}}, Append{Seq: 2, Records: []Record{one}}, WakeAt{At: at},
	}
	if got := o.Take(at); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	o.Confirm(1)
	if got := o.Take(at); got != nil {
		t.Fatalf("after a part is confirmed: %+v", got)
	}
	o.Confirm(2)
	if got, want := o.Take(at), []Effect{Reply{Ticket: 2}}; !reflect.DeepEqual(got, want) {
		t.Fatalf("after all is confirmed: %+v, want %+v", got, want)
	}
	if o.Seq() != 2 || o.Confirmed() != 2 {
		t.Errorf("%d of %d appends are confirmed", o.Confirmed(), o.Seq())
	}
}

func TestAFailureAnswersWhatWaits(t *testing.T) {
	var o Outbox
	o.Append(1, Record{}) // larger than that: an append of its own
	o.Reply(Reply{Ticket: 1, Answer: "done"})
	o.Fail(16)
	o.Reply(Reply{Ticket: 2, Code: 16})
	want := []Effect{Append{Seq: 1, Records: []Record{{}}}, Reply{Ticket: 1, Code: 16}, Reply{Ticket: 2, Code: 16}}
	if got := o.Take(time.Time{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestCallsHaveNumbersOfTheirOwn(t *testing.T) {
	var o Outbox
	first, second := o.Call("a"), o.Call("b")
	want := []Effect{Call{ID: first, What: "a"}, Call{ID: second, What: "b"}}
	if got := o.Take(time.Time{}); first == 0 || first == second || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAWishToBeWokenIsToldOnce(t *testing.T) {
	var o Outbox
	at := time.UnixMilli(1000)
	o.Take(at)
	if got := o.Take(at); got != nil {
		t.Errorf("the same wish again: %+v", got)
	}
	o.Woken()
	if got, want := o.Take(at), []Effect{WakeAt{At: at}}; !reflect.DeepEqual(got, want) {
		t.Errorf("after the time has come: %+v, want %+v", got, want)
	}
}

func TestARefusedAppendAnswersWhatWaitsForIt(t *testing.T) {
	var o Outbox
	o.Append(100, Record{})
	o.Reply(Reply{Ticket: 1})
	o.AppendFor(Producer{ID: 5}, Record{}, Record{})
	o.Reply(Reply{Ticket: 2, Answer: "done"})
	o.Refuse(47)
	o.AppendMarker(Marker{ProducerID: 5})
	o.Reply(Reply{Ticket: 3})
	want := []Effect{
		Append{Seq: 1, Records: []Record{{}}},
		Append{Seq: 2, Records: []Record{{}, {}}, Producer: &Producer{ID: 5}},
		Append{Seq: 2, Marker: &Marker{ProducerID: 5}},
	}
	if got := o.Take(time.Time{}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	o.Confirm(1)
	want = []Effect{Reply{Ticket: 1}, Reply{Ticket: 2, Code: 47}}
	if got := o.Take(time.Time{}); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	o.Confirm(2)
	if got, want := o.Take(time.Time{}), []Effect{Reply{Ticket: 3}}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if plain := (Append{}); plain.Alone() || !(Append{Marker: &Marker{}}).Alone() || !(Append{Producer: &Producer{}}).Alone() {
		t.Error("which appends go alone is wrong")
	}
}
