package pebble

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
)

// PushOptions says how to write a file.
type PushOptions struct {
	// MakeDirs makes the directories above, with permissions 0o755 and the
	// same owner.
	MakeDirs bool
	// Permissions are 0 to 0o777, 0o644 by default.
	Permissions *int
	Owner
}

// Push writes what content holds to a file. The daemon writes it beside the
// file and renames, so that a reader sees the old content or the new; a
// symbolic link is replaced. Failures are of kind [PathError], but for a
// failure to read content, which is returned as it is, and writes nothing.
func (c *Client) Push(ctx context.Context, path string, content io.Reader, o PushOptions) error {
	if i := strings.IndexAny(path, "\r\n\x00"); i >= 0 {
		// The daemon cannot be told of such a path: a header cannot hold it.
		return &Error{
			Kind:     PathError,
			PathKind: GenericFileError,
			Path:     path,
			Message:  fmt.Sprintf("cannot write %q: a path with %q in it cannot be pushed", path, path[i]),
		}
	}
	type file struct {
		Path     string `json:"path"`
		MakeDirs bool   `json:"make-dirs,omitempty"`
		attributes
	}
	metadata, err := json.Marshal(map[string]any{
		"action": "write",
		"files":  []file{{Path: path, MakeDirs: o.MakeDirs, attributes: newAttributes(o.Permissions, o.Owner)}},
	})
	if err != nil {
		return fmt.Errorf("cannot encode the request to write %q: %w", path, err)
	}

	ctx, idle := newWatchdog(ctx, c.idleTimeout)
	defer idle.stop()
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	source := &sourceReader{from: content}
	written := make(chan struct{})
	go func() {
		defer close(written)
		w.CloseWithError(writeForm(form, path, metadata, source))
	}()
	stopForm := context.AfterFunc(ctx, func() { body.CloseWithError(context.Cause(ctx)) })
	defer stopForm()

	r := request{method: http.MethodPost, path: "/v1/files"}
	results, err := c.sendForm(ctx, r, idle, body, form.FormDataContentType())
	// The daemon may have answered before it read all of the form.
	body.CloseWithError(io.ErrClosedPipe)
	<-written
	if source.err != nil {
		return source.err
	}
	if err != nil {
		return err
	}
	return pathResult(path, results)
}

func (c *Client) sendForm(ctx context.Context, r request, idle *watchdog, form io.Reader, contentType string) ([]fileResult, error) {
	resp, err := c.send(ctx, r, &progressReader{from: form, idle: idle}, http.Header{"Content-Type": {contentType}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer := &progressReader{from: resp.Body, idle: idle}
	a, err := c.readAnswer(ctx, r, resp.StatusCode, resp.Header.Get("Content-Type"), answer)
	if err != nil {
		return nil, err
	}
	var results []fileResult
	return results, a.decode(r, &results)
}

func writeForm(form *multipart.Writer, path string, metadata []byte, content io.Reader) error {
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Type":        {"application/json"},
		"Content-Disposition": {`form-data; name="request"`},
	})
	if err != nil {
		return err
	}
	if _, err := part.Write(metadata); err != nil {
		return err
	}
	part, err = form.CreatePart(textproto.MIMEHeader{
		"Content-Type":        {"application/octet-stream"},
		"Content-Disposition": {`form-data; name="files"; filename="` + quoteFilename.Replace(path) + `"`},
	})
	if err != nil {
		return err
	}
	// A larger buffer than io.Copy's saves switches between goroutines.
	if _, err := io.CopyBuffer(part, content, make([]byte, 128<<10)); err != nil {
		return err
	}
	return form.Close()
}

var quoteFilename = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// sourceReader keeps the error that its reader ended with.
type sourceReader struct {
	from io.Reader
	err  error
}

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
