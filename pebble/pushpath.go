package pebble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
)

// PushSource is a file or directory to push.
type PushSource struct {
	// FS holds it, under Name.
	FS   fs.FS
	Name string
	// As is its name in the container; "" stands for a directory whose
	// contents are wanted without it.
	As string
	// Path is what to call it in failures.
	Path string
	// Err is why it cannot be read, if that is known already.
	Err error
}

// PushPath copies files and directories, with all that is in them, into the
// directory dest, which is made if it is not there. Permissions are those of
// the sources; everything belongs to o. A symbolic link to a file is copied as
// that file; one that leads to a directory or to nothing is a failure, as is
// what cannot be read or written. It goes on past failures and returns them
// together, as a [MultiPushPullError]. The paths that it returns are those of
// what is neither file nor directory: they are left out.
func (c *Client) PushPath(ctx context.Context, sources []PushSource, dest string, o Owner) (skipped []string, err error) {
	p := pushing{treeCopy: treeCopy{client: c, ctx: ctx}, owner: o}
	err = p.push(sources, dest)
	return p.skipped, p.end("push", err)
}

type pushing struct {
	treeCopy
	owner Owner
	// batch are small files to push together, and where they come from.
	batch      []PushFile
	origins    []string
	batchBytes int
}

func (p *pushing) push(sources []PushSource, dest string) error {
	err := p.client.MakeDir(p.ctx, dest, MakeDirOptions{MakeParents: true, Owner: p.owner})
	if err != nil {
		return err
	}
	for _, s := range sources {
		info, err := s.stat()
		switch {
		case err != nil:
			err = p.fail(s.Path, sourceFailure(s.Path, err))
		case info.IsDir() && s.As == "":
			err = p.contents(s, dest, 0)
		case s.As == "":
			err = p.fail(s.Path, localFailure(s.Path, "it is not a directory"))
		default:
			err = p.entry(s, path.Join(dest, s.As), info, 0)
		}
		if err != nil {
			return err
		}
	}
	return p.flush()
}

func (s PushSource) stat() (fs.FileInfo, error) {
	if s.Err != nil {
		return nil, s.Err
	}
	return fs.Stat(s.FS, s.Name)
}

// sourceFailure is the failure of reading a source.
func sourceFailure(at string, err error) error {
	e := &Error{Kind: PathError, PathKind: GenericFileError, Path: at, Message: err.Error(), Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.PathKind = NotFound
	case errors.Is(err, fs.ErrPermission):
		e.PathKind = PermissionDenied
	}
	return e
}

// entry pushes s, which info describes, to a path.
func (p *pushing) entry(s PushSource, to string, info fs.FileInfo, depth int) error {
	if ok, err := p.enter(s.Path, depth); !ok {
		return err
	}
	mode := int(info.Mode().Perm())
	switch {
	case info.IsDir():
		err := p.client.MakeDir(p.ctx, to, MakeDirOptions{MakeParents: true, Permissions: &mode, Owner: p.owner})
		if err != nil {
			return p.fail(s.Path, err)
		}
		return p.contents(s, to, depth)
	case info.Mode().IsRegular():
		return p.file(s, to, info.Size(), mode)
	}
	p.skipped = append(p.skipped, s.Path)
	return nil
}

// contents pushes what is in the directory s into another.
func (p *pushing) contents(s PushSource, to string, depth int) error {
	entries, err := fs.ReadDir(s.FS, s.Name)
	if err != nil {
		return p.fail(s.Path, sourceFailure(s.Path, err))
	}
	for _, entry := range entries {
		inner := PushSource{FS: s.FS, Name: path.Join(s.Name, entry.Name()), Path: path.Join(s.Path, entry.Name())}
		info, err := fs.Stat(s.FS, inner.Name)
		switch {
		case err != nil:
			err = p.fail(inner.Path, sourceFailure(inner.Path, err))
		case entry.Type()&fs.ModeSymlink != 0 && info.IsDir():
			err = p.fail(inner.Path, localFailure(inner.Path, "it is a link to a directory, which is not followed"))
		default:
			err = p.entry(inner, path.Join(to, entry.Name()), info, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pushing) file(s PushSource, to string, size int64, mode int) error {
	f, err := s.FS.Open(s.Name)
	if err != nil {
		return p.fail(s.Path, sourceFailure(s.Path, err))
	}
	defer f.Close()
	options := PushOptions{MakeDirs: true, Permissions: &mode, Owner: p.owner}
	if size > maxSmall {
		if err := p.client.Push(p.ctx, to, f, options); err != nil {
			return p.fail(s.Path, ownFailure(s.Path, err))
		}
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return p.fail(s.Path, sourceFailure(s.Path, err))
	}
	if len(content) > maxSmall {
		// It has grown since it was looked at.
		if err := p.client.Push(p.ctx, to, io.MultiReader(bytes.NewReader(content), f), options); err != nil {
			return p.fail(s.Path, ownFailure(s.Path, err))
		}
		return nil
	}
	if slices.ContainsFunc(p.batch, func(f PushFile) bool { return f.Path == to }) {
		// Two sources have the same name; the later one is to win.
		if err := p.flush(); err != nil {
			return err
		}
	}
	p.batch = append(p.batch, PushFile{Path: to, Content: bytes.NewReader(content), PushOptions: options})
	p.origins = append(p.origins, s.Path)
	p.batchBytes += len(content) + len(to)
	if len(p.batch) == maxBatch || p.batchBytes > maxBatchBytes {
		return p.flush()
	}
	return nil
}

// ownFailure is the failure of pushing, or of reading what was to be pushed.
func ownFailure(at string, err error) error {
	if IsKind(err, RootError) {
		return err
	}
	return sourceFailure(at, err)
}

// flush pushes the batch.
func (p *pushing) flush() error {
	if len(p.batch) == 0 {
		return nil
	}
	failures, err := p.client.PushFiles(p.ctx, p.batch)
	for i, origin := range p.origins {
		if err != nil {
			failures = append(failures, err)
		}
		if failures[i] != nil {
			if err := p.fail(origin, failures[i]); err != nil {
				return err
			}
		}
	}
	p.batch, p.origins, p.batchBytes = nil, nil, 0
	return nil
}
