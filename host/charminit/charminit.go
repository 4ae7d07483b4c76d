package charminit

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/model"
)

//go:embed all:templates
var templates embed.FS

// What the templates are named, and titled.
const (
	templateName  = "charm-template"
	templateTitle = "Charm template"
	common        = "common"
)

// Kinds are the kinds of charms there are, sorted.
func Kinds() []string { return []string{"k8s", "machine", "subordinate"} }

// Files are those of a new charm: their content by path.
func Files(name, kind string) (map[string][]byte, error) {
	if !model.ValidCharmName(name) {
		return nil, fmt.Errorf("%q cannot be the name of a charm; a name has %s", name, model.CharmNameRule)
	}
	if !slices.Contains(Kinds(), kind) {
		return nil, fmt.Errorf("there is no kind %q; there are %s", kind, strings.Join(Kinds(), ", "))
	}
	files := map[string][]byte{}
	for _, from := range []string{common, kind} {
		root := path.Join("templates", from)
		err := fs.WalkDir(templates, root, func(at string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(templates, at)
			text = bytes.ReplaceAll(text, []byte(templateTitle), []byte(title(name)))
			files[strings.TrimPrefix(at, root+"/")] = bytes.ReplaceAll(text, []byte(templateName), []byte(name))
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("cannot make the charm: %w", err)
		}
	}
	return files, nil
}

// title is a name as the title of a charm.
func title(name string) string {
	text := strings.ReplaceAll(name, "-", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// Create writes a new charm to a directory, which it makes if need be, and
// returns the paths of its files in there, sorted. It changes no file that is
// there already: the error names those that are in the way.
func Create(dir, name, kind string) ([]string, error) {
	files, err := Files(name, kind)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("cannot make the charm: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot make the charm: %w", err)
	}
	defer root.Close()
	var paths, inTheWay []string
	for at := range files {
		paths = append(paths, at)
		if _, err := root.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			inTheWay = append(inTheWay, filepath.Join(dir, at))
		}
	}
	slices.Sort(paths)
	if slices.Sort(inTheWay); len(inTheWay) > 0 {
		return nil, fmt.Errorf("cannot make the charm: there is %s already, and nothing is overwritten; name another directory with --dir", strings.Join(inTheWay, ", "))
	}
	for _, at := range paths {
		if err := create(root, at, files[at]); err != nil {
			return nil, fmt.Errorf("cannot make the charm: %w", err)
		}
	}
	return paths, nil
}

// create writes one file that is not there.
func create(root *os.Root, at string, text []byte) error {
	if err := root.MkdirAll(path.Dir(at), 0o777); err != nil {
		return err
	}
	file, err := root.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
