package charmtest

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// This file lists the kinds of components. Their fields are those of a state
// file, with the names of ops.testing where it has them.

// kinds are all kinds, in the manual's order. It is set once, because the
// methods of components look kinds up.
var kinds []*kind

func init() {
	kinds = []*kind{
		stateKind, relationKind, peerKind, containerKind, fileKind, execKind, checkInfoKind, noticeKind, logKind,
		secretKind, storageKind, resourceKind, portKind, networkKind, bindAddressKind, addressKind,
		modelKind, cloudSpecKind, cloudCredentialKind, routeKind, processKind, runningKind, hostFileKind, deferredKind,
	}
}

// kindOf is the kind of a struct; nil if it is no component.
func kindOf(v reflect.Value) *kind {
	if r, ok := v.Interface().(modeltest.Relation); ok && r.PeersData != nil {
		return peerKind
	}
	for _, k := range kinds {
		if k.typ == v.Type() {
			return k
		}
	}
	return nil
}

// kindNames are the names of the kinds whose struct is of that type.
func kindNames(t reflect.Type) string {
	var names []string
	for _, k := range kinds {
		if k.typ == t {
			names = append(names, "testing."+k.name)
		}
	}
	return strings.Join(names, " or ")
}

var stateKind = &kind{
	name: "State", typ: reflect.TypeFor[simulate.State](),
	doc: "The world before or after a hook. It does not change: replace(), put() and drop() give another one.",
	fields: []field{
		{name: "leader", sig: "bool = False", doc: "Whether the unit leads its application."},
		{name: "config", sig: "dict = {}", doc: "The options that are set. Those that are not have the metadata's defaults."},
		{name: "relations", sig: "list[Relation | PeerRelation] = []", doc: "The application's relations."},
		{name: "containers", sig: "list[Container] = []", doc: "The containers. One that the metadata has and that is not here cannot be connected to."},
		{name: "pebbles", sig: "dict[str, Container] = {}", doc: "The Pebbles that are not a container's, by the path of their socket."},
		{name: "secrets", sig: "list[Secret] = []", doc: "The secrets that the unit owns or may read."},
		{name: "storages", sig: "list[Storage] = []", doc: "The storage instances that are attached."},
		{name: "resources", sig: "list[Resource] = []", doc: "The resources that can be fetched."},
		{name: "opened_ports", sig: "list[Port] = []", doc: "The ports that are open."},
		{name: "networks", sig: "list[Network] = []", doc: "The networks of bindings. A binding that is not here has the usual one, 192.0.2.0."},
		{name: "model", sig: "Model = Model()", doc: "The Juju model."},
		{name: "planned_units", sig: "int = None", doc: "How many units the application shall have; None: this one and its peers."},
		{name: "unit_status", sig: "status = UnknownStatus()", doc: "The unit's status."},
		{name: "app_status", sig: "status = UnknownStatus()", doc: "The application's status."},
		{name: "workload_version", sig: "str = \"\"", doc: "The version of the workload."},
		{name: "deferred", sig: "list[DeferredEvent] = []", doc: "The deferred events, oldest first."},
		{name: "stored_state", sig: "dict = {}", doc: "The values that storedstate keeps, by object and name: {\"charm\": {\"runs\": 1}}."},
		{name: "stored", sig: "dict[str, str] = {}", doc: "What Juju keeps for the unit, by state-set."},
		{name: "storage_requests", sig: "dict[str, int] = {}", doc: "How many instances the charm has asked for, by storage."},
		{name: "leader_settings", sig: "dict[str, str] = {}", doc: "What leader-set keeps, before Juju 4."},
		{name: "payloads", sig: "dict[str, dict] = {}", doc: "The payloads by class."},
		{name: "pod_spec", sig: "str = \"\"", doc: "What pod-spec-set has set."},
		{name: "raw_pod_spec", sig: "str = \"\"", doc: "What k8s-raw-set has set."},
		{name: "config_digests", sig: "dict[str, str] = None", doc: "What event.changed_config compares with; None before the first config_changed. Take it from the state that a run left."},
		{name: "secret_removals", sig: "dict[str, list[int]] = {}", doc: "The revisions of secrets that the charm has asked Juju to remove, by secret. Take it from the state that a run left."},
		{name: "http", sig: "list[Route] = []", doc: "The HTTP requests that get an answer, and no others."},
		{name: "processes", sig: "list[Process] = []", doc: "The commands of the unit's own machine, or its charm container, and no others."},
		{name: "running", sig: "list[RunningProcess] = []", doc: "The processes that run on that machine when the hook begins, for process.is_running and process.signal."},
		{name: "host_files", sig: "dict[str, str | HostFile] = {}", doc: "The files of the unit's own machine, or its charm container, by absolute path: their content, or a HostFile."},
		{name: "environment", sig: "dict[str, str] = {}", doc: "Variables of the hook's environment, besides those that Juju sets, or instead: proxies, JUJU_API_ADDRESSES, PATH."},
		{name: "hostname", sig: "str = \"\"", doc: "The machine's own name; \"\": the unit's, with a dash."},
		{name: "fqdn", sig: "str = \"\"", doc: "The machine's name with its domain; \"\": in a pod the one that Kubernetes gives it, APP-N.APP-endpoints.MODEL.svc.cluster.local, elsewhere hostname."},
		{name: "hosts", sig: "dict[str, list[str]] = {}", doc: "The names that net.resolve finds, with their addresses, and no others; [] for a name that does not exist."},
		{name: "seed", sig: "int = 0", doc: "What chooses the random bytes that the charm gets, the same for each seed and unit. In the state after a run that took some it is the next one."},
		{name: "now", sig: "time.time = 2026-01-01", doc: "The time, which stands still but for what the charm sleeps."},
	},
	defaults: func(_ *session, v any) {
		s := v.(*simulate.State)
		s.Juju.UnitStatus.Name, s.Juju.AppStatus.Name = "unknown", "unknown"
		s.Machine.Now = machinetest.Epoch()
	},
	derived: stateTable,
}

