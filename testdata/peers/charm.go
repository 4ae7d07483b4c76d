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
