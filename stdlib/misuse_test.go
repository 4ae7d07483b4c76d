package stdlib_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmtest"
)

// TestMisuse: what an author gets wrong when a library of an interface is
// called ends the hook with a message that says what, and what is right.
func TestMisuse(t *testing.T) {
	const (
		tls  = "tls-certificates"
		psql = "postgresql_client"
	)
	for i, c := range []struct{ role, iface, library, call, then, want string }{
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", mode = "both")`, ``, `tls_certificates_requires: mode is "both", want "unit", "app" or "app_and_unit"`},
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", renewal_relative_time = 0.5)`, ``, `renewal_relative_time is 0.5, want more than 0.5 and at most 1`},
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", renewal_relative_time = 1.1)`, ``, `renewal_relative_time is 1.1, want more than 0.5 and at most 1`},
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", ["x"], "app_and_unit")`, `.publish()`, `certificate_requests is a list, want a dict of lists by "app" and "unit"`},
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", {"pod": []}, "app_and_unit")`, `.publish()`, `certificate_requests has the key "pod", want "app" and "unit"`},
		{"requires", tls, "tls_certificates", `tls_certificates_requires("e", private_key = "k")`, `.regenerate_private_key()`, `the private key is an argument of tls_certificates_requires; give another one there`},
		{"provides", tls, "tls_certificates", `tls_certificates_provides("e")`, `.set_error(None, 42, "no")`, `set_error: code is 42, want one of CertificateRequestErrorCode: [101, 102, 103, 201, 999]`},
		{"provides", tls, "tls_certificates", `tls_certificates_requires("e")`, ``, `this needs an endpoint with the interface tls-certificates under requires; "e" has tls-certificates under provides`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", version = "v2")`, ``, `e: version is "v2", want "v0" or "v1"`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", entity_type = "ROLE")`, ``, `e: entity_type is "ROLE", want "USER" or "GROUP"`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", entity_type = "USER", extra_group_roles = "a")`, ``, `e: an entity of the type USER has extra_user_roles`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", entity_type = "GROUP", extra_user_roles = "a")`, ``, `e: an entity of the type GROUP has extra_group_roles`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", entity_permissions = [{"a": 1}])`, ``, `e: one of entity_permissions has the keys a, want privileges, resource_name, resource_type`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", requested_entity_secret = "secret:a", requested_entity_name = "b")`, ``, `e: requested_entity_secret, and requested_entity_name or requested_entity_password, name the same: give one`},
		{"requires", psql, "data_interfaces", `database_requires("e", database_name = "d", requested_entity_password = "b")`, ``, `e: requested_entity_password needs requested_entity_name`},
		{"requires", "kafka_client", "data_interfaces", `kafka_requires("e", topic = "a*")`, `.publish()`, `e: topic is "a*", want three characters or more before its *`},
		{"requires", psql, "data_interfaces", `kafka_requires("e", topic = "names")`, ``, `this needs an endpoint with the interface kafka_client under requires; "e" has postgresql_client under requires`},
		{"requires", "ingress", "ingress", `ingress_requires("e", port = 80, ip = "host")`, `.publish()`, `ingress_requires: ip: "host" is no IP address`},
		{"requires", "nginx-route", "nginx_route", `nginx_route_requires("e", service_hostname = "h", service_port = 80, colour = "red")`, ``, `nginx_route_requires: there is no option colour, but additional_hostnames,`},
		{"requires", "nginx-route", "nginx_route", `nginx_route_requires("e", service_hostname = "h", service_port = 80, max_body_size = "20m")`, `.publish()`, `nginx_route_requires: max_body_size is a string, want int`},
		{"provides", "grafana_datasource", "grafana_source", `grafana_source_provides("e", source_type = "loki")`, ``, `grafana_source_provides: give a port, a url or an app_url`},
		{"requires", "cos_agent", "cos_agent", `cos_agent_requires("e", peers = "e")`, ``, `cos_agent_requires: the endpoint e is none of a peer relation`},
		{"provides", "cos_agent", "cos_agent", `cos_agent_provides("e", tracing_protocols = ["smoke"])`, `.publish()`, `cos_agent_provides: the protocol "smoke" is not known, want one of otlp_http`},
		{"provides", "cos_agent", "cos_agent", `cos_agent_provides("e")`, `.get_tracing_endpoint("zipkin")`, `get_tracing_endpoint: "zipkin" is not among the tracing_protocols that cos_agent_provides was given`},
		{"requires", "otlp", "otlp", `otlp_requires("e", protocols = ["udp"], telemetries = ["logs"])`, ``, `otlp: protocols has "udp", want one of`},
		{"provides", "otlp", "otlp", `otlp_provides("e", endpoints = [{"protocol": "http", "endpoint": "http://o", "telemetries": ["smoke"]}])`, `.publish()`, `otlp: endpoints: telemetries has "smoke", want one of`},
		{"requires", "tracing", "tracing", `tracing_requires("e", protocols = ["smoke"])`, ``, `tracing: the protocol "smoke" is not known, want one of zipkin`},
		{"requires", "oauth", "oauth", `oauth_requires("e", scope = "openid", grant_types = ["password"])`, `.publish()`, `oauth_requires: grant_types has "password", want one of`},
		{"requires", "traefik_route", "traefik_route", `traefik_route_requires("e", config = "text")`, `.publish()`, `traefik_route_requires: config is a string, want a dict`},
		{"provides", "prometheus_scrape", "prometheus_scrape", `prometheus_scrape_provides("e", jobs = [{"colour": "red"}])`, ``, `prometheus_scrape: jobs[0] has the key "colour"; a job may have`},
	} {
		t.Run(fmt.Sprintf("%02d %s", i, c.library), func(t *testing.T) {
			t.Parallel()
			function, _, _ := strings.Cut(c.call, "(")
			script := fmt.Sprintf("load(\"@std//interfaces/%s.star\", %q)\n\nx = %s\n\ndef on_start(event):\n    x%s\n\nframework.observe(framework.on.start, on_start)\n", c.library, function, c.call, c.then)
			dir := t.TempDir()
			for name, content := range map[string]string{
				"charmcraft.yaml":        fmt.Sprintf("name: example\n%s: {e: {interface: %s}}\n", c.role, c.iface),
				"src/charm.star":         script,
				"tests/misuse_test.star": fmt.Sprintf(misuseTest, c.want),
			} {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
			}
			suite, err := charmtest.Load(t.Context(), dir, charmtest.Options{Timeout: time.Minute, MaxSteps: 10_000_000, Jobs: 1})
			require.NoError(t, err)
			suite.Run(t.Context(), func(r *charmtest.Result) {
				assert.Equal(t, charmtest.Passed, r.Status, r.Render(false, true))
			})
		})
	}
}

const misuseTest = `
ctx = testing.Context()

def test_misuse(t):
    state = testing.State(leader = True, relations = [testing.Relation("e")])
    out = ctx.run(ctx.on.start(), state, error = True)
    expect.contains(out.error.message, %q)
`
