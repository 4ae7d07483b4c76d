package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
)

// build says what this program was made from, and what it works with.
type build struct {
	Version  string        `json:"version"`
	Revision string        `json:"revision,omitempty"`
	Modified bool          `json:"modified,omitempty"`
	Go       string        `json:"go"`
	Platform string        `json:"platform"`
	Starlark starlarkBuild `json:"starlark"`
	Juju     jujuVersions  `json:"juju"`
}

type starlarkBuild struct {
	Version string `json:"version"`
	// Dialect is what charms can use besides standard Starlark.
	Dialect []string `json:"dialect"`
}

type jujuVersions struct {
	Supported []string    `json:"supported"`
	Tools     []toolRange `json:"tools"`
}

// A toolRange says in which versions hook tools are that not all have.
type toolRange struct {
	Names []string `json:"names"`
	// Since is the first version that has them, Before the first that has not.
	Since  string `json:"since,omitempty"`
	Before string `json:"before,omitempty"`
}

func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Show the version, and those of Go, Starlark and Juju that go with it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := readBuild()
			if asJSON {
				return showJSON(cmd, b)
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), b.render())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func readBuild() build {
	b := build{
		Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Starlark: starlarkBuild{Dialect: dialect()}, Juju: jujuVersions{Supported: model.SupportedJuju()},
	}
	for _, g := range model.ToolGates() {
		tools := toolRange{Names: g.Tools}
		if g.Since != (model.Version{}) {
			tools.Since = g.Since.String()
		}
		if g.Until != (model.Version{}) {
			tools.Before = g.Until.String()
		}
		b.Juju.Tools = append(b.Juju.Tools, tools)
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path == "go.starlark.net" {
			b.Starlark.Version = dep.Version
		}
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// dialect names what the Starlark of charms has besides the standard one.
func dialect() []string {
	d := host.Dialect()
	var names []string
	for _, option := range []struct {
		name string
		on   bool
	}{
		{"sets", d.Set}, {"recursion", d.Recursion}, {"while", d.While}, {"top-level control", d.TopLevelControl},
		{"global reassignment", d.GlobalReassign}, {"loads bind globally", d.LoadBindsGlobally},
	} {
		if option.on {
			names = append(names, option.name)
		}
	}
	return names
}

func (b build) render() string {
	var out strings.Builder
	fmt.Fprintf(&out, "starcharm %s (%s, %s)\n", b.Version, b.Go, b.Platform)
	if b.Revision != "" {
		fmt.Fprintf(&out, "commit    %s", b.Revision)
		if b.Modified {
			out.WriteString(", modified")
		}
		out.WriteString("\n")
	}
	fmt.Fprintf(&out, "starlark  %s, with %s\n", b.Starlark.Version, strings.Join(b.Starlark.Dialect, " and "))
	fmt.Fprintf(&out, "juju      %s; not in all versions:\n", strings.Join(b.Juju.Supported, ", "))
	for _, t := range b.Juju.Tools {
		which := "since " + t.Since
		if t.Since == "" {
			which = "before " + t.Before
		}
		fmt.Fprintf(&out, "          %-13s %s\n", which, strings.Join(t.Names, ", "))
	}
	return out.String()
}
