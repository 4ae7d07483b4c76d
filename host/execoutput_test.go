package host_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// TestTooMuchOutput: output that is more than the hook may hold is a failure
// that says so, and never taken for output that is not there.
func TestTooMuchOutput(t *testing.T) {
	u := newUnit(t, `-- charmcraft.yaml --
name: web
type: charm
summary: x
description: x
containers: {web: {resource: image}}
resources: {image: {type: oci-image, description: x}}
-- src/charm.star --
def exec():
    return model.unit.get_container("web").exec(["dump"])

def by_lines(finish):
    process = exec()
    lines = [line for line in process.stdout]
    _, err = catch(finish(process))
    log.info("%d lines; %s: %s", len(lines), err.kind, err.message)

def on_start(event):
    by_lines(lambda process: process.wait)
    by_lines(lambda process: process.wait_output)
    _, err = catch(exec().wait_output)
    log.info("%s: %s", err.kind, err.message)

framework.observe(framework.on.start, on_start)
`)
	canConnect := true
	u.state.Containers = []*pebbletest.State{{Name: "web", CanConnect: &canConnect, Execs: []*pebbletest.Exec{
		{Stdout: "first\n" + strings.Repeat("a", 65<<20)},
	}}}
	o := u.event(modeltest.Event{Name: "start"})
	var logged []string
	for _, s := range o.Steps {
		if s.Via == "log" {
			logged = append(logged, s.Result)
		}
	}
	assert.Equal(t, []string{
		`1 lines; pebble.Error: a line of command "dump" is larger than 64 MiB`,
		`1 lines; pebble.Error: a line of command "dump" is larger than 64 MiB`,
		`pebble.Error: command "dump" wrote more than 64 MiB to stdout, which was not read, and was killed`,
	}, logged)
}
