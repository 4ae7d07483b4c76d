package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/manual"
)

func stubsCommand() *cobra.Command {
	var charm, output string
	cmd := &cobra.Command{
		Use:   "stubs",
		Short: "Write what charms can use in the form that editors read",
		Long: `Write what charms can use, with the manual's texts, as Python's type stubs: the
form that language servers for Starlark read, such as starlark-lsp. The events
are those of the charm. Files that an earlier starcharm stubs wrote to the same
directory are replaced; a file of any other origin is left alone, and in the way.`,
		Example: `  starcharm stubs
  starlark-lsp start --builtin-paths .stubs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := manual.New()
			if err != nil {
				return err
			}
			if err := writeStubs(output, m.Stubs(charmAtHand(cmd))); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), host.Printable(output))
			return err
		},
	}
	cmd.Flags().StringVar(&charm, "charm", ".", "the charm's directory")
	cmd.Flags().StringVarP(&output, "output", "o", ".stubs", "the directory to write to")
	return cmd
}

// writeStubs makes the files of a directory those that are given, as far as they
// are stubs.
func writeStubs(dir string, files map[string]string) error {
	present, err := filepath.Glob(filepath.Join(dir, "*.py"))
	if err != nil {
		return fmt.Errorf("cannot write stubs to %s: %w", dir, err)
	}
	for _, path := range present {
		ours, err := isStub(path)
		if err != nil {
			return fmt.Errorf("cannot write stubs to %s: %w", dir, err)
		}
		_, wanted := files[filepath.Base(path)]
		switch {
		case !ours && wanted:
			return fmt.Errorf("cannot write stubs to %s: %s is there, and not of starcharm stubs; -o names another directory", dir, filepath.Base(path))
		case ours && !wanted:
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("cannot write stubs: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := renameio.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o666); err != nil {
			return fmt.Errorf("cannot write stubs: %w", err)
		}
	}
	return nil
}

// isStub says whether a file begins as those of starcharm stubs do.
func isStub(path string) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, len(manual.StubHeader))
	n, _ := f.Read(start) // what cannot be read is none
	return bytes.Equal(start[:n], []byte(manual.StubHeader)), nil
}
