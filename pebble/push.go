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

// PushFile is one of the files of [Client.PushFiles].
type PushFile struct {
	Path    string
	Content io.Reader
	PushOptions
}

// Push writes what content holds to a file. The daemon writes it beside the
// file and renames, so that a reader sees the old content or the new; a
// symbolic link is replaced. Failures are of kind [PathError], but for a
// failure to read content, which is returned as it is, and writes nothing.
func (c *Client) Push(ctx context.Context, path string, content io.Reader, o PushOptions) error {
	failures, err := c.PushFiles(ctx, []PushFile{{Path: path, Content: content, PushOptions: o}})
	if err != nil {
		return err
	}
	return failures[0]
}

// PushFiles writes files, each as [Client.Push] does, in one request. It
// returns what became of each file, nil for one that was written. Another error
// is about all of them; some may have been written then. No path may be there
// twice.
func (c *Client) PushFiles(ctx context.Context, files []PushFile) ([]error, error) {
	type file struct {
		Path     string `json:"path"`
		MakeDirs bool   `json:"make-dirs,omitempty"`
		attributes
	}
	failures := make([]error, len(files))
	var sent []int
	var described []file
	var paths []string
	for i, f := range files {
		if at := strings.IndexAny(f.Path, "\r\n\x00"); at >= 0 {
			// The daemon cannot be told of such a path: a header cannot hold it.
			failures[i] = &Error{
				Kind:     PathError,
				PathKind: GenericFileError,
				Path:     f.Path,
				Message:  fmt.Sprintf("cannot write %q: a path with %q in it cannot be pushed", f.Path, f.Path[at]),
			}
			continue
		}
		sent, paths = append(sent, i), append(paths, f.Path)
		described = append(described, file{Path: f.Path, MakeDirs: f.MakeDirs, attributes: newAttributes(f.Permissions, f.Owner)})
	}
	if len(sent) == 0 {
		return failures, nil
	}
	metadata, err := json.Marshal(map[string]any{"action": "write", "files": described})
	if err != nil {
		return nil, fmt.Errorf("cannot encode the request to write %q: %w", paths[0], err)
	}

	ctx, idle := newWatchdog(ctx, c.idleTimeout)
	defer idle.stop()
	body, w := io.Pipe()
	form := multipart.NewWriter(w)
	var sourceErr error
	written := make(chan struct{})
	go func() {
		defer close(written)
		err := writeMetadata(form, metadata)
		// A larger buffer than io.Copy's saves switches between goroutines.
		buffer := make([]byte, 128<<10)
		for _, i := range sent {
			source := &sourceReader{from: files[i].Content}
			if err == nil {
				err = writeFile(form, files[i].Path, source, buffer)
			}
			if source.err != nil {
				sourceErr = source.err
			}
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	stopForm := context.AfterFunc(ctx, func() { body.CloseWithError(context.Cause(ctx)) })
	defer stopForm()

	r := request{method: http.MethodPost, path: "/v1/files"}
	results, err := c.sendForm(ctx, r, idle, body, form.FormDataContentType())
	// The daemon may have answered before it read all of the form.
	body.CloseWithError(io.ErrClosedPipe)
	<-written
	if sourceErr != nil {
		return nil, sourceErr
	}
	if err != nil {
		return nil, err
	}
	verdicts, err := pathResults(paths, results)
	if err != nil {
		return nil, err
	}
	for i, verdict := range verdicts {
		failures[sent[i]] = verdict
	}
	return failures, nil
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

func writeMetadata(form *multipart.Writer, metadata []byte) error {
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Type":        {"application/json"},
		"Content-Disposition": {`form-data; name="request"`},
	})
	if err != nil {
		return err
	}
	_, err = part.Write(metadata)
	return err
}

func writeFile(form *multipart.Writer, path string, content io.Reader, buffer []byte) error {
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Type":        {"application/octet-stream"},
		"Content-Disposition": {`form-data; name="files"; filename="` + quoteFilename.Replace(path) + `"`},
	})
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(part, content, buffer)
	return err
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
