package pebbletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/starcharm/starcharm/pebble"
)

// minBoundary is how long the daemon wants a boundary to be.
const minBoundary = 32

// fileResult is what became of one path.
type fileResult struct {
	Path  string     `json:"path"`
	Error *fileError `json:"error,omitempty"`
}

type fileError struct {
	Message string `json:"message"`
	Kind    string `json:"kind"`
}

func newFileResult(p string, err error) fileResult {
	r := fileResult{Path: p}
	if err != nil {
		r.Error = &fileError{Message: err.Error(), Kind: fileErrorKind(err)}
	}
	return r
}

func fileErrorKind(err error) string {
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return string(pebble.PermissionDenied)
	case errors.Is(err, syscall.ENOENT):
		return string(pebble.NotFound)
	default:
		return string(pebble.GenericFileError)
	}
}

func requireAbsolute(p string) error {
	if !path.IsAbs(p) {
		return fmt.Errorf("paths must be absolute, got %q", p)
	}
	return nil
}

// parsePermissions returns usual for "".
func parsePermissions(digits string, usual int) (int, error) {
	if digits == "" {
		return usual, nil
	}
	mode, err := strconv.ParseUint(digits, 8, 32)
	if err != nil || !regexp.MustCompile(`^[0-7]{3}$`).MatchString(digits) {
		return 0, fmt.Errorf("permissions must be a 3-digit octal string, got %q", digits)
	}
	return int(mode), nil
}

// readFiles handles GET /v1/files.
func (s *Server) readFiles(c *call) response {
	switch action := c.query.Get("action"); action {
	case "list":
		return s.listFiles(c)
	case "read":
	default:
		return badRequest(fmt.Errorf("invalid action %q", action))
	}
	paths := c.query["path"]
	c.summary = strings.Join(append([]string{"pull"}, paths...), " ")
	if len(paths) == 0 {
		return badRequest(errors.New("must specify one or more paths"))
	}
	if c.header.Get("Accept") != "multipart/form-data" {
		return badRequest(errors.New("must accept multipart/form-data"))
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	results := make([]fileResult, len(paths))
	for i, p := range paths {
		content, err := s.read(p)
		results[i] = newFileResult(p, err)
		if err == nil {
			writePart(form, `form-data; name="files"; filename="`+quote.Replace(p)+`"`, "application/octet-stream", content)
		}
	}
	writePart(form, `form-data; name="response"`, "application/json", string(result(results).body)+"\n")
	// Writing to a buffer does not fail.
	_ = form.Close()
	return response{code: http.StatusOK, contentType: form.FormDataContentType(), body: body.Bytes()}
}

var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "%0D", "\n", "%0A")

func writePart(form *multipart.Writer, disposition, contentType, content string) {
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {disposition},
		"Content-Type":        {contentType},
	})
	if err == nil {
		_, _ = io.WriteString(part, content)
	}
}

func (s *Server) read(p string) (string, error) {
	if err := requireAbsolute(p); err != nil {
		return "", err
	}
	_, n, err := s.files.lookup(p, true)
	if err != nil {
		return "", pathError("stat", p, err)
	}
	if n.kind != pebble.TypeFile {
		return "", fmt.Errorf("can only read a regular file: %q", p)
	}
	return n.content, nil
}

func (s *Server) listFiles(c *call) response {
	p, pattern := c.query.Get("path"), c.query.Get("pattern")
	c.summary = "list " + p
	itself := c.query.Get("itself")
	switch {
	case p == "":
		return badRequest(errors.New("must specify path"))
	case !path.IsAbs(p):
		return badRequest(fmt.Errorf("path must be absolute, got %q", p))
	case itself != "" && itself != "true" && itself != "false":
		return badRequest(errors.New(`itself parameter must be "true" or "false"`))
	}
	infos, err := s.list(p, pattern, itself == "true")
	if err != nil {
		code := map[string]int{"not-found": http.StatusNotFound, "permission-denied": http.StatusForbidden}[fileErrorKind(err)]
		if code == 0 {
			code = http.StatusBadRequest
		}
		return failed(code, fileErrorKind(err), err)
	}
	return result(infos)
}

func (s *Server) list(p, pattern string, itself bool) ([]*pebble.FileInfo, error) {
	place, n, err := s.files.lookup(p, true)
	if err != nil {
		return nil, pathError("stat", p, err)
	}
	dir, names := path.Dir(p), []string{path.Base(p)}
	nodes := []*node{n}
	if n.kind == pebble.TypeDirectory && !itself {
		dir, names, nodes = p, s.files.names(place), nil
		for _, name := range names {
			nodes = append(nodes, s.files.nodes[path.Join(place, name)])
		}
	}
	accounts := s.files.accounts()
	infos := []*pebble.FileInfo{}
	for i, name := range names {
		if pattern != "" {
			matched, err := path.Match(pattern, name)
			if err != nil {
				return nil, err
			}
			if !matched {
				continue
			}
		}
		infos = append(infos, describeNode(path.Join(dir, name), nodes[i], accounts))
	}
	return infos, nil
}