var relationKind = &kind{
	name: "Relation", typ: reflect.TypeFor[modeltest.Relation](), positional: 2,
	doc: "A relation to another application. testing.SubordinateRelation(endpoint, remote_unit_data = …, remote_unit_id = 0) is one with a single unit.",
	fields: []field{
		{name: "endpoint", sig: "str", doc: "The charm's endpoint.", need: true},
		{name: "interface", sig: "str = None", doc: "The interface; by default the metadata's."},
		{name: "id", sig: "int", doc: "The id; by default one above the highest that was given or made in the test, from 1.", always: true},
		{name: "local_app_data", sig: "dict[str, str] = {}", doc: "The databag of this application."},
		{name: "local_unit_data", sig: "dict[str, str] = None", doc: "The databag of this unit; None: what Juju puts there, its addresses."},
		{name: "remote_app_name", key: "remote_app", sig: "str = \"remote\"", doc: "The other application."},
		{name: "remote_app_data", sig: "dict[str, str] = {}", doc: "Its databag."},
		{name: "remote_units_data", sig: "dict[int, dict[str, str]]", doc: "The databags of its units by number; by default unit 0, with its addresses."},
		{name: "remote_model_uuid", sig: "str = None", doc: "The other application's model; by default this one."},
		{name: "remote_endpoint", sig: "str = None", doc: "The other application's endpoint; by default of the same name."},
	},
	defaults: func(s *session, v any) {
		r := v.(*modeltest.Relation)
		r.ID = s.relations + 1
		r.RemoteApp = "remote"
		r.RemoteUnitsData = map[int]map[string]string{0: usualBag()}
	},
	made:  (*session).knowRelation,
	check: func(v any) error { return endpointNames.check(v.(*modeltest.Relation).Endpoint) },
	identity: func(v any) string {
		return fmt.Sprint(v.(*modeltest.Relation).ID)
	},
}

// knowRelation has the relations that get no id later step over that one's.
func (s *session) knowRelation(v any) {
	s.relations = max(s.relations, v.(*modeltest.Relation).ID)
}

// usualBag is what Juju puts into a unit's databag.
func usualBag() map[string]string {
	return map[string]string{"egress-subnets": "192.0.2.0/32", "ingress-address": "192.0.2.0", "private-address": "192.0.2.0"}
}

