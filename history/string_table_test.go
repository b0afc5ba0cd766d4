package history

import (
	"fmt"
	"strings"
	"testing"
)

// A string is what was asked for, also after the table has grown, and is kept once until the table is emptied.
func TestStringTableKeepsEachStringOnce(t *testing.T) {
	table := newStringTable()
	long := strings.Repeat("x", pieceSize)
	for round := range 2 {
		for i := range 100_000 {
			want := fmt.Sprint("value", i)
			got, fresh := table.get([]byte(want))
			if got != want || fresh != (round == 0) {
				t.Fatalf("round %d: %q, fresh %v, want %q", round, got, fresh, want)
			}
		}
		if got, fresh := table.get([]byte(long)); got != long || fresh != (round == 0) {
			t.Errorf("round %d: a long string is %d bytes, fresh %v", round, len(got), fresh)
		}
	}
	if got, fresh := table.get(nil); got != "" || fresh {
		t.Errorf("nothing is %q, fresh %v", got, fresh)
	}
}

func TestStringTableIsEmptiedWhenFull(t *testing.T) {
	table := newStringTable()
	first, _ := table.get([]byte("first"))
	for i := range maxStrings {
		table.get(fmt.Append(nil, i))
	}
	if len(table.slots) > 2*maxStrings || first != "first" {
		t.Errorf("%d slots, and the first string is %q", len(table.slots), first)
	}
	if again, fresh := table.get([]byte("first")); again != first || !fresh {
		t.Errorf("%q, fresh %v, want it kept again", again, fresh)
	}
}
