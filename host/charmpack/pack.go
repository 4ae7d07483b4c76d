package charmpack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
)

// Options say what to pack, and where to.
type Options struct {
	// Dir is the charm's directory.
	Dir string
	// Output is the file to write, or a directory for one named NAME_ARCH.charm;
	// that is what it is called, in the working directory, when this is empty.
	Output string
	// Runtime is the program that becomes dispatch; empty: this one.
	Runtime string
	// Arch is the architecture that the program must be for, by its name in
	// Debian; empty: any that the charm is for.
	Arch string
	// Version is that of starcharm, for the manifest.
	Version string
	// DryRun writes no file.
	DryRun bool
}

// A Packed is a .charm file.
type Packed struct {
	File   string   `json:"file"`
	Name   string   `json:"name"`
	Arch   string   `json:"arch"`
	Bases  []string `json:"bases"`
	Size   int64    `json:"size,omitempty"`   // in bytes
	SHA256 string   `json:"sha256,omitempty"` // in hexadecimal
	Files  []Member `json:"files"`            // sorted
}

// A Member is a file in a .charm.
type Member struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // in bytes, not compressed
	Mode string `json:"mode"` // "0644" or "0755"
}

// Pack packs a charm. The error of a charm that does not load, or that Juju
// would refuse, is a [*CharmError].
func Pack(ctx context.Context, o Options) (*Packed, error) {
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the charm: %w", err)
	}
	defer root.Close()
	charm, err := checked(o.Dir)
	if err != nil {
		return nil, err
	}
	files, err := model.ReadPackedFiles(root.FS())
	if err != nil {
		return nil, err
	}
	dispatch, err := openRuntime(o, files)
	if err != nil {
		return nil, err
	}
	defer dispatch.Close()
	p := &Packed{Name: charm.Metadata.Name, Arch: dispatch.arch, File: outputFile(o.Output, charm.Metadata.Name, dispatch.arch)}
	for _, base := range files.Bases {
		p.Bases = append(p.Bases, base.Name+"@"+base.Channel)
	}
	output, err := os.Stat(p.File)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot write the charm: %w", err)
	}
	sources, err := collect(root, func(info fs.FileInfo) bool { return output != nil && os.SameFile(info, output) })
	if err != nil {
		return nil, err
	}
	members, err := list(root, sources, files, dispatch, o.Version)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		p.Files = append(p.Files, Member{m.name, m.size, fmt.Sprintf("%04o", m.mode)})
	}
	if o.DryRun {
		return p, nil
	}
	return p, write(ctx, p, members)
}

// checked loads a charm that Juju takes.
func checked(dir string) (*host.Charm, error) {
	files, err := host.DirFS(dir)
	if err != nil {
		return nil, err
	}
	var wrong []error
	for _, e := range model.CheckMetadata(files) {
		wrong = append(wrong, e)
	}
	if len(wrong) > 0 {
		return nil, &CharmError{errors.Join(wrong...)}
	}
	charm, err := host.Load(files)
	if err != nil {
		return nil, &CharmError{err}
	}
	return charm, nil
}

// openRuntime opens the program, and makes sure that it is for where the charm is.
func openRuntime(o Options, files *model.PackedFiles) (*program, error) {
	path := o.Runtime
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("cannot find this program, to make it dispatch: %w", err)
		}
	}
	if o.Arch != "" && !slices.Contains(model.Architectures(), o.Arch) {
		return nil, fmt.Errorf("there is no architecture %s; there are %s", o.Arch, strings.Join(model.Architectures(), ", "))
	}
	if known := files.Architectures; o.Arch != "" && len(known) > 0 && !slices.Contains(known, o.Arch) {
		return nil, fmt.Errorf("the charm is for %s, not for %s; add it under platforms", strings.Join(known, ", "), o.Arch)
	}
	dispatch, err := openProgram(path)
	if err != nil {
		return nil, err
	}
	switch known := files.Architectures; {
	case o.Arch != "" && o.Arch != dispatch.arch:
		err = fmt.Errorf("cannot use %s as dispatch: it is for %s, not for %s; name another with --runtime", path, dispatch.arch, o.Arch)
	case len(known) > 0 && !slices.Contains(known, dispatch.arch):
		err = fmt.Errorf("cannot use %s as dispatch: it is for %s, and the charm for %s; name another with --runtime", path, dispatch.arch, strings.Join(known, ", "))
	}
	if err != nil {
		dispatch.Close()
		return nil, err
	}
	return dispatch, nil
}

func outputFile(output, name, arch string) string {
	file := name + "_" + arch + ".charm"
	if output == "" {
		return file
	}
	if info, err := os.Stat(output); err == nil && info.IsDir() || strings.HasSuffix(output, string(filepath.Separator)) {
		return filepath.Join(output, file)
	}
	return output
}

// A member is a file on its way into the archive.
type member struct {
	source
	open func() (io.Reader, func() error, error)
}

// list is what the archive holds, sorted by name.
func list(root *os.Root, sources []source, files *model.PackedFiles, dispatch *program, version string) ([]member, error) {
	manifest, err := files.Manifest(dispatch.arch, version)
	if err != nil {
		return nil, fmt.Errorf("cannot write the manifest: %w", err)
	}
	members := []member{{
		source{"dispatch", 0o755, dispatch.size},
		func() (io.Reader, func() error, error) {
			return io.NewSectionReader(dispatch, 0, dispatch.size), func() error { return nil }, nil
		},
	}}
	for name, content := range map[string][]byte{
		"metadata.yaml": files.Metadata, "config.yaml": files.Config, "actions.yaml": files.Actions, "manifest.yaml": manifest,
	} {
		if content == nil {
			continue
		}
		members = append(members, member{
			source{name, 0o644, int64(len(content))},
			func() (io.Reader, func() error, error) {
				return bytes.NewReader(content), func() error { return nil }, nil
			},
		})
	}
	for _, s := range sources {
		members = append(members, member{s, func() (io.Reader, func() error, error) {
			file, err := root.Open(s.name)
			if err != nil {
				return nil, nil, err
			}
			return file, file.Close, nil
		}})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return members, nil
}

// write makes the archive, as a whole or not at all.
func write(ctx context.Context, p *Packed, members []member) (err error) {
	out, err := renameio.NewPendingFile(p.File, renameio.WithPermissions(0o644))
	if err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	defer out.Cleanup()
	sum := sha256.New()
	archive := zip.NewWriter(io.MultiWriter(out, sum))
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, m := range members {
		if err := add(ctx, archive, m); err != nil {
			return fmt.Errorf("cannot pack %s: %w", m.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	if p.Size, err = out.Seek(0, io.SeekCurrent); err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	p.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := out.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	return nil
}

// epoch is the time of all files: the first that a zip can say.
func epoch() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

func add(ctx context.Context, archive *zip.Writer, m member) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	header := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: epoch()}
	header.SetMode(m.mode)
	w, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	r, done, err := m.open()
	if err != nil {
		return err
	}
	defer done()
	n, err := io.Copy(w, io.LimitReader(r, m.size+1))
	if err != nil {
		return err
	}
	if n != m.size {
		return errors.New("it changed while it was packed; pack again")
	}
	return nil
}
