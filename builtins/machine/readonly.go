package machine

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"syscall"
)

// ReadOnly is a machine of which nothing is changed: commands, signals, requests
// that do more than to read, and changes of files end in what refuse returns of
// their description.
func ReadOnly(m Machine, refuse func(what string) error) Machine { return readOnly{m, refuse} }

type readOnly struct {
	Machine
	refuse func(what string) error
}

func (m readOnly) Run(_ context.Context, c Command) (*Result, error) {
	return nil, m.refuse("the command " + c.Line())
}

func (m readOnly) Signal(pid int, name string, s syscall.Signal) (bool, error) {
	if s != 0 {
		return false, m.refuse(fmt.Sprintf("a signal to the process %d", pid))
	}
	return m.Machine.Signal(pid, name, s)
}

func (m readOnly) Transport(o TransportOptions) http.RoundTripper {
	return readingTransport{m.Machine.Transport(o), m.refuse}
}

type readingTransport struct {
	http.RoundTripper
	refuse func(what string) error
}

func (t readingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return nil, t.refuse("the request " + req.Method + " " + req.URL.Redacted())
	}
	return t.RoundTripper.RoundTrip(req)
}

func (m readOnly) OpenDir(path string, make bool) (Dir, error) {
	d, err := m.Machine.OpenDir(path, false)
	if err != nil && make {
		return nil, m.refuse("the directory " + path)
	}
	if err != nil {
		return nil, err
	}
	return readOnlyDir{d, m.refuse}, nil
}

type readOnlyDir struct {
	Dir
	refuse func(what string) error
}

func (d readOnlyDir) Mkdir(name string, _ fs.FileMode) error {
	return d.refuse("the directory " + name)
}
func (d readOnlyDir) WriteFile(name string, _ io.Reader, _ fs.FileMode, _ Owner) error {
	return d.refuse("a change of the file " + name)
}
func (d readOnlyDir) Chmod(name string, _ fs.FileMode) error {
	return d.refuse("new permissions of " + name)
}
func (d readOnlyDir) Chown(name string, _ Owner) error { return d.refuse("another owner of " + name) }
func (d readOnlyDir) Remove(name string, _ bool) error { return d.refuse("the removal of " + name) }
