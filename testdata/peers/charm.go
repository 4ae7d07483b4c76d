package peers

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// CharmVerdict is what Juju's own readers say of a .charm file.
type CharmVerdict struct {
	// Juju36 and Juju41 are why they refuse it; empty when they do not. Not all
	// that Juju asks for is in its readers: some is in its controller.
	Juju36 string `json:"juju-3.6"`
	Juju41 string `json:"juju-4.1"`
	// Dropped are the members that Juju 3.6 leaves out, which packs a charm anew.
	Dropped []string `json:"dropped"`
	// Members are the files, and the directories that they are in.
	Members []string `json:"members"`
}

// ReadCharms gives .charm files to Juju's own readers.
func ReadCharms(t testing.TB, files ...string) []CharmVerdict {
	t.Helper()
	reader := exec.Command(filepath.Join(need(t, "charm", "."), "charm"), files...)
	var stderr bytes.Buffer
	reader.Stderr = &stderr
	output, err := reader.Output()
	if err != nil {
		t.Fatalf("cannot read the charms: %v\n%s", err, stderr.Bytes())
	}
	verdicts := make([]CharmVerdict, len(files))
	lines := json.NewDecoder(bytes.NewReader(output))
	for i := range verdicts {
		if err := lines.Decode(&verdicts[i]); err != nil {
			t.Fatalf("cannot read the verdict on %s: %v", files[i], err)
		}
	}
	return verdicts
}

// ActionParams are what a user gives to an action.
type ActionParams struct {
	Actions string         `json:"actions"` // actions.yaml
	Action  string         `json:"action"`
	Params  map[string]any `json:"params"`
}

// ActionOutcome is what the action gets then, or why it does not run.
type ActionOutcome struct {
	Params map[string]any `json:"params"`
	Error  string         `json:"error"`
}

// QueueVerdict is what becomes of [ActionParams] in each Juju.
type QueueVerdict struct {
	Juju36 ActionOutcome `json:"juju-3.6"`
	Juju41 ActionOutcome `json:"juju-4.1"`
}

// QueueActions checks what users give to actions with Juju's own code.
func QueueActions(t testing.TB, given ...ActionParams) []QueueVerdict {
	t.Helper()
	queue := exec.Command(filepath.Join(need(t, "charm", "."), "charm"), "params")
	var input, stderr bytes.Buffer
	for _, one := range given {
		if err := json.NewEncoder(&input).Encode(one); err != nil {
			t.Fatalf("cannot write %v: %v", one, err)
		}
	}
	queue.Stdin, queue.Stderr = &input, &stderr
	output, err := queue.Output()
	if err != nil {
		t.Fatalf("cannot queue the actions: %v\n%s", err, stderr.Bytes())
	}
	verdicts := make([]QueueVerdict, len(given))
	lines := json.NewDecoder(bytes.NewReader(output))
	for i := range verdicts {
		if err := lines.Decode(&verdicts[i]); err != nil {
			t.Fatalf("cannot read the verdict on %v: %v", given[i], err)
		}
	}
	return verdicts
}
