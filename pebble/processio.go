package pebble

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	// window is how much output is kept ahead of a reader who is not waiting,
	// in bytes.
	window = 256 << 10
	// piece is how much is moved at once, in bytes.
	piece = 32 << 10
)

// output is stdout or stderr of a process, from the daemon to whoever takes it.
type output struct {
	p    *Process
	name string
	conn *websocket.Conn
	// writer takes what comes; nil keeps it.
	writer io.Writer

	// What follows is guarded by the process.
	kept bytes.Buffer
	// err says why nothing more comes, io.EOF for the end.
	err error
	// busy is set while whoever takes the output is.
	busy bool
}

// pump reads the connection until the end of the output.
func (o *output) pump() {
	err := o.receive()
	o.p.mu.Lock()
	o.err = err
	o.p.moved.Broadcast()
	o.p.mu.Unlock()
	if err != io.EOF {
		o.p.cancel(err)
	}
	o.p.inputDone()
}

func (o *output) receive() error {
	buf := make([]byte, piece)
	for {
		kind, r, err := o.conn.Reader(o.p.ctx)
		if err == nil && kind == websocket.MessageText {
			var end bool
			if end, err = message(r); end && err == nil {
				return io.EOF
			}
		}
		for err == nil && kind == websocket.MessageBinary {
			var n int
			n, err = r.Read(buf)
			if takeErr := o.take(buf[:n]); takeErr != nil {
				return takeErr
			}
		}
		if err != nil && err != io.EOF {
			return o.p.failure("read the "+o.name+" of", err)
		}
	}
}

// take takes over what was read.
func (o *output) take(data []byte) error {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	defer o.settle()
	o.busy = true
	if o.writer != nil {
		o.p.mu.Unlock()
		_, err := o.writer.Write(data)
		o.p.mu.Lock()
		if err != nil {
			return fmt.Errorf("cannot write the %s of command %s: %w", o.name, executable(o.p.command), err)
		}
		return nil
	}
	for o.kept.Len() >= window && o.p.waiting == 0 && o.p.ctx.Err() == nil {
		o.p.moved.Wait()
	}
	if o.kept.Len()+len(data) > o.p.maxOutput {
		return &Error{Kind: RootError, Message: fmt.Sprintf("command %s wrote more than %d MiB to %s, which was not read, and was killed",
			executable(o.p.command), o.p.maxOutput>>20, o.name)}
	}
	o.kept.Write(data)
	return nil
}

// settle notes that something was read and taken.
func (o *output) settle() {
	o.busy = false
	o.p.progress = time.Now()
	o.p.moved.Broadcast()
}

// Read reads what the command wrote. While it waits, the other output is kept.
func (o *output) Read(b []byte) (int, error) {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	for o.kept.Len() == 0 && o.err == nil {
		o.p.waiting++
		o.p.moved.Broadcast()
		o.p.moved.Wait()
		o.p.waiting--
	}
	if o.kept.Len() == 0 {
		return 0, o.err
	}
	o.p.moved.Broadcast()
	return o.kept.Read(b)
}

// rest takes what nobody has read.
func (o *output) rest() []byte {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	return o.kept.Next(o.kept.Len())
}

// input is stdin of a process.
type input struct {
	p *Process
	// pipe is set when the user of the process writes it.
	pipe bool
	// mu is held while something is sent.
	mu     sync.Mutex
	closed bool
}

// Write sends input. While it waits for the command to take it, the outputs are
// kept.
func (i *input) Write(b []byte) (int, error) {
	i.p.mu.Lock()
	i.p.waiting++
	i.p.moved.Broadcast()
	i.p.mu.Unlock()
	defer func() {
		i.p.mu.Lock()
		i.p.waiting--
		i.p.mu.Unlock()
	}()
	return i.send(b)
}

func (i *input) send(b []byte) (sent int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return 0, &Error{Kind: RootError, Message: fmt.Sprintf("cannot write to command %s: its input was closed", executable(i.p.command))}
	}
	for sent < len(b) {
		n := min(piece, len(b)-sent)
		if err := i.message(websocket.MessageBinary, b[sent:sent+n]); err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

func (i *input) message(kind websocket.MessageType, data []byte) error {
	err := i.p.sockets.stdio.Write(i.p.taking, kind, data)
	if err == nil {
		return nil
	}
	if i.p.taking.Err() != nil && i.p.ctx.Err() == nil {
		return &Error{Kind: ConnectionError, Message: fmt.Sprintf("cannot write to command %s: it has ended", executable(i.p.command)), Err: err}
	}
	return i.p.failure("write to", err)
}

// Close is the end of the input. Only the first has an effect.
func (i *input) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed {
		return nil
	}
	i.closed = true
	return i.message(websocket.MessageText, []byte(endMessage))
}

// copy sends what r has.
func (i *input) copy(r io.Reader) {
	buf := make([]byte, piece)
	for {
		n, err := r.Read(buf)
		if _, sendErr := i.send(buf[:n]); sendErr != nil {
			// A command may end without its input; what else went wrong shows
			// where the outputs are read.
			return
		}
		if err == io.EOF {
			_ = i.Close()
			return
		}
		if err != nil {
			i.p.cancel(&Error{Kind: RootError, Message: fmt.Sprintf("cannot read the input of command %s: %v", executable(i.p.command), err), Err: err})
			return
		}
	}
}
