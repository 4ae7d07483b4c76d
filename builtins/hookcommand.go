package builtins

import (
	"errors"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/model"
)

// This file lists the functions of the hooktool module, named as the hookcmds
// of ops where it has them.

// Parameters that several functions have.
var (
	ofRelation = []hookParam{
		{name: "id", typ: hookNumber, value: "None", to: "prepare"},
		{name: "endpoint", typ: hookText, value: "None", byName: true, to: "prepare"},
	}
	ofSecret = []hookParam{
		{name: "label", typ: hookText, value: "None", byName: true, to: "--label"},
		{name: "description", typ: hookText, value: "None", byName: true, to: "--description"},
		{name: "expire", typ: hookText, value: "None", byName: true, to: "--expire"},
		{name: "rotate", typ: hookText, value: "None", byName: true, to: "--rotate"},
		{name: "owner", typ: hookText, value: `"application"`, byName: true, to: "prepare"},
	}
	ofPort = []hookParam{
		{name: "protocol", typ: hookText, value: "None", to: "prepare"},
		{name: "port", typ: hookNumber, value: "None", to: "prepare"},
		{name: "to_port", typ: hookNumber, value: "None", byName: true, to: "prepare"},
		{name: "endpoints", typ: hookTexts, value: "None", byName: true, to: "prepare"},
	}
	ofPodSpec = []hookParam{
		{name: "spec", typ: hookText, to: "prepare"},
		{name: "k8s_resources", typ: hookText, value: "None", byName: true, to: "prepare"},
	}
	ofPayload = []hookParam{{name: "payload_class", typ: hookText}, {name: "id", typ: hookText}}
)

const (
	relationDoc = " Without an id it is about the relation of the hook; the endpoint is the id's, and need not be given."
	secretDoc   = " Expire is a time such as \"2030-01-01T00:00:00Z\" or a duration such as \"24h\"; rotate is never, hourly, daily, weekly, monthly, quarterly or yearly; owner is application or unit. The content goes by files and is masked from then on."
	portDoc     = " Give a protocol, a port, or both; to_port makes it a range, and endpoints bounds it to these."
	specDoc     = " Text in YAML, for the leader; it is kept when the hook succeeds. k8s_resources is added to it."
)

func with(params []hookParam, more ...hookParam) []hookParam {
	return append(append([]hookParam{}, params...), more...)
}