var peerKind = &kind{
	name: "PeerRelation", typ: reflect.TypeFor[modeltest.Relation](), positional: 2,
	doc: "The relation of an application's units to each other.",
	fields: []field{
		{name: "endpoint", sig: "str", doc: "The charm's endpoint.", need: true},
		{name: "interface", sig: "str = None", doc: "The interface; by default the metadata's."},
		{name: "id", sig: "int", doc: "The id; by default one above the highest that was given or made in the test, from 1.", always: true},
		{name: "local_app_data", sig: "dict[str, str] = {}", doc: "The databag of the application."},
		{name: "local_unit_data", sig: "dict[str, str] = None", doc: "The databag of this unit; None: what Juju puts there, its addresses."},
		{name: "peers_data", sig: "dict[int, dict[str, str]] = {}", doc: "The databags of the other units by number."},
	},
	defaults: func(s *session, v any) {
		r := v.(*modeltest.Relation)
		r.ID = s.relations + 1
		r.PeersData = map[int]map[string]string{}
	},
	made:     (*session).knowRelation,
	check:    relationKind.check,
	identity: relationKind.identity,
}

var containerKind = &kind{
	name: "Container", typ: reflect.TypeFor[pebbletest.State](), positional: 1,
	doc: "A workload container and the Pebble in it.",
	fields: []field{
		{name: "name", sig: "str", doc: "The container's name.", need: true},
		{name: "can_connect", sig: "bool = False", doc: "Whether its Pebble answers."},
		{name: "layers", sig: "dict[str, layer] = {}", doc: "The plan's layers by label, the lowest first: pebble.Layer(…), a dict or YAML."},
		{name: "service_statuses", sig: "dict[str, str] = {}", doc: "active, inactive, error or backoff by service. One that is not here is inactive."},
		{name: "started_services", sig: "dict[str, dict] = {}", doc: "The configuration that running services were started with, where the plan has another one by now."},
		{name: "failing_services", sig: "dict[str, int] = {}", doc: "The services whose command ends at once, with its exit code."},
		{name: "files", sig: "dict[str, str | File] = {}", doc: "The files by path: their content, or a File."},
		{name: "execs", sig: "list[Exec] = []", doc: "The commands that can be run."},
		{name: "check_infos", sig: "list[CheckInfo] = []", doc: "The states of checks. A check of the plan that is not here is up."},
		{name: "notices", sig: "list[Notice] = []", doc: "The notices that there are."},
		{name: "logs", sig: "list[Log] = []", doc: "The lines that services wrote, oldest first."},
		{name: "identities", sig: "dict[str, dict] = {}", doc: "The identities that its Pebble knows, by name, as Pebble writes them."},
	},
	defaults: func(_ *session, v any) { v.(*pebbletest.State).CanConnect = new(bool) },
	check: func(v any) error {
		if err := containerNames.check(v.(*pebbletest.State).Name); err != nil {
			return err
		}
		return v.(*pebbletest.State).Validate()
	},
	identity: func(v any) string { return v.(*pebbletest.State).Name },
	derived:  containerTable,
}

var fileKind = &kind{
	name: "File", typ: reflect.TypeFor[pebbletest.File](), positional: 1,
	doc: "A file of a container that has more to it than its content.",
	fields: []field{
		{name: "content", sig: "str = \"\"", doc: "What is in it."},
		{name: "kind", sig: "str = \"file\"", doc: "file, directory, symlink, socket, named-pipe, device or unknown."},
		{name: "target", sig: "str = \"\"", doc: "Where a symlink leads."},
		{name: "mode", sig: "int = None", doc: "The permissions, for instance 0o600; None: 0o644, for directories 0o755."},
		{name: "user", sig: "str = \"\"", doc: "The owner; \"\": root."},
		{name: "group", sig: "str = \"\"", doc: "The group; \"\": root."},
		{name: "user_id", sig: "int = None", doc: "The owner's number, where it has no name."},
		{name: "group_id", sig: "int = None", doc: "The group's number, where it has no name."},
	},
}

