package api

import (
	"fmt"
	"sort"
)

// Table is the closed set of APIs that a listener serves.
type Table struct {
	rows map[int16]*Row
	keys []int16
}

// NewTable validates the rows; a row that is incomplete or stands twice is an error, and start-up ends with it.
func NewTable(rows ...Row) (*Table, error) {
	t := &Table{rows: make(map[int16]*Row, len(rows))}
	for i := range rows {
		row := &rows[i]
		if err := row.Validate(); err != nil {
			return nil, err
		}
		if _, twice := t.rows[row.Key]; twice {
			return nil, fmt.Errorf("%w: API %d %s stands twice", ErrIncompleteRow, row.Key, row.Name)
		}
		t.rows[row.Key] = row
		t.keys = append(t.keys, row.Key)
	}
	sort.Slice(t.keys, func(i, j int) bool { return t.keys[i] < t.keys[j] })
	return t, nil
}

// Row returns the row of an API key.
func (t *Table) Row(key int16) (*Row, bool) {
	r, found := t.rows[key]
	return r, found
}

// Rows calls yield for each row by rising key.
func (t *Table) Rows(yield func(*Row) bool) {
	for _, k := range t.keys {
		if !yield(t.rows[k]) {
			return
		}
	}
}