func hookCommands() []hookCommand {
	optional := func(name, to string) hookParam {
		return hookParam{name: name, typ: hookText, value: "None", byName: true, to: to}
	}
	first := func(name string) hookParam { return hookParam{name: name, typ: hookText} }
	maybe := func(name string) hookParam { return hookParam{name: name, typ: hookText, value: "None"} }
	off := func(name, to string) hookParam {
		return hookParam{name: name, typ: hookSwitch, value: "False", byName: true, to: to}
	}
	return []hookCommand{
		{name: "action_fail", tool: "action-fail", params: []hookParam{maybe("message")}, doc: "Marks the action as failed."},
		{name: "action_get", tool: "action-get", params: []hookParam{maybe("key")}, returns: hookData, doc: "The action's parameters, or that of a key, where dots lead into objects; None if there is none."},
		{name: "action_log", tool: "action-log", params: []hookParam{first("message")}, doc: "Reports the action's progress."},
		{name: "action_set", tool: "action-set", params: []hookParam{{name: "results", typ: hookAnything, to: "prepare"}}, doc: "Adds to the action's results. Dicts may be nested; other values become text.",
			prepare: func(v hookValues, c *hookCall) (err error) {
				c.operands, err = model.FlatResults(v["results"].(map[string]any))
				return err
			}},
		{name: "add_metric", tool: "add-metric", params: []hookParam{
			{name: "metrics", typ: hookNumbers, to: "prepare"}, {name: "labels", typ: hookPairs, value: "None", byName: true, to: "prepare"},
		}, doc: "Records metrics, in a collect-metrics hook; gone with Juju 3.6.",
			prepare: func(v hookValues, c *hookCall) error {
				if labels, ok := v["labels"].(map[string]string); ok && len(labels) > 0 {
					c.flag("--labels", strings.Join(pairList(labels), ","))
				}
				c.operands = pairList(v["metrics"].(map[string]string))
				return nil
			}},
		{name: "app_version_set", tool: "application-version-set", params: []hookParam{first("version")}, doc: "Says which version of the workload this unit runs: application-version-set."},
		{name: "close_port", tool: "close-port", params: ofPort, prepare: portArgument, doc: "Closes ports when the hook succeeds." + portDoc},
		{name: "config_get", tool: "config-get", params: []hookParam{maybe("key"), off("all", "--all")}, returns: hookData, doc: "The options that have a value, with all also those that have none, or the value of one, None if it has none."},
		{name: "credential_get", tool: "credential-get", returns: hookMap, doc: "The cloud's specification with its credential, for a trusted application."},
		{name: "goal_state", tool: "goal-state", returns: hookMap, doc: "The units and relations that there shall be: a dict with units and relations, each by name with status and since."},
		{name: "is_leader", tool: "is-leader", returns: hookYesNo, doc: "Whether this unit is the leader, and if so for the next 30 seconds."},
		{name: "juju_log", tool: "juju-log", params: []hookParam{first("message"), {name: "level", typ: hookText, value: `"INFO"`, byName: true, to: "prepare"}}, doc: "Writes to Juju's log; secrets are masked.",
			prepare: func(v hookValues, c *hookCall) error {
				c.flag("--log-level", orText(v.text("level"), "INFO"))
				return nil
			}},
		{name: "juju_reboot", tool: "juju-reboot", params: []hookParam{off("now", "--now")}, doc: "Reboots the machine after the hook or, with now, at once, which ends the hook; it then runs again."},
		{name: "k8s_raw_get", tool: "k8s-raw-get", returns: hookPrinted, doc: "The application's raw Kubernetes spec; gone with Juju 4."},
		{name: "k8s_raw_set", tool: "k8s-raw-set", params: ofPodSpec[:1], prepare: specInput, doc: "Sets the raw Kubernetes spec; gone with Juju 4. Text in YAML, for the leader; it is kept when the hook succeeds."},
		{name: "k8s_spec_get", tool: "k8s-spec-get", returns: hookPrinted, doc: "The application's pod spec; gone with Juju 4."},
		{name: "k8s_spec_set", tool: "k8s-spec-set", params: ofPodSpec, prepare: specInput, doc: "Sets the pod spec; gone with Juju 4." + specDoc},
		{name: "leader_get", tool: "leader-get", params: []hookParam{maybe("key")}, returns: hookData, doc: "The leader's settings, or one of them, None if there is none; gone with Juju 4."},
		{name: "leader_set", tool: "leader-set", params: []hookParam{{name: "settings", typ: hookPairs, to: "prepare"}}, prepare: pairArguments("settings"), doc: "Writes the leader's settings, at once; an empty value removes one. For the leader; gone with Juju 4."},
		{name: "network_get", tool: "network-get", params: []hookParam{first("name"), {name: "relation_id", typ: hookNumber, value: "None", byName: true, to: "-r"}}, returns: hookMap, doc: "The network of an endpoint or extra binding, or of one relation: a dict with bind-addresses, egress-subnets and ingress-addresses."},
		{name: "open_port", tool: "open-port", params: ofPort, prepare: portArgument, doc: "Opens ports when the hook succeeds." + portDoc},
		{name: "opened_ports", tool: "opened-ports", params: []hookParam{off("endpoints", "--endpoints")}, returns: hookPorts, doc: "The ports that are open: structs of protocol, port and to_port, which may be None, and endpoints, empty unless asked for; \"*\" stands for all."},
		{name: "payload_register", tool: "payload-register", params: with([]hookParam{{name: "type", typ: hookText}}, append(ofPayload[:2:2], hookParam{name: "labels", typ: hookTexts, value: "None", to: "prepare"})...), doc: "Registers a payload of a class of the metadata; gone with Juju 4.",
			prepare: func(v hookValues, c *hookCall) error {
				labels, _ := v["labels"].([]string)
				c.operands = append(c.operands, labels...)
				return nil
			}},
		{name: "payload_status_set", tool: "payload-status-set", params: with(ofPayload, first("status")), doc: "Says that a payload is starting, running, stopping or stopped; gone with Juju 4."},
		{name: "payload_unregister", tool: "payload-unregister", params: ofPayload, doc: "Has Juju forget a payload; gone with Juju 4."},
		{name: "pod_spec_get", tool: "pod-spec-get", returns: hookPrinted, doc: "The application's pod spec; gone with Juju 4."},
		{name: "pod_spec_set", tool: "pod-spec-set", params: ofPodSpec, prepare: specInput, doc: "Sets the pod spec; gone with Juju 4." + specDoc},
		{name: "relation_get", tool: "relation-get", params: with(ofRelation, optional("key", "prepare"), optional("unit", "prepare"), off("app", "--app")), returns: hookData,
			doc: "A databag, or the value of a key, None if there is none: of a unit, or with app of that unit's application; in a relation hook by default of the one that it is about." + relationDoc,
			prepare: func(v hookValues, c *hookCall) error {
				key, unit := v.text("key"), v.text("unit")
				if key == "-" {
					return errors.New(`key cannot be "-", which stands for all: leave it out`)
				}
				if key != "" || unit != "" {
					c.operands = append(c.operands, orText(key, "-"))
				}
				if unit != "" {
					c.operands = append(c.operands, unit)
				}
				return relationFlag(v, c)
			}},
		{name: "relation_ids", tool: "relation-ids", params: []hookParam{first("name")}, returns: hookList, doc: "The relations of an endpoint, as \"db:3\"."},
		{name: "relation_list", tool: "relation-list", params: with(ofRelation, off("app", "--app")), returns: hookData, prepare: relationFlag, doc: "The other units of a relation, a list, or with app the remote application, a str." + relationDoc},
		{name: "relation_model_get", tool: "relation-model-get", params: ofRelation, returns: hookMap, prepare: relationFlag, doc: "The model at the other end: a dict with its uuid. Since Juju 3.6." + relationDoc},
		{name: "relation_set", tool: "relation-set", params: with([]hookParam{{name: "data", typ: hookPairs, to: "prepare"}}, with(ofRelation, off("app", "--app"))...),
			doc: "Writes to the unit's databag or, by the leader, with app to the application's; an empty value removes a key. The values go by standard input." + relationDoc,
			prepare: func(v hookValues, c *hookCall) error {
				c.settings = v["data"].(map[string]string)
				return relationFlag(v, c)
			}},
		{name: "resource_get", tool: "resource-get", params: []hookParam{first("name")}, returns: hookLine, doc: "The path of a resource, which is downloaded if need be."},
		{name: "secret_add", tool: "secret-add", params: with([]hookParam{{name: "content", typ: hookPairs, to: "prepare"}}, ofSecret...), returns: hookLine, prepare: secretArguments, doc: "Adds a secret when the hook succeeds, and returns its id." + secretDoc},
		{name: "secret_get", tool: "secret-get", params: []hookParam{optional("id", ""), optional("label", "--label"), off("refresh", "--refresh"), off("peek", "--peek")}, returns: hookMap, doc: "The content of a secret, by id or label: the revision that the unit tracks, with refresh the newest, which is then tracked, with peek the newest. The values are masked from then on."},
		{name: "secret_grant", tool: "secret-grant", params: []hookParam{first("id"), {name: "relation_id", typ: hookNumber, to: "--relation"}, optional("unit", "--unit")}, doc: "Lets the application at the other end of a relation read a secret, or one unit of it."},
		{name: "secret_ids", tool: "secret-ids", returns: hookList, doc: "The ids, without \"secret:\", of the secrets that the unit owns and, for the leader, the application, in no order."},
		{name: "secret_info_get", tool: "secret-info-get", params: []hookParam{optional("id", ""), optional("label", "--label")}, returns: hookInfo, doc: "What the owner can know of a secret: a dict with id (without \"secret:\"), label, owner, description, revision, rotation, rotates, expiry, as far as they are set."},
		{name: "secret_remove", tool: "secret-remove", params: []hookParam{first("id"), {name: "revision", typ: hookNumber, value: "None", byName: true, to: "--revision"}}, doc: "Removes a secret, or one revision of it, when the hook succeeds."},
		{name: "secret_revoke", tool: "secret-revoke", params: []hookParam{first("id"), {name: "relation_id", typ: hookNumber, value: "None", byName: true, to: "--relation"}, optional("app", "--app"), optional("unit", "--unit")}, doc: "Takes back what secret_grant gave."},
		{name: "secret_set", tool: "secret-set", params: with([]hookParam{first("id"), {name: "content", typ: hookPairs, value: "None", byName: true, to: "prepare"}}, ofSecret...), prepare: secretArguments, doc: "Gives a secret of one's own new content, or changes what is given by name, when the hook succeeds." + secretDoc},
		{name: "state_delete", tool: "state-delete", params: []hookParam{first("key")}, doc: "Removes a value of the charm's state with Juju, when the hook succeeds."},
		{name: "state_get", tool: "state-get", params: []hookParam{maybe("key")}, returns: hookMap, doc: "The charm's state with Juju, or the value of a key, \"\" if there is none.",
			prepare: func(v hookValues, c *hookCall) error {
				if _, one := v["key"]; one {
					c.answer = hookData
				}
				return nil
			}},
		{name: "state_set", tool: "state-set", params: []hookParam{{name: "data", typ: hookPairs, to: "prepare"}}, doc: "Keeps values with Juju, when the hook succeeds: keys of up to 256 bytes, values of up to 64 KiB, 2 MiB in all. The values go by standard input.",
			prepare: func(v hookValues, c *hookCall) error {
				c.settings = v["data"].(map[string]string)
				return nil
			}},
		{name: "status_get", tool: "status-get", params: []hookParam{off("app", "--application")}, returns: hookMap, doc: "The unit's status, a dict with status, message and status-data; with app the application's, under application-status, with those of its units: for the leader.",
			prepare: func(v hookValues, c *hookCall) error {
				c.flags = append(c.flags, "--include-data")
				return nil
			}},
		{name: "status_set", tool: "status-set", params: []hookParam{first("status"), maybe("message"), off("app", "--application")}, doc: "Sets the unit's status or, by the leader, with app the application's, at once: active, blocked, maintenance or waiting. Not in a library's handler."},
		{name: "storage_add", tool: "storage-add", params: []hookParam{{name: "counts", typ: hookCounts, to: "prepare"}}, prepare: pairArguments("counts"), doc: "Asks for more instances of storages, when the hook succeeds: how many by name."},
		{name: "storage_get", tool: "storage-get", params: []hookParam{{name: "id", typ: hookText, value: "None", to: "-s"}}, returns: hookMap, doc: "The kind and location of a storage, such as \"data/0\"; in a storage hook by default of the one that it is about."},
		{name: "storage_list", tool: "storage-list", params: []hookParam{maybe("name")}, returns: hookList, doc: "The attached storages, of one name or all, as \"data/0\"."},
		{name: "unit_get", tool: "unit-get", params: []hookParam{first("address")}, returns: hookWord, doc: "An address of the unit: private-address or public-address."},
	}
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// relationFlag names the relation that id and endpoint say.
func relationFlag(v hookValues, c *hookCall) error {
	id, ok := v["id"].(int)
	endpoint := v.text("endpoint")
	switch {
	case ok && endpoint != "":
		c.flag("-r", endpoint+":"+strconv.Itoa(id))
	case ok:
		c.flag("-r", strconv.Itoa(id))
	case endpoint != "":
		return errors.New("the endpoint goes with an id: an endpoint may have several relations")
	}
	return nil
}

// pairArguments writes a dict as arguments.
func pairArguments(param string) func(hookValues, *hookCall) error {
	return func(v hookValues, c *hookCall) error {
		c.operands = pairList(v[param].(map[string]string))
		return nil
	}
}

func portArgument(v hookValues, c *hookCall) error {
	if endpoints, ok := v["endpoints"].([]string); ok {
		c.flag("--endpoints", strings.Join(endpoints, ","))
	}
	protocol := v.text("protocol")
	port, numbered := v["port"].(int)
	text := strconv.Itoa(port)
	if to, ok := v["to_port"].(int); ok {
		text += "-" + strconv.Itoa(to)
	}
	switch {
	case !numbered && protocol == "":
		return errors.New("give a protocol, a port, or both")
	case !numbered:
		text = protocol
	case protocol != "":
		text += "/" + protocol
	}
	c.operands = []string{text}
	return nil
}

// specInput puts a pod spec to standard input. Juju appends the Kubernetes
// resources to it as text, and so does this.
func specInput(v hookValues, c *hookCall) error {
	c.flag("--file", "-")
	spec := v.text("spec")
	if more := v.text("k8s_resources"); more != "" {
		spec = strings.TrimSuffix(spec, "\n") + "\n" + more
	}
	c.stdin = []byte(spec)
	return nil
}

func secretArguments(v hookValues, c *hookCall) error {
	c.flag("--owner", orText(v.text("owner"), "application"))
	c.secret, _ = v["content"].(map[string]string)
	return nil
}