var execKind = &kind{
	name: "Exec", typ: reflect.TypeFor[pebbletest.Exec](), positional: 1,
	doc: "What a command does that is run in a container.",
	fields: []field{
		{name: "command_prefix", sig: "list[str]", doc: "How the command begins; the longest that fits counts, [] fits all. Several of one prefix have their turns in order, the last of them ever after.", need: true},
		{name: "exit_code", sig: "int = 0", doc: "How it ends."},
		{name: "stdout", binary: true, sig: "str | bytes = \"\"", doc: "What it writes."},
		{name: "stderr", binary: true, sig: "str | bytes = \"\"", doc: "What it writes to its standard error."},
		{name: "files", sig: "dict[str, str | File] = {}", doc: "The files that it writes, by path."},
		{name: "removes", sig: "list[str] = []", doc: "The files and directories that it removes."},
		{name: "hangs", sig: "bool = False", doc: "Whether it ends by a signal or its timeout only, after its output."},
		{name: "handler", key: "Handler", sig: "function = None", doc: "A function of the test that is the command: handler(call: ExecCall) -> (stdout, stderr, exit_code), or None for (\"\", \"\", 0). The fields above do not count then."},
	},
	identity: func(v any) string { return strings.Join(v.(*pebbletest.Exec).CommandPrefix, "\x00") },
}

var checkInfoKind = &kind{
	name: "CheckInfo", typ: reflect.TypeFor[pebbletest.CheckInfo](), positional: 1,
	doc: "The state of a check in a container's plan.",
	fields: []field{
		{name: "name", sig: "str", doc: "The check's name.", need: true},
		{name: "level", sig: "str = \"\"", doc: "alive, ready or \"\"."},
		{name: "startup", sig: "str = \"enabled\"", doc: "enabled or disabled."},
		{name: "status", sig: "str = \"up\"", doc: "up, down or inactive."},
		{name: "successes", sig: "int = None", doc: "How often it succeeded."},
		{name: "failures", sig: "int = 0", doc: "How often it failed in a row."},
		{name: "threshold", sig: "int = 3", doc: "After how many failures it is down."},
		{name: "change_id", sig: "str = \"\"", doc: "The change that runs it; \"\": the simulation's."},
	},
	defaults: func(_ *session, v any) {
		c := v.(*pebbletest.CheckInfo)
		c.Startup, c.Status, c.Threshold = "enabled", "up", 3
	},
	check: func(v any) error {
		c := v.(*pebbletest.CheckInfo)
		return cmp.Or(
			oneOf("level", string(c.Level), "", "alive", "ready"),
			oneOf("startup", string(c.Startup), "enabled", "disabled"),
			oneOf("status", string(c.Status), "up", "down", "inactive"),
		)
	},
	identity: func(v any) string { return v.(*pebbletest.CheckInfo).Name },
}

var noticeKind = &kind{
	name: "Notice", typ: reflect.TypeFor[pebbletest.Notice](), positional: 1,
	doc: "A notice in a container.",
	fields: []field{
		{name: "key", sig: "str", doc: "What it is about: example.com/backup-done.", need: true},
		{name: "id", sig: "str", doc: "Its id; by default they are counted from 1 in each test.", always: true},
		{name: "user_id", sig: "int = None", doc: "The user whose notice it is; None: everybody's."},
		{name: "type", sig: "str = \"custom\"", doc: "custom, or another type that Pebble knows."},
		{name: "first_occurred", sig: "time.time = None", doc: "When it occurred first; None: now."},
		{name: "last_occurred", sig: "time.time = None", doc: "When it occurred last; None: now."},
		{name: "last_repeated", sig: "time.time = None", doc: "When it was repeated last; None: now."},
		{name: "occurrences", sig: "int = 1", doc: "How often it occurred."},
		{name: "last_data", sig: "dict[str, str] = {}", doc: "What came with it."},
		{name: "repeat_after", sig: "time.duration = 0s", doc: "How long after it is repeated."},
		{name: "expire_after", sig: "time.duration = 0s", doc: "When it expires; 0: after 7 days."},
	},
	defaults: func(s *session, v any) {
		n := v.(*pebbletest.Notice)
		n.ID, n.Type, n.Occurrences = fmt.Sprint(s.next(&s.notices)), "custom", 1
	},
	identity: func(v any) string { return v.(*pebbletest.Notice).ID },
}

