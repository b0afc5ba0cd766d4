package printable

import (
	"strings"
	"testing"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain, with ümlauts and ☹":         "plain, with ümlauts and ☹",
		"\x1b[2J\x1b]0;owned\a":             "�[2J�]0;owned�",
		"c1 \u009b31m, nul \x00, del \x7f":  "c1 �31m, nul �, del �",
		"\xff\xfe no UTF-8":                 "� no UTF-8",
		"\u202egnp.exe":                     "�gnp.exe",
		"two\nlines\r\nand a\ttab":          "two lines  and a tab",
		"::error file=a::injected":          ": :error file=a::injected",
		"\n \t::warning::injected":          "   : :warning::injected",
		"a::b stays, as std::vector does":   "a::b stays, as std::vector does",
		"a ##[error]b and ##vso[task.abc]c": "a ## [error]b and ## vso[task.abc]c",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWriterCleansWholeLines(t *testing.T) {
	var out strings.Builder
	w := &Writer{To: &out}
	for _, part := range []string{"one \x1b", "[31mred\n:", ":error::two\n", "  ::warn", "ing::\na\tb\nunfinished \xe2", "\x98\xb9"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "one �[31mred\n: :error::two\n  : :warning::\na\tb\nunfinished ☹"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
