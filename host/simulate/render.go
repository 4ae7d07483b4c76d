package simulate

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model/modeltest"
)

// maxShown is how much of one value is shown, in characters.
const maxShown = 100

// maxLog is how much of one line of the log is shown, in characters.
const maxLog = 2000

// Render writes the outcome for a person: what was done in its order, the log
// in between, what came of it, and what is different now.
func (o *Outcome) Render(color bool) string {
	paint := host.Painter(color)
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s\n", paint(host.Bold, shown(o.Event)), shown(o.Unit))

	fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, "what it did"))
	if !slices.ContainsFunc(o.Steps, Step.visible) {
		fmt.Fprintf(&b, "  nothing\n")
	}
	for _, s := range o.Steps {
		switch {
		case !s.visible():
		case s.Via == "log":
			level := shown(s.What)
			code := host.Dim
			if level == "ERROR" {
				code = host.Red
			} else if level == "WARNING" {
				code = host.Amber
			}
			message := o.logMessage(s)
			fmt.Fprintf(&b, "  %s %s\n", paint(host.Dim, "log   "), paint(code, fmt.Sprintf("%-7s %s", level, message)))
		default:
			fmt.Fprintf(&b, "  %s %s", paint(host.Dim, fmt.Sprintf("%-6s", s.Via)), shown(s.What))
			if s.Input != "" {
				fmt.Fprintf(&b, " %s %s", paint(host.Dim, "←"), shown(s.Input))
			}
			if s.Result != "" {
				code := host.Dim
				if s.Failed {
					code = host.Red
				}
				fmt.Fprintf(&b, " %s %s", paint(host.Dim, "→"), paint(code, shown(s.Result)))
			}
			b.WriteByte('\n')
		}
	}

	if a := o.Action; a != nil {
		fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, "what its user is told"))
		for _, line := range a.Log {
			fmt.Fprintf(&b, "  log: %s\n", shown(line))
		}
		if a.Failed {
			fmt.Fprintf(&b, "  %s %s\n", paint(host.Red, "failed:"), shown(a.Message))
		}
		if len(a.Results) > 0 {
			text, err := yaml.Marshal(a.Results)
			if err != nil {
				text = []byte(fmt.Sprint(a.Results))
			}
			for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
				fmt.Fprintf(&b, "  %s\n", shown(line))
			}
		}
		for _, line := range strings.Split(strings.TrimRight(o.Stderr, "\n"), "\n") {
			if line != "" {
				fmt.Fprintf(&b, "  %s\n", shown(line))
			}
		}
	}

	fmt.Fprintf(&b, "\n%s\n", paint(host.Bold, "what changed"))
	for _, c := range o.Changes {
		fmt.Fprintf(&b, "  %s: ", shown(c.Path))
		switch {
		case c.Before == nil:
			fmt.Fprintf(&b, "%s\n", paint(host.Green, value(c.After)))
		case c.After == nil:
			fmt.Fprintf(&b, "%s → %s\n", value(c.Before), paint(host.Amber, "gone"))
		default:
			fmt.Fprintf(&b, "%s → %s\n", value(c.Before), paint(host.Green, value(c.After)))
		}
	}
	if len(o.Changes) == 0 {
		fmt.Fprintf(&b, "  nothing\n")
	}

	b.WriteByte('\n')
	for _, d := range o.Diagnostics {
		b.WriteString(d.Render(color))
	}
	switch {
	case o.ExitCode == 0 && o.Reboot == modeltest.RebootNow:
		fmt.Fprintf(&b, "%s\n", paint(host.Green, "exit 0: the machine would reboot and the hook run again; Juju keeps only what takes effect at once"))
	case o.ExitCode == 0 && o.Reboot == modeltest.RebootAfter:
		fmt.Fprintf(&b, "%s\n", paint(host.Green, "exit 0: Juju keeps all of it, and the machine would reboot"))
	case o.ExitCode == 0:
		fmt.Fprintf(&b, "%s\n", paint(host.Green, "exit 0: Juju keeps all of it"))
	default:
		fmt.Fprintf(&b, "%s\n", paint(host.Red, fmt.Sprintf("exit %d: the unit would be in error; Juju keeps only what takes effect at once", o.ExitCode)))
	}
	return b.String()
}

// visible says whether the step is shown to a person. A security event is for
// who watches the log, not for the author.
func (s Step) visible() bool { return s.Via != "log" || s.What != "TRACE" }

// logMessage is a log line's text; of the traceback, which is shown below as a
// diagnostic, only the first line.
func (o *Outcome) logMessage(s Step) string {
	first, rest, more := strings.Cut(s.Result, "\n")
	switch {
	case !more:
		return line(first, maxLog)
	case o.ExitCode != 0 && s.What == "ERROR" && strings.HasPrefix(rest, "Traceback"):
		return line(first, maxLog) + " (below)"
	}
	return line(strings.ReplaceAll(s.Result, "\n", " ⏎ "), maxLog)
}

// value is a plain value as it is shown.
func value(v any) string {
	if s, ok := v.(string); ok {
		if s != "" && s == strings.TrimSpace(s) && !strings.ContainsAny(s, "\n\t") && s == host.Printable(s) {
			return shown(s)
		}
		return shown(fmt.Sprintf("%q", s))
	}
	return shown(fmt.Sprint(v))
}

// shown is text on one line, without what could steer a terminal, and not
// longer than maxShown.
func shown(text string) string { return line(text, maxShown) }

// line is shown, with at most limit characters.
func line(text string, limit int) string {
	count := 0
	for i := range text {
		if count == limit {
			text = text[:i] + "…"
			break
		}
		count++
	}
	return strings.NewReplacer("\n", "⏎", "\t", " ").Replace(host.Printable(text))
}
