package builtins

import (
	"bufio"
	"fmt"
	"io"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// An outputStream is an output of a process while it is read.
type outputStream struct {
	handle
	p    *process
	from *bufio.Reader
}

func newOutputStream(p *process, from io.Reader) *outputStream {
	return &outputStream{p: p, from: bufio.NewReader(from)}
}

var outputStreamTable = table[*outputStream]{
	typ: "output_stream",
	doc: "An output of a command that runs, text or, with encoding = None, bytes. It can be iterated over by lines, each with its newline: `for line in process.stdout`. When the daemon goes away meanwhile, or a line has more than 64 MiB, the lines end, and wait() meets the failure. While the command's output is read, its error output is kept, and the other way round.",
	members: []member[*outputStream]{
		{name: "read", sig: "(size: int = None) -> str | bytes", doc: "What is left, up to 64 MiB, waiting for the end; with size, which needs encoding = None, at most so many bytes, as soon as there are some. Nothing is left at the end: \"\".",
			call: (*outputStream).read},
		{name: "readline", sig: "() -> str | bytes", doc: "The next line with its newline, which the last may lack, waiting for it. \"\" at the end. A line of more than 64 MiB is a pebble.Error.",
			call: func(s *outputStream, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				line, err := s.line()
				if err != nil {
					return nil, s.p.failure(err, starlark.None, starlark.None)
				}
				return s.p.decoded(line), nil
			}},
	},
}

func (s *outputStream) String() string { return "<output_stream of " + s.p.String() + ">" }
func (s *outputStream) Type() string   { return "output_stream" }
func (s *outputStream) Attr(name string) (starlark.Value, error) {
	return outputStreamTable.attr(s, name)
}
func (s *outputStream) AttrNames() []string { return outputStreamTable.attrNames(s) }

// ahead takes what was read and not given out.
func (s *outputStream) ahead() []byte {
	data, _ := s.from.Peek(s.from.Buffered())
	taken := append([]byte(nil), data...)
	_, _ = s.from.Discard(len(taken))
	return taken
}

// line reads a line; there is none at the end.
func (s *outputStream) line() ([]byte, error) {
	var line []byte
	for {
		part, err := s.from.ReadSlice('\n')
		if len(line)+len(part) > maxPull {
			return nil, s.tooLarge("a line")
		}
		line = append(line, part...)
		switch err {
		case nil, io.EOF:
			return line, nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
}

func (s *outputStream) tooLarge(what string) error {
	return &pebble.Error{Kind: pebble.RootError, Message: fmt.Sprintf("%s of command %s is larger than %d MiB", what, s.p.executable, maxPull>>20)}
}

func (s *outputStream) read(in invocation) (starlark.Value, error) {
	var size starlark.Value = starlark.None
	if err := in.unpack("size?", &size); err != nil {
		return nil, err
	}
	if size == starlark.None {
		data, err := io.ReadAll(io.LimitReader(s.from, maxPull+1))
		if err == nil && len(data) > maxPull {
			err = s.tooLarge("the output")
		}
		if err != nil {
			return nil, s.p.failure(err, starlark.None, starlark.None)
		}
		return s.p.decoded(data), nil
	}
	n, err := starlark.AsInt32(size)
	if err != nil || n < 1 || n > maxPull {
		return nil, fmt.Errorf("%s: size is %v, want 1 to %d", in.name, size, maxPull)
	}
	if s.p.text {
		return nil, fmt.Errorf("%s: a size needs encoding = None, since it may cut a character in two", in.name)
	}
	data := make([]byte, min(n, 1<<20))
	n, err = s.from.Read(data)
	if err != nil && err != io.EOF {
		return nil, s.p.failure(err, starlark.None, starlark.None)
	}
	return starlark.Bytes(data[:n]), nil
}

// Iterate goes over the lines.
func (s *outputStream) Iterate() starlark.Iterator { return lineIterator{s} }

type lineIterator struct{ stream *outputStream }

func (i lineIterator) Next(v *starlark.Value) bool {
	line, err := i.stream.line()
	if err != nil {
		i.stream.p.unread = err
	}
	if err != nil || len(line) == 0 {
		return false
	}
	*v = i.stream.p.decoded(line)
	return true
}

func (i lineIterator) Done() {}

// An inputStream is the input of a process that a script writes.
type inputStream struct {
	handle
	p  *process
	to io.WriteCloser
}

var inputStreamTable = table[*inputStream]{
	typ: "input_stream",
	doc: "The input of a command that was started with pipe_stdin.",
	members: []member[*inputStream]{
		{name: "write", sig: "(data: str | bytes)", doc: "Writes to the command, text or, with encoding = None, bytes, and waits until it is on its way. pebble.ConnectionError if the command has ended.",
			call: func(s *inputStream, in invocation) (starlark.Value, error) {
				var data starlark.Value
				if err := in.unpack("data", &data); err != nil {
					return nil, err
				}
				text, err := inputOf(in, "data", data, s.p.text)
				if err != nil {
					return nil, err
				}
				_, err = io.WriteString(s.to, text)
				return starlark.None, s.p.failure(err, starlark.None, starlark.None)
			}},
		{name: "close", sig: "()", doc: "Ends the input. wait() and wait_output() do that too.",
			call: func(s *inputStream, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return starlark.None, s.p.failure(s.to.Close(), starlark.None, starlark.None)
			}},
	},
}

func (s *inputStream) String() string { return "<input_stream of " + s.p.String() + ">" }
func (s *inputStream) Type() string   { return "input_stream" }
func (s *inputStream) Attr(name string) (starlark.Value, error) {
	return inputStreamTable.attr(s, name)
}
func (s *inputStream) AttrNames() []string { return inputStreamTable.attrNames(s) }
