package pebble

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// FileType is what a path names.
type FileType string

// The values of [FileInfo.Type].
const (
	TypeFile      FileType = "file"
	TypeDirectory FileType = "directory"
	TypeSymlink   FileType = "symlink"
	TypeSocket    FileType = "socket"
	TypeNamedPipe FileType = "named-pipe"
	TypeDevice    FileType = "device"
	TypeUnknown   FileType = "unknown"
)

// FileInfo describes a path.
type FileInfo struct {
	Path string   `json:"path"`
	Name string   `json:"name"`
	Type FileType `json:"type"`
	// Size is in bytes, nil for what is not a regular file.
	Size *int64 `json:"size,omitempty"`
	// Permissions are three octal digits: "644".
	Permissions string `json:"permissions"`
	// LastModified has whole seconds.
	LastModified time.Time `json:"last-modified"`
	// User and Group are "" where the ids have no names.
	UserID  *int   `json:"user-id"`
	User    string `json:"user"`
	GroupID *int   `json:"group-id"`
	Group   string `json:"group"`
}

// Mode returns the permission bits.
func (f *FileInfo) Mode() (int, error) {
	mode, err := strconv.ParseUint(f.Permissions, 8, 12)
	if err != nil {
		return 0, protocolError("Pebble gives %s the permissions %q, want up to 4 octal digits", f.Path, f.Permissions)
	}
	return int(mode), nil
}

// Owner says who owns what is made. A user must exist in the container, and
// user and id must fit each other where both are given; a group needs a user.
// The zero Owner is the daemon's own user.
type Owner struct {
	UserID  *int
	User    string
	GroupID *int
	Group   string
}

// attributes are the members that describe a new file on the wire.
type attributes struct {
	Permissions string `json:"permissions,omitempty"`
	UserID      *int   `json:"user-id,omitempty"`
	User        string `json:"user,omitempty"`
	GroupID     *int   `json:"group-id,omitempty"`
	Group       string `json:"group,omitempty"`
}

func newAttributes(permissions *int, o Owner) attributes {
	a := attributes{UserID: o.UserID, User: o.User, GroupID: o.GroupID, Group: o.Group}
	if permissions != nil {
		a.Permissions = fmt.Sprintf("%03o", *permissions)
	}
	return a
}

// ListFilesOptions says what of a directory to list.
type ListFilesOptions struct {
	// Pattern limits the names, with *, ? and [ ] as in a shell. "" does not.
	Pattern string
	// Itself describes the path rather than what is in it. A symbolic link is
	// followed.
	Itself bool
}

// ListFiles describes what is in a directory, sorted by name, or a file. A
// path that is not there is an [APIError] with code 404.
func (c *Client) ListFiles(ctx context.Context, path string, o ListFilesOptions) ([]*FileInfo, error) {
	query := url.Values{"action": {"list"}, "path": {path}}
	if o.Pattern != "" {
		query.Set("pattern", o.Pattern)
	}
	if o.Itself {
		query.Set("itself", "true")
	}
	var infos []*FileInfo
	if err := c.sync(ctx, request{method: http.MethodGet, path: "/v1/files", query: query}, &infos); err != nil {
		return nil, err
	}
	for _, info := range infos {
		if info == nil {
			return nil, protocolError("Pebble's answer to GET /v1/files lists nothing as a file")
		}
	}
	return infos, nil
}

// MakeDirOptions says how to make a directory.
type MakeDirOptions struct {
	// MakeParents makes the directories above too, with the same permissions
	// and owner, and takes a directory that is there already for success.
	MakeParents bool
	// Permissions are 0 to 0o777, 0o755 by default.
	Permissions *int
	Owner
}

// MakeDir makes a directory. Failures are of kind [PathError].
func (c *Client) MakeDir(ctx context.Context, path string, o MakeDirOptions) error {
	type dir struct {
		Path        string `json:"path"`
		MakeParents bool   `json:"make-parents,omitempty"`
		attributes
	}
	return c.fileAction(ctx, path, map[string]any{
		"action": "make-dirs",
		"dirs":   []dir{{Path: path, MakeParents: o.MakeParents, attributes: newAttributes(o.Permissions, o.Owner)}},
	})
}

// RemoveOptions says what to remove.
type RemoveOptions struct {
	// Recursive removes what is in a directory too, and takes a path that is
	// not there for success.
	Recursive bool
}

// RemovePath removes a file or directory. Failures are of kind [PathError].
func (c *Client) RemovePath(ctx context.Context, path string, o RemoveOptions) error {
	type target struct {
		Path      string `json:"path"`
		Recursive bool   `json:"recursive,omitempty"`
	}
	return c.fileAction(ctx, path, map[string]any{
		"action": "remove",
		"paths":  []target{{Path: path, Recursive: o.Recursive}},
	})
}

// fileResult is what the daemon says about each path of a request.
type fileResult struct {
	Path  string `json:"path"`
	Error *struct {
		Kind    PathKind `json:"kind"`
		Message string   `json:"message"`
	} `json:"error"`
}

func (c *Client) fileAction(ctx context.Context, path string, body any) error {
	r := request{method: http.MethodPost, path: "/v1/files", body: body, timeout: c.idleTimeout}
	var results []fileResult
	if err := c.sync(ctx, r, &results); err != nil {
		return err
	}
	return pathResult(path, results)
}

// pathResult returns the failure that results hold for the one path asked for.
func pathResult(path string, results []fileResult) error {
	failures, err := pathResults([]string{path}, results)
	if err != nil {
		return err
	}
	return failures[0]
}

// pathResults returns the failures that results hold for the paths asked for,
// nil for each that there is none for.
func pathResults(paths []string, results []fileResult) ([]error, error) {
	if len(results) != len(paths) {
		return nil, protocolError("Pebble answered for %d paths, want %d", len(results), len(paths))
	}
	failures := make([]error, len(paths))
	for i, path := range paths {
		if results[i].Path != path {
			return nil, protocolError("Pebble answered for path %q, want %q", results[i].Path, path)
		}
		if e := results[i].Error; e != nil {
			failures[i] = &Error{Kind: PathError, Message: e.Message, PathKind: e.Kind, Path: path}
		}
	}
	return failures, nil
}