func describeNode(p string, n *node, accounts *accounts) *pebble.FileInfo {
	o := n.owner
	info := &pebble.FileInfo{
		Path:         p,
		Name:         path.Base(p),
		Type:         n.kind,
		Permissions:  fmt.Sprintf("%03o", n.mode),
		LastModified: n.modified.Truncate(time.Second),
		UserID:       &o.user,
		GroupID:      &o.group,
	}
	info.User, info.Group = accounts.names(o)
	if n.kind == pebble.TypeFile {
		size := int64(len(n.content))
		info.Size = &size
	}
	return info
}

// fileAction handles POST /v1/files.
func (s *Server) fileAction(c *call) response {
	contentType := c.header.Get("Content-Type")
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return badRequest(fmt.Errorf("invalid Content-Type %q", contentType))
	}
	switch media {
	case "multipart/form-data":
		if len(params["boundary"]) < minBoundary {
			return badRequest(fmt.Errorf("invalid boundary %q", params["boundary"]))
		}
		return s.writeFiles(c, params["boundary"])
	case "application/json":
	default:
		return badRequest(fmt.Errorf("invalid media type %q", media))
	}

	var body struct {
		Action string       `json:"action"`
		Dirs   []dirRequest `json:"dirs"`
		Paths  []struct {
			Path      string `json:"path"`
			Recursive bool   `json:"recursive"`
		} `json:"paths"`
	}
	if err := c.decode("request body", &body); err != nil {
		return badRequest(err)
	}
	results := []fileResult{}
	switch body.Action {
	case "make-dirs":
		c.summary = "make-dir"
		for _, dir := range body.Dirs {
			c.summary += " " + dir.Path
			results = append(results, newFileResult(dir.Path, s.makeDir(dir)))
		}
	case "remove":
		c.summary = "remove"
		for _, target := range body.Paths {
			c.summary += " " + target.Path
			results = append(results, newFileResult(target.Path, s.remove(target.Path, target.Recursive)))
		}
	case "write":
		return badRequest(errors.New(`must use multipart with "write" action`))
	default:
		return badRequest(fmt.Errorf("invalid action %q", body.Action))
	}
	return result(results)
}

// dirRequest describes a directory to make.
type dirRequest struct {
	Path        string `json:"path"`
	MakeParents bool   `json:"make-parents"`
	Permissions string `json:"permissions"`
	wanted
}

func (s *Server) makeDir(d dirRequest) error {
	if err := requireAbsolute(d.Path); err != nil {
		return err
	}
	mode, err := parsePermissions(d.Permissions, 0o755)
	if err != nil {
		return err
	}
	o, err := s.files.accounts().resolve(d.wanted)
	if err != nil {
		return err
	}
	return s.mkdir(path.Clean(d.Path), d.MakeParents, mode, o)
}

// mkdir makes the directory at a clean path.
func (s *Server) mkdir(p string, parents bool, mode int, o owner) error {
	if _, n, err := s.files.lookup(p, true); err == nil {
		switch {
		case n.kind != pebble.TypeDirectory:
			return pathError("mkdir", p, syscall.ENOTDIR)
		case !parents:
			return pathError("mkdir", p, syscall.EEXIST)
		}
		return nil
	}
	if parents && p != "/" {
		if err := s.mkdir(path.Dir(p), true, mode, o); err != nil {
			return err
		}
	}
	// The daemon makes the directory under another name first.
	temporary := p + ".mkdir-new"
	place, n, err := s.files.lookup(temporary, false)
	switch {
	case n != nil:
		return pathError("mkdir", temporary, syscall.EEXIST)
	case place == "":
		return pathError("mkdir", temporary, err)
	}
	place = strings.TrimSuffix(place, ".mkdir-new")
	if s.files.nodes[place] != nil {
		// A symbolic link that leads nowhere.
		return fmt.Errorf("rename %s %s: %w", temporary, p, syscall.ENOTDIR)
	}
	s.files.nodes[place] = &node{kind: pebble.TypeDirectory, mode: mode, owner: o, modified: s.now()}
	return nil
}

