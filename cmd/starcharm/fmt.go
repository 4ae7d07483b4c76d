package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charmfmt"
)

// standardInput is the path of standard input on the command line.
const standardInput = "-"

func fmtCommand() *cobra.Command {
	var f formatter
	cmd := &cobra.Command{
		Use:   "fmt [PATH…]",
		Short: "Format .star files",
		Long: `Format .star files: those given, and those in the directories given, but for
hidden ones; without a path, those in the current directory. The names of the files
that were changed are shown. With -, standard input is formatted to standard output.

There are no settings. Lines are broken where they were broken before: a list
whose first item is on a line of its own has all of them on lines of their own.
Only layout, the quotes of strings and commas at the ends of lines are changed, and
a condition in a tuple without brackets gets some.

The exit code is 0 when all went well, 1 when --check found files to format, and
2 when a file could not be read or is no Starlark; the others are formatted.`,
		Example: `  starcharm fmt
  starcharm fmt --check --diff src tests
  starcharm fmt - < src/charm.star`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.cmd = cmd
			if len(args) == 0 {
				args = []string{"."}
			}
			return f.run(args)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "change nothing; show the names of the files that are not formatted, and exit with 1 if there are any")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "change nothing; show what would change")
	return cmd
}

// A formatter is one run of fmt.
type formatter struct {
	cmd           *cobra.Command
	check, diff   bool
	found, failed bool
}

func (f *formatter) run(args []string) error {
	if len(args) == 1 && args[0] == standardInput {
		text, formatted, err := charmfmt.ReadFrom("<stdin>", f.cmd.InOrStdin())
		if err == nil && !f.check && !f.diff {
			_, err = f.cmd.OutOrStdout().Write(formatted)
		} else if err == nil {
			err = f.report("<stdin>", text, formatted)
		}
		return f.end(err)
	}
	paths, err := charmfmt.Find(args)
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, formatted, err := charmfmt.Read(path)
		if err == nil {
			err = f.report(path, text, formatted)
		}
		f.tell(err)
	}
	return f.end(nil)
}

// report shows what is to say of a file, and writes it.
func (f *formatter) report(path string, text, formatted []byte) error {
	if bytes.Equal(text, formatted) {
		return nil
	}
	f.found = true
	if f.diff {
		shown := host.Printable(path)
		_, err := f.cmd.OutOrStdout().Write(diff.Diff(shown+".orig", text, shown, formatted))
		return err
	}
	if !f.check {
		if err := charmfmt.Write(path, text, formatted); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(f.cmd.OutOrStdout(), host.Printable(path))
	return err
}

// tell shows what went wrong with a file.
func (f *formatter) tell(err error) {
	if err == nil {
		return
	}
	f.failed = true
	var wrong *host.SourceError
	if !errors.As(err, &wrong) {
		fmt.Fprintf(f.cmd.ErrOrStderr(), "starcharm: %s\n", host.Printable(err.Error()))
		return
	}
	for _, d := range host.Diagnose(err, nil) {
		fmt.Fprint(f.cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
	}
}

func (f *formatter) end(err error) error {
	f.tell(err)
	switch {
	case f.failed:
		return exitCode(2)
	case f.check && f.found:
		return exitCode(1)
	}
	return nil
}
