package charmpack

import (
	"fmt"
	"strings"

	"github.com/starcharm/starcharm/host"
)

// A CharmError is why a charm cannot be packed as it is. What it wraps is for
// [host.Diagnose].
type CharmError struct{ Err error }

func (e *CharmError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with the charm.
func (e *CharmError) Unwrap() error { return e.Err }

// Render writes what was packed: the members, if they are asked for, and the
// file.
func (p *Packed) Render(members bool) string {
	var out strings.Builder
	if members {
		for _, m := range p.Files {
			fmt.Fprintf(&out, "%s %10d %s\n", m.Mode, m.Size, host.Printable(m.Name))
		}
	}
	fmt.Fprintf(&out, "%s: %s for %s on %s, %d files", host.Printable(p.File), p.Name, p.Arch, strings.Join(p.Bases, ", "), len(p.Files))
	if p.SHA256 != "" {
		fmt.Fprintf(&out, ", %d bytes\nsha256 %s", p.Size, p.SHA256)
	}
	out.WriteString("\n")
	return out.String()
}