func (s *Server) remove(p string, recursive bool) error {
	if err := requireAbsolute(p); err != nil {
		return err
	}
	target := p
	if recursive {
		target = strings.TrimRight(p, "/")
	}
	place, n, err := s.files.lookup(target, false)
	switch {
	case recursive && errors.Is(err, syscall.ENOENT):
		return nil
	case err != nil && recursive:
		return pathError("unlinkat", p, err)
	case err != nil:
		return pathError("remove", p, err)
	case place == "/":
		return pathError("remove", p, syscall.EBUSY)
	case !recursive && n.kind == pebble.TypeDirectory && len(s.files.names(place)) > 0:
		return pathError("remove", p, syscall.ENOTEMPTY)
	}
	s.files.removeAll(place)
	return nil
}

// writeRequest describes a file to write.
type writeRequest struct {
	Path        string `json:"path"`
	MakeDirs    bool   `json:"make-dirs"`
	Permissions string `json:"permissions"`
	wanted
}

func (s *Server) writeFiles(c *call, boundary string) response {
	form := multipart.NewReader(bytes.NewReader(c.body), boundary)
	name, _, text, err := nextPart(form)
	switch {
	case err != nil:
		return badRequest(fmt.Errorf("cannot read request metadata: %w", err))
	case name != "request":
		return badRequest(fmt.Errorf("metadata field name must be \"request\", got %q", name))
	}
	var metadata struct {
		Action string         `json:"action"`
		Files  []writeRequest `json:"files"`
	}
	if err := json.NewDecoder(strings.NewReader(text)).Decode(&metadata); err != nil {
		return badRequest(fmt.Errorf("cannot decode request metadata: %w", err))
	}
	switch {
	case metadata.Action != "write":
		return badRequest(fmt.Errorf("multipart action must be \"write\", got %q", metadata.Action))
	case len(metadata.Files) == 0:
		return badRequest(errors.New("must specify one or more files"))
	}
	c.summary = "push"
	requests := map[string]writeRequest{}
	for _, f := range metadata.Files {
		c.summary += " " + f.Path
		requests[f.Path] = f
	}
	written := map[string]error{}
	for {
		name, filename, content, err := nextPart(form)
		if err == io.EOF {
			break
		}
		if err != nil {
			return badRequest(fmt.Errorf("cannot read file part: %w", err))
		}
		if name != "files" {
			return badRequest(fmt.Errorf("field name must be \"files\", got %q", name))
		}
		f, ok := requests[filename]
		if !ok {
			return badRequest(fmt.Errorf("no metadata for path %q", filename))
		}
		written[filename] = s.write(f, content)
	}
	results := []fileResult{}
	for _, f := range metadata.Files {
		err, ok := written[f.Path]
		if !ok {
			err = fmt.Errorf("no file content for path %q", f.Path)
		}
		results = append(results, newFileResult(f.Path, err))
	}
	return result(results)
}

// nextPart returns the name, filename and content of a form's next part.
func nextPart(form *multipart.Reader) (name, filename, content string, err error) {
	part, err := form.NextRawPart()
	if err != nil {
		return "", "", "", err
	}
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", "", "", err
	}
	data, err := io.ReadAll(part)
	return params["name"], params["filename"], string(data), err
}

func (s *Server) write(f writeRequest, content string) error {
	if err := requireAbsolute(f.Path); err != nil {
		return err
	}
	o, err := s.files.accounts().resolve(f.wanted)
	if err != nil {
		return err
	}
	dir, base := path.Split(f.Path)
	if base == "" {
		// The daemon puts its temporary file inside then.
		base = path.Base(f.Path)
	}
	if f.MakeDirs {
		if err := s.mkdir(path.Clean(dir), true, 0o755, o); err != nil {
			return fmt.Errorf("cannot create directory: %w", err)
		}
	}
	mode, err := parsePermissions(f.Permissions, 0o644)
	if err != nil {
		return err
	}
	switch {
	case strings.Contains(base, "*"):
		return fmt.Errorf("cannot create tempfile for filename containing '*': %q", base)
	case base == "/":
		return errors.New("createtemp /.*~: pattern contains path separator")
	}
	temporary := path.Join(dir, base) + ".1~"
	if place, n, err := s.files.lookup(temporary, false); n == nil && place == "" {
		return pathError("open", temporary, err)
	}
	place, n, err := s.files.lookup(f.Path, false)
	switch {
	case n != nil && n.kind == pebble.TypeDirectory:
		return fmt.Errorf("rename %s %s: %w", temporary, f.Path, syscall.EEXIST)
	case place == "":
		return fmt.Errorf("rename %s %s: %w", temporary, f.Path, err)
	}
	s.files.nodes[place] = &node{kind: pebble.TypeFile, content: content, mode: mode, owner: o, modified: s.now()}
	return nil
}
