package txn

// Count tells how many transactional ids are in which state. The answer is a map[State]int.
type Count struct{}

func (Count) isRequest() {}

func (m *Machine) count(ticket uint64) {
	counts := map[State]int{}
	for _, t := range m.transactions {
		counts[t.state]++
	}
	m.answer(ticket, counts)
}