var logKind = &kind{
	name: "Log", typ: reflect.TypeFor[pebbletest.Log](), positional: 2,
	doc: "A line that a service of a container wrote.",
	fields: []field{
		{name: "service", sig: "str", doc: "The service.", need: true},
		{name: "message", sig: "str", doc: "The line.", need: true},
		{name: "time", sig: "time.time = None", doc: "When; None: now."},
	},
}

var secretKind = &kind{
	name: "Secret", typ: reflect.TypeFor[modeltest.Secret](), positional: 1,
	doc: "A secret that the unit owns or may read.",
	fields: []field{
		{name: "tracked_content", sig: "dict[str, str]", doc: "The revision that this unit sees; None: it has not read the secret yet.", need: true},
		{name: "latest_content", sig: "dict[str, str] = tracked_content", usual: "tracked_content", doc: "The newest revision."},
		{name: "id", sig: "str", doc: "secret: and 20 characters; by default they are counted in each test.", always: true},
		{name: "owner", sig: "str = \"\"", doc: "unit or app if it is this one's; \"\": somebody else's."},
		{name: "denied", sig: "bool = False", doc: "Whether this unit may not read somebody else's secret: it was not granted, or was taken back."},
		{name: "label", sig: "str = \"\"", doc: "The owner's, or else the reader's, name for it."},
		{name: "description", sig: "str = \"\"", doc: "What it is for."},
		{name: "rotate", sig: "str = \"\"", doc: "never, hourly, daily, weekly, monthly, quarterly or yearly."},
		{name: "next_rotate", sig: "time.time = None", doc: "When it rotates next."},
		{name: "expire", sig: "time.time = None", doc: "When it expires."},
		{name: "remote_grants", sig: "dict[int, list[str]] = {}", doc: "Which applications and units may read it, by relation id."},
		{name: "tracked_revision", sig: "int = 0", doc: "The number of the tracked revision; 0: 1."},
		{name: "latest_revision", sig: "int = 0", doc: "The number of the newest revision; 0: the tracked one's, or the next if the contents differ."},
		{name: "removed_revisions", sig: "list[int] = []", doc: "The revisions that the charm removed."},
	},
	defaults: func(s *session, v any) {
		v.(*modeltest.Secret).ID = fmt.Sprintf("secret:%019d0", s.next(&s.secrets))
	},
	identity: func(v any) string { return v.(*modeltest.Secret).ID },
}

var storageKind = &kind{
	name: "Storage", typ: reflect.TypeFor[modeltest.Storage](), positional: 1,
	doc: "A storage instance that is attached.",
	fields: []field{
		{name: "name", sig: "str", doc: "The storage's name in the metadata.", need: true},
		{name: "index", sig: "int = 0", doc: "The instance's number."},
		{name: "location", sig: "str = None", doc: "Where it is mounted; by default the metadata's, or /var/lib/juju/storage/NAME/INDEX."},
	},
	check: func(v any) error { return storageNames.check(v.(*modeltest.Storage).Name) },
	identity: func(v any) string {
		s := v.(*modeltest.Storage)
		return fmt.Sprintf("%s/%d", s.Name, s.Index)
	},
}

var resourceKind = &kind{
	name: "Resource", typ: reflect.TypeFor[modeltest.Resource](), positional: 2,
	doc: "A resource that can be fetched.",
	fields: []field{
		{name: "name", sig: "str", doc: "The resource's name in the metadata.", need: true},
		{name: "path", sig: "str", doc: "Where the file is.", need: true},
	},
	identity: func(v any) string { return v.(*modeltest.Resource).Name },
}

