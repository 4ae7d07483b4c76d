package charmtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
)

// A failure is an expectation that was not met, or a charm that failed.
type failure struct {
	message string
	// outcome is the run that it is about; nil: none.
	outcome *simulate.Outcome
	// charm is what was wrong in the charm, if that is what failed.
	charm []host.Diagnostic
	// cure is what to do.
	cure string
}

func (f *failure) Error() string { return f.message }

// charmFailed is the failure of a test whose charm failed and was not to.
func charmFailed(o *simulate.Outcome) *failure {
	message := fmt.Sprintf("the charm failed in %s", o.Event)
	if len(o.Diagnostics) == 0 {
		message += ": " + o.Err.Error()
	}
	return &failure{message: message, outcome: o, charm: o.Diagnostics}
}

// notDescribed is the failure of a test whose State lacks something that the
// charm wanted of its machine.
func notDescribed(o *simulate.Outcome, err *machine.UndescribedError) *failure {
	f := &failure{message: fmt.Sprintf("the State does not describe %s", err.What), outcome: o, charm: o.Diagnostics, cure: err.Cure}
	for _, s := range o.Steps {
		if s.Via == "process" && err.What == "the command "+s.What {
			f.cure = "add to the State: processes = [testing.Process(" + short(commandList(s.Args)) + ", stdout = …)]"
		}
		if method, url, ok := strings.Cut(s.What, " "); ok && s.Via == "http" && s.Failed {
			f.cure = fmt.Sprintf("add to the State: http = [testing.Route(%q, %q, json = …)]", method, url)
		}
	}
	// What the simulation says is for those who write a state file.
	f.charm = slices.Clone(f.charm)
	for i := range f.charm {
		f.charm[i].Message, f.charm[i].Suggestion = f.message, ""
	}
	f.message = o.Event + " ended there"
	return f
}

// maxTail is how many of a run's last calls and log lines a failure shows.
const maxTail = 12

// tail shows the last calls and log lines of a run.
func tail(o *simulate.Outcome) string {
	var lines []string
	for _, s := range o.Steps {
		switch {
		case s.Via == "log" && (s.What == "TRACE" || s.What == "DEBUG"):
		case s.Via == "log" && strings.Contains(s.Result, "\nTraceback"):
		case s.Via == "log":
			lines = append(lines, fmt.Sprintf("log: %s %s", s.What, short(s.Result)))
		default:
			line := callText(s)
			if s.Input != "" {
				line += " ← " + s.Input
			}
			if s.Failed {
				line += " ✗ " + s.Result
			}
			lines = append(lines, short(line))
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("%s on %s made no calls", o.Event, o.Unit)
	}
	text := fmt.Sprintf("%s on %s did", o.Event, o.Unit)
	if skipped := len(lines) - maxTail; skipped > 0 {
		lines = lines[skipped:]
		text += fmt.Sprintf(", after %d more,", skipped)
	}
	return text + "\n" + strings.Join(lines, "\n")
}

// maxShort is how much of a line is shown, in characters.
const maxShort = 140

func short(text string) string {
	text = strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", " ⏎ ")
	count := 0
	for i := range text {
		if count == maxShort {
			return text[:i] + "…"
		}
		count++
	}
	return text
}

// writer is the line of the charm that wrote what is at a path of the state,
// "src/charm.star:12", as far as its calls tell; "" if they do not.
func writer(o *simulate.Outcome, path string) string {
	fits := func(string, string) bool { return false }
	command := func(prefixes ...string) func(string, string) bool {
		return func(via, what string) bool {
			for _, p := range prefixes {
				if via == "juju" && (what == p || strings.HasPrefix(what, p+" ")) {
					return true
				}
			}
			return false
		}
	}
	head, rest, _ := strings.Cut(path, ".")
	kind, element, _ := strings.Cut(strings.TrimSuffix(head, "]"), "[")
	switch kind {
	case "unit_status", "app_status":
		fits = func(via, what string) bool {
			return via == "juju" && strings.HasPrefix(what, "status-set ") && strings.Contains(what, "--application=true") == (kind == "app_status")
		}
	case "workload_version":
		fits = command("application-version-set")
	case "opened_ports":
		fits = command("open-port", "close-port")
	case "secrets":
		fits = command("secret-add", "secret-set", "secret-grant", "secret-revoke", "secret-remove", "secret-get")
	case "relations":
		app := strings.HasPrefix(rest, "local_app_data")
		fits = func(via, what string) bool {
			return via == "juju" && strings.HasPrefix(what, "relation-set ") && strings.Contains(what+" ", " "+element+" ") &&
				strings.Contains(what, "--app") == app
		}
	case "containers":
		fits = func(via, what string) bool { return via == "pebble" && strings.HasPrefix(what, element+": ") }
		if field, _, _ := strings.Cut(rest, "."); field == "layers" {
			fits = func(via, what string) bool { return via == "pebble" && strings.HasPrefix(what, element+": add-layer ") }
		} else if file, ok := strings.CutPrefix(rest, "files."); ok {
			fits = func(via, what string) bool {
				at := strings.LastIndexByte(what, ' ')
				return via == "pebble" && strings.HasPrefix(what, element+": ") && strings.HasPrefix(file, what[at+1:])
			}
		}
	}
	for i := len(o.Steps) - 1; i >= 0; i-- {
		if s := o.Steps[i]; s.At.Line > 0 && fits(s.Via, s.What) {
			return fmt.Sprintf("%s:%d", s.At.Filename(), s.At.Line)
		}
	}
	return ""
}
