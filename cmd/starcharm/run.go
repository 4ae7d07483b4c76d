package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
)

// defaultState is the state file of a charm that run uses when none is given.
const defaultState = "tests/state.yaml"

func runCommand() *cobra.Command {
	var (
		s      subject
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "run EVENT",
		Short: "Run one event of a charm on a simulated Juju and Pebble, and show what happens",
		Long: `Run one event of a charm on a simulated Juju and Pebble, and show what happens:
every call in order, the log, and what is different afterwards. Nothing outside
the simulation is touched.

EVENT is a hook (config-changed, db-relation-joined, web-pebble-ready) or an
action (backup-action). The world before is that of --state, else that of
tests/state.yaml in the charm if there is one, else a fresh unit. Containers are
there and can be reached, and the relation of a relation event exists, unless
the state says otherwise.`,
		Example: `  starcharm run config-changed --set port=8080
  starcharm run db-relation-changed --charm examples/k8s-2-configurable
  starcharm run backup-action --param to=s3 --json`,
		Args: s.args("run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			env := environment()
			debugger := debugger(env)
			if asJSON {
				debugger = nil
			}
			charm, err := loadCharm(s.dir, debugger)
			if err != nil {
				found := host.Diagnose(err, host.SourceIn(s.dir))
				if asJSON {
					return show(cmd, &simulate.Outcome{Event: args[0], Steps: []simulate.Step{}, Changes: []simulate.Change{}, ExitCode: 1, Diagnostics: found}, asJSON)
				}
				for _, d := range found {
					fmt.Fprint(cmd.ErrOrStderr(), d.Render(isTerminal(os.Stderr)))
				}
				return exitCode(1)
			}
			hook, stateFile, err := s.hook(cmd, charm, args[0])
			if err != nil {
				return err
			}
			hook.DebugAt, hook.Debugger = model.ParseDebugAt(env), debugger
			outcome, err := hook.Run(cmd.Context())
			if err != nil {
				return inState(err, stateFile)
			}
			return show(cmd, outcome, asJSON)
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "show the outcome as JSON")
	return cmd
}

// show prints an outcome and exits as the hook did.
func show(cmd *cobra.Command, outcome *simulate.Outcome, asJSON bool) error {
	var text []byte
	if asJSON {
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(outcome); err != nil {
			return fmt.Errorf("cannot show the outcome: %w", err)
		}
		text = host.PrintableJSON(out.Bytes())
	} else {
		text = []byte(outcome.Render(isTerminal(os.Stdout)))
	}
	if _, err := cmd.OutOrStdout().Write(text); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "starcharm: cannot show the outcome: %s\n", host.Printable(err.Error()))
		return exitCode(1)
	}
	if outcome.ExitCode != 0 {
		return exitCode(outcome.ExitCode)
	}
	return nil
}

// loadCharm loads the charm in a directory, for a debugger if there is one.
func loadCharm(dir string, debugger *host.Debugger) (*host.Charm, error) {
	files, err := host.DirFS(dir)
	if err != nil {
		return nil, err
	}
	return debugger.Load(files)
}

// startingState reads the world before: that of the file, else that of
// tests/state.yaml in the charm; nil if there is neither. It returns which file.
func startingState(dir, file string) (*simulate.State, string, error) {
	if file == "" {
		file = filepath.Join(dir, filepath.FromSlash(defaultState))
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil
		}
	}
	state, err := simulate.ReadStateFile(file)
	return state, file, err
}

// subjectFlags are the flags that say what an event is about, and the events
// that are about such a thing.
var subjectFlags = [...]struct {
	name, events string
	fits         func(model.EventKind) bool
}{
	{"param", "an action", kinds(model.Action)},
	{"relation-id", "a relation event", model.EventKind.Relation},
	{"remote-unit", "relation-joined, relation-changed and relation-departed", kinds(model.RelationJoined, model.RelationChanged, model.RelationDeparted)},
	{"secret-id", "a secret event", kinds(model.SecretChanged, model.SecretRotate, model.SecretRemove, model.SecretExpired)},
	{"secret-revision", "secret-remove and secret-expired", kinds(model.SecretRemove, model.SecretExpired)},
	{"notice-id", "pebble-custom-notice", kinds(model.PebbleCustomNotice)},
	{"notice-key", "pebble-custom-notice", kinds(model.PebbleCustomNotice)},
	{"check", "pebble-check-failed and pebble-check-recovered", kinds(model.PebbleCheckFailed, model.PebbleCheckRecovered)},
}

func kinds(some ...model.EventKind) func(model.EventKind) bool {
	return func(k model.EventKind) bool { return slices.Contains(some, k) }
}

// checkSubject refuses flags about something that the event is not about.
func checkSubject(cmd *cobra.Command, meta *model.Metadata, e modeltest.Event, arg string) error {
	name := strings.ReplaceAll(e.Name, "-", "_")
	if e.Action {
		name += "_action"
	}
	def, ok := meta.Event(name)
	if !ok {
		return nil // an unknown event has its own error
	}
	flags := cmd.Flags()
	for _, flag := range subjectFlags {
		if flags.Changed(flag.name) && !flag.fits(def.Kind) {
			return fmt.Errorf("--%s goes with %s, not with %s", flag.name, flag.events, arg)
		}
	}
	if unit, err := flags.GetInt("remote-unit"); err == nil && flags.Changed("remote-unit") {
		switch {
		case unit < -1:
			return fmt.Errorf("--remote-unit %d: want the number of a unit, or -1 for the remote application", unit)
		case unit == -1 && def.Kind != model.RelationChanged:
			return fmt.Errorf("--remote-unit -1, the remote application, goes with relation-changed, not with %s", arg)
		}
	}
	if revision, err := flags.GetInt("secret-revision"); err == nil && flags.Changed("secret-revision") && revision < 1 {
		return fmt.Errorf("--secret-revision %d: revisions count from 1", revision)
	}
	return nil
}

// setOptions applies --set, each value read as the option's type says.
func setOptions(state *simulate.State, meta *model.Metadata, set []string) error {
	for _, kv := range set {
		key, text, ok := strings.Cut(kv, "=")
		if !ok {
			return fmt.Errorf("--set %s: want key=value", kv)
		}
		value, err := meta.ParseOption(key, text)
		if err != nil {
			return fmt.Errorf("--set %s: %w", kv, err)
		}
		if state.Juju.Config == nil {
			state.Juju.Config = map[string]any{}
		}
		state.Juju.Config[key] = value
	}
	return nil
}

// actionParams reads --param; values are YAML, so that 3 is a number, and dots
// in a key lead into objects.
func actionParams(params []string) (map[string]any, error) {
	values := map[string]any{}
	for _, kv := range params {
		key, text, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("--param %s: want key=value", kv)
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			return nil, fmt.Errorf("--param %s: %w", kv, err)
		}
		names := strings.Split(key, ".")
		if slices.Contains(names, "") {
			return nil, fmt.Errorf("--param %s: want key=value, or key.key=value for what is inside of an object", kv)
		}
		object, last := values, len(names)-1
		for i, name := range names[:last] {
			inner, isObject := object[name].(map[string]any)
			if _, given := object[name]; given && !isObject {
				return nil, fmt.Errorf("--param %s: %s has a value already, which is no object", kv, strings.Join(names[:i+1], "."))
			}
			if !isObject {
				inner = map[string]any{}
				object[name] = inner
			}
			object = inner
		}
		object[names[last]] = value
	}
	return values, nil
}

// isTerminal says whether colour is welcome.
func isTerminal(f *os.File) bool {
	if os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