var portKind = &kind{
	name: "Port", typ: reflect.TypeFor[modeltest.Port](), positional: 2,
	doc: "A range of opened ports. testing.TCPPort(80), UDPPort(53) and ICMPPort() are short for it.",
	fields: []field{
		{name: "protocol", sig: "str", doc: "tcp, udp or icmp.", need: true},
		{name: "port", sig: "int = 0", doc: "The number, 1 to 65535; 0 for icmp."},
		{name: "to_port", sig: "int = port", doc: "The last of a range."},
		{name: "endpoint", sig: "str = \"\"", doc: "The endpoint that it is open for; \"\": all."},
	},
	check: func(v any) error {
		p := v.(*modeltest.Port)
		p.ToPort = cmp.Or(p.ToPort, p.Port)
		switch {
		case p.Protocol == "icmp" && p.Port != 0:
			return errors.New("icmp has no ports")
		case p.Protocol != "icmp" && p.Protocol != "tcp" && p.Protocol != "udp":
			return fmt.Errorf("protocol %q is none of tcp, udp, icmp", p.Protocol)
		case p.Protocol != "icmp" && (p.Port < 1 || p.ToPort > 65535 || p.ToPort < p.Port):
			return fmt.Errorf("%d-%d is no range of ports from 1 to 65535", p.Port, p.ToPort)
		}
		return nil
	},
	identity: func(v any) string {
		p := v.(*modeltest.Port)
		return fmt.Sprintf("%s %d-%d %s", p.Protocol, p.Port, p.ToPort, p.Endpoint)
	},
}

var networkKind = &kind{
	name: "Network", typ: reflect.TypeFor[modeltest.Network](), positional: 2,
	doc: "What Juju tells of a binding's network.",
	fields: []field{
		{name: "binding_name", key: "binding", sig: "str", doc: "The endpoint or extra binding.", need: true},
		{name: "bind_addresses", sig: "list[BindAddress] = None", doc: "The interfaces; None: one with 192.0.2.0."},
		{name: "ingress_addresses", sig: "list[str] = None", doc: "The addresses to be reached at; None: 192.0.2.0."},
		{name: "egress_subnets", sig: "list[str] = None", doc: "The subnets that traffic comes from; None: 192.0.2.0/24."},
	},
	identity: func(v any) string { return v.(*modeltest.Network).Binding },
}

var bindAddressKind = &kind{
	name: "BindAddress", typ: reflect.TypeFor[modeltest.BindAddress](), positional: 1,
	doc: "An interface with its addresses.",
	fields: []field{
		{name: "addresses", sig: "list[Address]", doc: "The addresses.", need: true},
		{name: "interface_name", sig: "str = \"\"", doc: "The interface's name."},
		{name: "mac_address", sig: "str = \"\"", doc: "Its hardware address."},
	},
}

var addressKind = &kind{
	name: "Address", typ: reflect.TypeFor[modeltest.Address](), positional: 1,
	doc: "One address of an interface.",
	fields: []field{
		{name: "value", sig: "str", doc: "The address.", need: true},
		{name: "hostname", sig: "str = \"\"", doc: "Its name."},
		{name: "cidr", sig: "str = \"\"", doc: "Its subnet."},
	},
}

var modelKind = &kind{
	name: "Model", typ: reflect.TypeFor[modeltest.Model](), positional: 1,
	doc: "The Juju model that the unit is in.",
	fields: []field{
		{name: "name", sig: "str = \"model\"", doc: "Its name."},
		{name: "uuid", sig: "str", doc: "Its UUID; the same one by default in all tests."},
		{name: "type", sig: "str", doc: "kubernetes, or a machine cloud's such as lxd; by default what suits the charm."},
		{name: "cloud_spec", sig: "CloudSpec = None", doc: "The cloud, which an application that is trusted may ask for."},
	},
}

var cloudSpecKind = &kind{
	name: "CloudSpec", typ: reflect.TypeFor[modeltest.CloudSpec](), positional: 1,
	doc: "A cloud and the credential for it.",
	fields: []field{
		{name: "type", sig: "str", doc: "The cloud's type, for instance lxd.", need: true},
		{name: "name", sig: "str = \"localhost\"", doc: "Its name."},
		{name: "region", sig: "str = \"\"", doc: "Its region."},
		{name: "endpoint", sig: "str = \"\"", doc: "Its API."},
		{name: "identity_endpoint", sig: "str = \"\"", doc: "Its identity API."},
		{name: "storage_endpoint", sig: "str = \"\"", doc: "Its storage API."},
		{name: "credential", sig: "CloudCredential = None", doc: "The credential."},
		{name: "ca_certificates", sig: "list[str] = []", doc: "Its certificate authorities."},
		{name: "skip_tls_verify", sig: "bool = False", doc: "Whether its certificates are not checked."},
		{name: "is_controller_cloud", sig: "bool = False", doc: "Whether the controller is in it."},
	},
	defaults: func(_ *session, v any) { v.(*modeltest.CloudSpec).Name = "localhost" },
}

