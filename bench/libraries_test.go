package bench

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// interfaces are ten interface libraries, with what charms load of them.
var interfaces = [][2]string{
	{"catalogue", "catalogue_requires"},
	{"data_interfaces", "database_requires"},
	{"grafana_dashboard", "grafana_dashboard_provides"},
	{"ingress", "ingress_requires"},
	{"loki_push_api", "loki_push_api_requires"},
	{"oauth", "oauth_requires"},
	{"prometheus_scrape", "prometheus_scrape_provides"},
	{"s3", "s3_requires"},
	{"tls_certificates", "tls_certificates_requires"},
	{"tracing", "tracing_requires"},
}

// BenchmarkLibraries is what loading one, three and ten interface libraries adds
// to a hook that does nothing.
func BenchmarkLibraries(b *testing.B) {
	p := built(b)
	plain := writeCharm(b, noopScript, p.starcharm)
	for _, n := range []int{1, 3, 10} {
		b.Run(fmt.Sprintf("interfaces=%d", n), func(b *testing.B) {
			var script strings.Builder
			for i := range n {
				library := interfaces[i*len(interfaces)/n]
				fmt.Fprintf(&script, "load(\"@std//interfaces/%s.star\", %q)\n", library[0], library[1])
			}
			dir := writeCharm(b, script.String()+noopScript, p.starcharm)
			with, without := newAgent(b, dir, 0), newAgent(b, plain, 0)
			compare(b,
				contestant{name: "libraries", run: process(filepath.Join(dir, "dispatch"), dir, with.environ())},
				contestant{name: "plain", run: process(filepath.Join(plain, "dispatch"), plain, without.environ())},
			)
		})
	}
}
