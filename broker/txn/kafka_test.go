package txn

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chronik-stream/chronik/broker/wire"
)

// TestAsApacheKafka does what was done to the TransactionCoordinator of Apache Kafka 4.3.1, step by step, and compares what it answered and
// what it then knew. Each line of the file is a request or another event, what came of it, and the id's state:
//
//	new LEVEL, preset STATE             begin anew, with the finalized transaction.version, and with an id
//	init ID EPOCH TIMEOUT               > CODE ID EPOCH > STATE
//	add ID EPOCH LEVEL PARTITIONS       > CODE -1 -1 > STATE
//	verify ID EPOCH PARTITIONS          > CODES > STATE
//	end ID EPOCH COMMIT LEVEL           > CODE ID EPOCH > STATE
//	mark, tick MILLIS, level LEVEL      > 0 -1 -1 > STATE
//
// A state is the number of the state, producer id and epoch, the id before and the one after, the epoch before, the time-out, when the
// transaction began and the id was last changed, the client's transaction.version, and partitions of one topic.
func TestAsApacheKafka(t *testing.T) {
	raw, err := os.ReadFile("testdata/kafka-steps.txt")
	if err != nil {
		t.Fatal(err)
	}
	const fencedHere = "90 -1 -1"
	var r *replayed
	stricter := 0 // where judgeBumping fences a producer that Apache Kafka does not
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for i, line := range lines {
		if level, begins := strings.CutPrefix(line, "new "); begins {
			r = &replayed{harness: newHarness(t, number[int16](t, level))}
			r.stuck = true
			continue
		}
		if state, is := strings.CutPrefix(line, "preset "); is {
			r.m.transactions["t"] = r.parse(state)
			continue
		}
		parts := strings.Split(line, " > ")
		words := strings.Fields(parts[0])
		answer := r.do(words)
		if words[0] == "end" && words[4] == "2" && answer == fencedHere && strings.HasPrefix(parts[1], "0 ") && r.m.transactions["t"].level < bumpLevel {
			stricter++
			parts[1] = answer
		}
		if state := r.state(parts[2]); answer != parts[1] || state != parts[2] {
			t.Fatalf("line %d: %s\nis here > %s > %s", i+1, line, answer, state)
		}
	}
	if len(lines) < 1000 || stricter > len(lines)/50 {
		t.Fatalf("%d lines, and in %d of them Apache Kafka takes a fenced producer for one that missed an answer", len(lines), stricter)
	}
}

type replayed struct{ *harness }

const traceEpoch = 1_700_000_000_000

func number[N int16 | int32 | int64](t failer, s string) N {
	var n N
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}

func (r *replayed) producerOf(words []string) Producer {
	return Producer{ID: number[int64](r.t, words[0]), Epoch: number[int16](r.t, words[1])}
}

func (r *replayed) partitions(list string) []TopicPartition {
	var partitions []TopicPartition
	if list == "-" {
		return nil
	}
	for _, p := range strings.Split(list, ",") {
		partitions = append(partitions, TopicPartition{"a", number[int32](r.t, p)})
	}
	return partitions
}

// do carries out one line and returns the answer as the file has it.
func (r *replayed) do(words []string) string {
	switch words[0] {
	case "init":
		q := Init{TransactionalID: "t", TimeoutMillis: number[int32](r.t, words[3]), Expected: r.producerOf(words[1:])}
		return r.answer(q, true)
	case "add":
		return r.answer(Add{
			TransactionalID: "t", Producer: r.producerOf(words[1:]), Level: number[int16](r.t, words[3]), Partitions: r.partitions(words[4]),
		}, false)
	case "verify":
		partitions := r.partitions(words[3])
		reply := r.reply(r.ask(Verify{TransactionalID: "t", Producer: r.producerOf(words[1:]), Partitions: partitions}))
		codes, ok := reply.Answer.([]int16)
		if !ok {
			codes = make([]int16, len(partitions))
			for i := range codes {
				codes[i] = reply.Code
			}
		}
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(codes), "[]"), " ", ",")
	case "end":
		level := number[int16](r.t, words[4])
		return r.answer(End{TransactionalID: "t", Producer: r.producerOf(words[1:]), Commit: words[3] == "1", Level: level}, level == 2)
	case "mark":
		r.markers()
		r.carryOut(0)
	case "tick":
		r.now = r.now.Add(time.Duration(number[int64](r.t, words[1])) * time.Millisecond)
		r.m.schedule.abortAt = r.now
		r.step(Woken{})
		r.giveIDs()
	case "level":
		r.ask(SetLevel{Level: number[int16](r.t, words[1])})
	default:
		r.t.Fatalf("%q", words)
	}
	return "0 -1 -1"
}

func (r *replayed) answer(q Request, tells bool) string {
	ticket := r.ask(q)
	r.giveIDs()
	reply := r.reply(ticket)
	p, ok := reply.Answer.(Producer)
	if !ok || !tells {
		p = nobody
	}
	return fmt.Sprint(reply.Code, p.ID, p.Epoch)
}

// giveIDs answers calls for producer ids; those for markers wait for a line of the file.
func (r *replayed) giveIDs() {
	for i := 0; i < len(r.calls); i++ {
		if _, wants := r.calls[i].What.(WantProducerID); wants {
			r.carryOut(i)
			i--
		}
	}
}

func sinceEpoch(millis int64) int64 {
	if millis < 0 {
		return millis
	}
	return millis - traceEpoch
}

// state is the id's state as the file has it. Apache Kafka dates the completion with the time of the decision, this machine with the time
// when the markers were written: there, and only there, the time is taken from what is wanted.
func (r *replayed) state(want string) string {
	t := r.m.transactions["t"]
	if t == nil {
		return "none"
	}
	updated := fmt.Sprint(sinceEpoch(t.updatedMillis))
	if t.state == CompleteCommit || t.state == CompleteAbort {
		updated = strings.Fields(want)[8]
	}
	list := "-"
	for i, p := range t.sorted() {
		if i == 0 {
			list = ""
		} else {
			list += ","
		}
		list += fmt.Sprint(p.Partition)
	}
	return strings.TrimSpace(fmt.Sprintln(int(t.state), t.producer.ID, t.producer.Epoch, t.previousID, t.nextID, t.previousEpoch,
		t.timeoutMillis, sinceEpoch(t.startMillis), updated, t.level, list))
}

func (r *replayed) parse(state string) *transaction {
	t := newTransaction("t")
	words := strings.Fields(state)
	t.state, t.producer = State(number[int16](r.t, words[0])), r.producerOf(words[1:])
	t.previousID, t.nextID = number[int64](r.t, words[3]), number[int64](r.t, words[4])
	t.timeoutMillis, t.level = number[int32](r.t, words[6]), number[int16](r.t, words[9])
	t.updatedMillis = traceEpoch
	return t
}

// TestAnEpochThatIsToldAgain is where this machine differs: Apache Kafka has no bump to tell again when the last epoch is in use, and
// answers UNKNOWN_SERVER_ERROR.
func TestAnEpochThatIsToldAgain(t *testing.T) {
	h := preset(t, 2, func(one *transaction) { one.producer = Producer{5, lastEpoch - 1} })
	last := h.initAs(Producer{5, lastEpoch - 1}, wire.None)
	if again := h.initAs(Producer{5, lastEpoch - 1}, wire.None); again != last || again.Epoch != lastEpoch {
		t.Fatalf("the retry is answered %+v", again)
	}
}