var cloudCredentialKind = &kind{
	name: "CloudCredential", typ: reflect.TypeFor[modeltest.CloudCredential](), positional: 1,
	doc: "A credential for a cloud.",
	fields: []field{
		{name: "auth_type", sig: "str", doc: "How it authenticates.", need: true},
		{name: "attributes", sig: "dict[str, str] = {}", doc: "What it needs for that."},
		{name: "redacted", sig: "list[str] = []", doc: "The attributes that are not told."},
	},
}

var routeKind = &kind{
	name: "Route", typ: reflect.TypeFor[machinetest.Route](), positional: 2,
	doc: "An HTTP request that gets an answer. Routes of one method and URL answer one after the other, the last of them ever after.",
	fields: []field{
		{name: "method", sig: "str", doc: "GET, POST and so on.", need: true},
		{name: "url", sig: "str", doc: "The address; without a query it stands for any query.", need: true},
		{name: "status", sig: "int = 200", doc: "The answer's status."},
		{name: "text", sig: "str = \"\"", doc: "The answer's body."},
		{name: "json", sig: "any = None", doc: "The answer's body as plain data, instead."},
		{name: "headers", sig: "dict[str, str] = {}", doc: "The answer's headers."},
		{name: "client_cert", sig: "str = \"\"", doc: "The certificate, as PEM text, that the charm has to show (http.get(…, cert =, key =)), or else the request fails; \"\": none."},
		{name: "error", sig: "str = \"\"", doc: "refused (nobody listens) or timeout (nobody answers within the charm's timeout): the request fails."},
	},
	defaults: func(_ *session, v any) { v.(*machinetest.Route).Status = 200 },
	check: func(v any) error {
		_, err := machinetest.New(machinetest.State{HTTP: []machinetest.Route{*v.(*machinetest.Route)}})
		return err
	},
	identity: func(v any) string {
		r := v.(*machinetest.Route)
		return strings.ToUpper(r.Method) + " " + r.URL
	},
}

var hostFileKind = &kind{
	name: "HostFile", typ: reflect.TypeFor[machinetest.File](), positional: 1,
	doc: "A file of the unit's machine that has more to it than its content.",
	fields: []field{
		{name: "content", sig: "str = \"\"", doc: "What is in it."},
		{name: "mode", sig: "int = None", doc: "The permissions, for instance 0o600 or 0o2770; None: 0o644, for directories 0o755."},
		{name: "owner", sig: "str = \"\"", doc: "The user that it belongs to, by name or number; \"\": root. Every name is a user's, unless host_files has an /etc/passwd."},
		{name: "group", sig: "str = \"\"", doc: "The group that it belongs to, by name or number; \"\": root."},
		{name: "dir", sig: "bool = False", doc: "Whether it is a directory. Those above a file are there by themselves."},
		{name: "link", sig: "str = \"\"", doc: "Where it leads as a symbolic link: \"../run/app.conf\"; \"\": it is none."},
	},
}

var deferredKind = &kind{
	name: "DeferredEvent", typ: reflect.TypeFor[simulate.Deferred](), positional: 2,
	doc: "An event that a handler still has to handle. An event's deferred(handler) makes one.",
	fields: []field{
		{name: "event", sig: "str", doc: "The event's name, for instance config_changed.", need: true},
		{name: "handler", sig: "str", doc: "The function: src/charm.star:on_config_changed.", need: true},
		{name: "data", sig: "dict = {}", doc: "What the event is about."},
		{name: "scope", sig: "str = \"\"", doc: "The framework.scope that defined the event; \"\": it is Juju's."},
		{name: "handler_scope", sig: "str = \"\"", doc: "The framework.scope that observes it; \"\": the charm."},
	},
}
