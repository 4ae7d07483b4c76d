package check

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCheck checks a charm of 5,000 lines.
func BenchmarkCheck(b *testing.B) {
	const dir = "../../examples/k8s-2-configurable"
	files := map[string][]byte{}
	for _, name := range []string{"charmcraft.yaml", "src/charm.star", "src/workload.star"} {
		text, err := os.ReadFile(dir + "/" + name)
		require.NoError(b, err)
		files[name] = text
	}
	var script strings.Builder
	script.Write(files["src/charm.star"])
	for i := 0; strings.Count(script.String(), "\n") < 5000; i++ {
		fmt.Fprintf(&script, `
def step_%d(event):
    """Does a step."""
    config, err = catch(model.load_config, Config)
    if err:
        log.error("invalid options: %%s", err.message)
        return
    port = config.server_port
    service, err = catch(container.get_service, "fastapi")
    if err and err.matches(pebble.APIError, pebble.ConnectionError, model.ModelError):
        event.add_status(model.MaintenanceStatus("Waiting for Pebble in workload container"))
    elif err:
        throw(err)
    elif not service.is_running():
        model.unit.set_workload_version(get_version(port))
    event.add_status(model.ActiveStatus("%d steps" %% %d))

framework.observe(on.collect_unit_status, step_%d)
`, i, i, i, i)
	}
	files["src/charm.star"] = []byte(script.String())
	for b.Loop() {
		report, err := Charm(b.Context(), fsOf(files), Options{})
		require.NoError(b, err)
		require.Zero(b, report.Errors)
	}
}
