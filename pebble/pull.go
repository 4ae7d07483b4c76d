package pebble

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
)

// File is the content of a file as it comes from the daemon.
//
// The daemon says only after the content whether it could read all of it, so
// content is good once Read has returned [io.EOF]; a failure midway is a
// [PathError] instead.
type File struct {
	client  *Client
	request request
	paths   []string
	ctx     context.Context
	idle    *watchdog
	body    io.Closer
	budget  *budgetReader
	parts   *multipart.Reader
	part    *multipart.Part
	err     error
}

// Pull opens a file for reading. The caller closes it.
func (c *Client) Pull(ctx context.Context, path string) (*File, error) {
	f, err := c.read(ctx, []string{path})
	if err != nil {
		return nil, err
	}
	if err := f.open(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// PullFiles reads files in one request. It calls each with the content of one
// after the other, whose reader is of use during the call only; what each
// returns ends the transfer. Those that cannot be read are left out. It returns
// what became of each file, nil for one whose content was good: only the end of
// the transfer tells. Another error is about all of them.
func (c *Client) PullFiles(ctx context.Context, paths []string, each func(path string, content io.Reader) error) ([]error, error) {
	f, err := c.read(ctx, paths)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for left := paths; ; {
		part, name, filename, err := f.next()
		if err != nil {
			return nil, err
		}
		if name == "response" {
			return f.results(part)
		}
		i := slices.Index(left, filename)
		if i < 0 {
			return nil, protocolError("Pebble sent the content of %q, which was not asked for, or not then", filename)
		}
		left = left[i+1:]
		f.budget.unlimited()
		if err := each(filename, partReader{f, part}); err != nil {
			return nil, err
		}
	}
}

// partReader reads the content of one of several files.
type partReader struct {
	file *File
	part *multipart.Part
}

func (r partReader) Read(p []byte) (int, error) {
	n, err := r.part.Read(p)
	if err != nil && err != io.EOF {
		err = r.file.readError(err)
	}
	return n, err
}

// read asks for files.
func (c *Client) read(ctx context.Context, paths []string) (*File, error) {
	ctx, idle := newWatchdog(ctx, c.idleTimeout)
	r := request{method: http.MethodGet, path: "/v1/files", query: url.Values{"action": {"read"}, "path": paths}}
	resp, err := c.send(ctx, r, nil, http.Header{"Accept": {"multipart/form-data"}})
	if err != nil {
		idle.stop()
		return nil, err
	}
	f := &File{client: c, request: r, paths: paths, ctx: ctx, idle: idle, body: resp.Body}
	if err := f.begin(resp); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// begin looks at what the answer is.
func (f *File) begin(resp *http.Response) error {
	media, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if media != "multipart/form-data" {
		if _, err := f.client.readAnswer(f.ctx, f.request, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Body); err != nil {
			return err
		}
		return protocolError("Pebble's answer to GET /v1/files is of type %q, want \"multipart/form-data\"", media)
	}
	if params["boundary"] == "" {
		return protocolError("Pebble's answer to GET /v1/files has no boundary between its parts")
	}
	f.budget = &budgetReader{from: &progressReader{from: resp.Body, idle: f.idle}}
	f.parts = multipart.NewReader(f.budget, params["boundary"])
	return nil
}

// open goes to the content of the only file, or to the reason why there is
// none.
func (f *File) open() error {
	part, name, filename, err := f.next()
	if err != nil {
		return err
	}
	if name == "response" {
		if err := f.result(part); err != nil {
			return err
		}
		return protocolError("Pebble sent no content of %s and no reason why", f.paths[0])
	}
	if filename != f.paths[0] {
		return protocolError("Pebble sent the content of %q, want %q", filename, f.paths[0])
	}
	f.part = part
	f.budget.unlimited()
	return nil
}

// next goes to the next part and returns its name and filename.
func (f *File) next() (part *multipart.Part, name, filename string, err error) {
	f.budget.limit(maxAnswer)
	part, err = f.parts.NextRawPart()
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", "", protocolError("Pebble's answer to GET /v1/files ends without its result")
	}
	if err != nil {
		return nil, "", "", f.readError(err)
	}
	// Part.FileName would drop the directory.
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return nil, "", "", protocolError("Pebble's answer to GET /v1/files has a part whose header makes no sense")
	}
	name = params["name"]
	if name != "files" && name != "response" {
		return nil, "", "", protocolError("Pebble's answer to GET /v1/files has a part %q", name)
	}
	return part, name, params["filename"], nil
}

// results reads the daemon's verdict on each file from the last part.
func (f *File) results(part io.Reader) ([]error, error) {
	a, err := f.client.readAnswer(f.ctx, f.request, http.StatusOK, "application/json", part)
	if err != nil {
		return nil, err
	}
	var results []fileResult
	if err := a.decode(f.request, &results); err != nil {
		return nil, err
	}
	return pathResults(f.paths, results)
}

// result reads the daemon's verdict on the only file.
func (f *File) result(part io.Reader) error {
	failures, err := f.results(part)
	if err != nil {
		return err
	}
	return failures[0]
}

// Read reads content.
func (f *File) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.part.Read(p)
	if err == nil {
		return n, nil
	}
	f.err = f.readError(err)
	if err == io.EOF {
		f.err = f.finish()
	}
	return n, f.err
}

// finish returns io.EOF if the daemon says that this was all.
func (f *File) finish() error {
	part, name, filename, err := f.next()
	if err != nil {
		return err
	}
	if name != "response" {
		return protocolError("Pebble sent the content of a second file, %q", filename)
	}
	if err := f.result(part); err != nil {
		return err
	}
	return io.EOF
}

func (f *File) readError(err error) error {
	return f.client.transportError("read "+f.paths[0]+" from Pebble", contextCause(f.ctx, err))
}

// Close ends the transfer.
func (f *File) Close() error {
	f.idle.stop()
	if f.err == nil {
		f.err = errors.New("the file is closed")
	}
	return f.body.Close()
}
