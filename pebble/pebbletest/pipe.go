package pebbletest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// maxPipe is how much a pipe holds, in bytes.
const maxPipe = 64 << 10

// pipe is one direction of a connection in memory.
type pipe struct {
	mu     sync.Mutex
	moved  *sync.Cond
	held   []byte
	closed bool
	// reading is set while the reader waits: it is done with all that it got.
	reading bool
}

func newPipe() *pipe {
	p := &pipe{}
	p.moved = sync.NewCond(&p.mu)
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.held) == 0 && !p.closed {
		p.reading = true
		p.moved.Broadcast()
		p.moved.Wait()
	}
	p.reading = false
	if len(p.held) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.held)
	p.held = p.held[n:]
	p.moved.Broadcast()
	return n, nil
}

func (p *pipe) write(b []byte) (written int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(b) > 0 {
		for len(p.held) >= maxPipe && !p.closed {
			p.moved.Wait()
		}
		if p.closed {
			return written, io.ErrClosedPipe
		}
		n := min(len(b), maxPipe-len(p.held))
		p.held, b, written = append(p.held, b[:n]...), b[n:], written+n
		p.moved.Broadcast()
	}
	return written, nil
}

func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.moved.Broadcast()
}

// settle waits until the reader is done with all that was written.
func (p *pipe) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for (len(p.held) > 0 || !p.reading) && !p.closed {
		p.moved.Wait()
	}
}

// conn is an end of a connection in memory.
type conn struct{ in, out *pipe }

// connPair returns the two ends of a connection.
func connPair() (client, server *conn) {
	up, down := newPipe(), newPipe()
	return &conn{in: down, out: up}, &conn{in: up, out: down}
}

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }

// Close closes both directions. What was written is read all the same.
func (c *conn) Close() error {
	c.in.close()
	c.out.close()
	return nil
}

func (c *conn) LocalAddr() net.Addr              { return &net.UnixAddr{Net: "unix"} }
func (c *conn) RemoteAddr() net.Addr             { return &net.UnixAddr{Net: "unix"} }
func (c *conn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *conn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *conn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// hijacked takes the answer to a handshake, and gives away its end of the
// connection.
type hijacked struct {
	header http.Header
	code   int
	body   []byte
	server *conn
}

func (h *hijacked) Header() http.Header { return h.header }
func (h *hijacked) WriteHeader(code int) {
	if h.code == 0 {
		h.code = code
	}
}
func (h *hijacked) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	h.body = append(h.body, b...)
	return len(b), nil
}
func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.server, bufio.NewReadWriter(bufio.NewReader(h.server), bufio.NewWriter(h.server)), nil
}
