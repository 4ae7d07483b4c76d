package pebble

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// PullTarget is a directory that [Client.PullPath] writes to. Names in it are
// as for io/fs: relative, with slashes, without "..".
type PullTarget interface {
	// Mkdir makes a directory, unless it is there.
	Mkdir(name string, perm fs.FileMode) error
	// WriteFile writes what content holds to a file, as a whole or, if content
	// ends in an error, which it returns, not at all.
	WriteFile(name string, content io.Reader, perm fs.FileMode) error
}

// PullPath copies files and directories, with all that is in them, into a
// directory. Of a source that ends in /* only the contents are copied.
// Permissions are those of the sources, but a directory is always of use to
// its owner. Links, failures and what is returned are as for
// [Client.PushPath]. Whatever the daemon says is in a directory, nothing is
// written but below target, under names that the sources and their contents
// have.
func (c *Client) PullPath(ctx context.Context, sources []string, target PullTarget) (skipped []string, err error) {
	p := pulling{treeCopy: treeCopy{client: c, ctx: ctx}, target: target}
	err = p.pull(sources)
	return p.skipped, p.end("pull", err)
}

type pulling struct {
	treeCopy
	target PullTarget
	// batch are small files to pull together.
	batch      []pulledFile
	batchBytes int64
	batchPaths int
}

// pulledFile is a file to copy to a name in the target.
type pulledFile struct {
	from, to string
	size     int64
	mode     fs.FileMode
}

func (p *pulling) pull(sources []string) error {
	for _, source := range sources {
		from, contents := strings.CutSuffix(source, "/*")
		from = path.Clean("/" + from)
		info, err := p.client.Stat(p.ctx, from)
		name := path.Base(from)
		switch {
		case err != nil:
			err = p.fail(source, err)
		case info == nil:
			err = p.fail(source, &Error{Kind: PathError, PathKind: NotFound, Path: from, Message: "there is no such file or directory in the container"})
		case info.Type == TypeDirectory && (contents || from == "/"):
			err = p.contents(from, ".", 0)
		case contents:
			err = p.fail(source, localFailure(from, "it is not a directory"))
		default:
			err = p.entry(from, name, info, 0)
		}
		if err != nil {
			return err
		}
	}
	return p.flush()
}

// entry copies what is at from, which info describes, to a name in the target.
func (p *pulling) entry(from, to string, info *FileInfo, depth int) error {
	if ok, err := p.enter(from, depth); !ok {
		return err
	}
	mode, err := info.Mode()
	if err != nil {
		return p.fail(from, localFailure(from, "%v", err))
	}
	switch info.Type {
	case TypeDirectory:
		if err := p.target.Mkdir(to, fs.FileMode(mode)|0o700); err != nil {
			return p.fail(from, sourceFailure(from, err))
		}
		return p.contents(from, to, depth)
	case TypeFile:
		file := pulledFile{from: from, to: to, mode: fs.FileMode(mode)}
		if info.Size != nil {
			file.size = *info.Size
		}
		return p.file(file)
	}
	p.skipped = append(p.skipped, from)
	return nil
}

// contents copies what is in a directory.
func (p *pulling) contents(from, to string, depth int) error {
	infos, err := p.client.ListFiles(p.ctx, from, ListFilesOptions{})
	if err != nil {
		return p.fail(from, err)
	}
	seen := map[string]bool{}
	for _, info := range infos {
		inner := path.Join(from, info.Name)
		switch {
		case info.Name == "" || info.Name == "." || info.Name == ".." || strings.ContainsAny(info.Name, "/\x00"):
			err = p.fail(from, localFailure(from, "Pebble lists %q in it, which is no name of a file", info.Name))
		case seen[info.Name]:
			err = p.fail(inner, localFailure(inner, "Pebble lists it twice"))
		case info.Type == TypeSymlink:
			err = p.link(inner, path.Join(to, info.Name), depth)
		default:
			err = p.entry(inner, path.Join(to, info.Name), info, depth+1)
		}
		if err != nil {
			return err
		}
		seen[info.Name] = true
	}
	return nil
}

// link copies the file that a symbolic link leads to.
func (p *pulling) link(from, to string, depth int) error {
	info, err := p.client.Stat(p.ctx, from)
	switch {
	case err != nil:
		return p.fail(from, err)
	case info == nil:
		return p.fail(from, &Error{Kind: PathError, PathKind: NotFound, Path: from, Message: "it is a link that leads to nothing"})
	case info.Type == TypeDirectory:
		return p.fail(from, localFailure(from, "it is a link to a directory, which is not followed"))
	}
	return p.entry(from, to, info, depth+1)
}

func (p *pulling) file(file pulledFile) error {
	if file.size > maxSmall {
		return p.large(file)
	}
	p.batch = append(p.batch, file)
	p.batchBytes += file.size
	p.batchPaths += len(file.from)
	if len(p.batch) == maxBatch || p.batchBytes > maxBatchBytes || p.batchPaths > maxBatchPaths {
		return p.flush()
	}
	return nil
}

// large copies a file by itself, in constant memory.
func (p *pulling) large(file pulledFile) error {
	f, err := p.client.Pull(p.ctx, file.from)
	if err != nil {
		return p.fail(file.from, err)
	}
	defer f.Close()
	bounded := &growthReader{from: f, path: file.from, left: file.size + maxGrowth}
	if err := p.target.WriteFile(file.to, bounded, file.mode); err != nil {
		return p.fail(file.from, ownFailure(file.from, err))
	}
	return nil
}

// maxGrowth is how much longer a file may be than it was when it was listed.
const maxGrowth = 64 << 20

// growthReader fails when a file goes on and on.
type growthReader struct {
	from io.Reader
	path string
	left int64
}

func (r *growthReader) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	if r.left -= int64(n); r.left < 0 {
		return 0, localFailure(r.path, "it grows while it is read")
	}
	return n, err
}

// errLarger ends the transfer of small files of which one is large after all.
var errLarger = errors.New("a file is larger than it was")

// flush pulls the batch.
func (p *pulling) flush() error {
	batch := p.batch
	p.batch, p.batchBytes, p.batchPaths = nil, 0, 0
	if len(batch) == 0 {
		return nil
	}
	paths := make([]string, len(batch))
	for i, file := range batch {
		paths[i] = file.from
	}
	contents := map[string][]byte{}
	failures, err := p.client.PullFiles(p.ctx, paths, func(from string, content io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(content, maxSmall+1))
		if err == nil && len(data) > maxSmall {
			err = errLarger
		}
		contents[from] = data
		return err
	})
	if errors.Is(err, errLarger) {
		for _, file := range batch {
			if err := p.large(file); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		failures = slices.Repeat([]error{err}, len(batch))
	}
	for i, file := range batch {
		err := failures[i]
		if err == nil {
			err = p.target.WriteFile(file.to, bytes.NewReader(contents[file.from]), file.mode)
			if err != nil {
				err = sourceFailure(file.from, err)
			}
		}
		if err != nil {
			if err := p.fail(file.from, err); err != nil {
				return err
			}
		}
	}
	return nil
}
