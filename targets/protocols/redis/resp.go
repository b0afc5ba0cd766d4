package redis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of an answer. They must hold a whole set.
const (
	maxBulk  = 64 << 20 // bytes of one text
	maxItems = 1 << 22  // elements of one list
	maxDepth = 8        // lists within lists
)

type replyKind byte

// The kinds of reply in RESP 2.
const (
	errorReply   replyKind = '-'
	statusReply  replyKind = '+'
	integerReply replyKind = ':'
	bulkReply    replyKind = '$'
	arrayReply   replyKind = '*'
	nilReply     replyKind = '_' // a bulk or an array that is not there
)

// reply is what a server answers to one command.
type reply struct {
	kind  replyKind
	text  string // also of an integer
	items []reply
}

func (r reply) String() string {
	if r.kind != arrayReply {
		return r.text
	}
	lines := make([]string, len(r.items))
	for i, item := range r.items {
		lines[i] = strings.ReplaceAll(item.String(), "\n", " ")
	}
	return strings.Join(lines, "\n")
}

// serverError is a reply by which a server rejects a command.
type serverError string

func (e serverError) Error() string { return string(e) }

// code is the first word, such as READONLY.
func (e serverError) code() string {
	code, _, _ := strings.Cut(string(e), " ")
	return code
}

// encode appends a command.
func encode(to []byte, command []string) []byte {
	to = fmt.Appendf(to, "*%d\r\n", len(command))
	for _, word := range command {
		to = fmt.Appendf(to, "$%d\r\n", len(word))
		to = append(append(to, word...), "\r\n"...)
	}
	return to
}

// decode reads one reply.
func decode(in *bufio.Reader) (reply, error) { return decodeAt(in, 0) }

func decodeAt(in *bufio.Reader, depth int) (reply, error) {
	line, err := readLine(in)
	if err != nil {
		return reply{}, err
	}
	if line == "" || depth > maxDepth {
		return reply{}, errors.New("the answer is no RESP")
	}
	r := reply{kind: replyKind(line[0]), text: line[1:]}
	switch r.kind {
	case errorReply, statusReply, integerReply:
		return r, nil
	case bulkReply:
		n, err := strconv.Atoi(r.text)
		switch {
		case err != nil || n < -1 || n > maxBulk:
			return r, fmt.Errorf("the answer has a text of length %q", r.text)
		case n == -1:
			return reply{kind: nilReply}, nil
		}
		b := make([]byte, n+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return r, err
		}
		r.text = string(b[:n])
		return r, nil
	case arrayReply:
		n, err := strconv.Atoi(r.text)
		switch {
		case err != nil || n < -1 || n > maxItems:
			return r, fmt.Errorf("the answer has a list of length %q", r.text)
		case n == -1:
			return reply{kind: nilReply}, nil
		}
		r.text = ""
		for range n {
			item, err := decodeAt(in, depth+1)
			if err != nil {
				return r, err
			}
			r.items = append(r.items, item)
		}
		return r, nil
	}
	return r, fmt.Errorf("the answer is no RESP: it begins with %q", line[:1])
}

// readLine reads up to CR LF. A line of a reply is short.
func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	s, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok {
		return "", errors.New("the answer is no RESP")
	}
	return s, nil
}
