package textedit

// edit is a kind of change. A run of typing, and a run of deletions, are each undone in one step.
type edit int

const (
	none   edit = iota // not an edit key
	motion             // the cursor moved
	typing
	deletion
	other // always a step of its own: a paste, a line break
)

// maxSteps bounds how many steps can be undone.
const maxSteps = 200

// history holds the states before and behind the present one.
type history[T any] struct {
	past, future []T
	last         edit
}

// record keeps the state before an edit.
func (h *history[T]) record(before T, e edit) {
	defer func() { h.last = e }()
	if e == motion {
		return
	}
	h.future = nil
	if e == h.last && e != other {
		return
	}
	h.past = append(h.past, before)
	h.past = h.past[max(0, len(h.past)-maxSteps):]
}

// undo returns the state before the last step; false if there is none.
func (h *history[T]) undo(now T) (T, bool) { return h.shift(&h.past, &h.future, now) }

// redo returns the state that undo left; false if there is none.
func (h *history[T]) redo(now T) (T, bool) { return h.shift(&h.future, &h.past, now) }

func (h *history[T]) shift(from, to *[]T, now T) (T, bool) {
	h.last = motion
	if len(*from) == 0 {
		return now, false
	}
	state := (*from)[len(*from)-1]
	*from, *to = (*from)[:len(*from)-1], append(*to, now)
	return state, true
}
