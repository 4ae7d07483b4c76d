package builtins

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/pebble"
)

// maxPull is how large a file may be that pull gives to a script.
const maxPull = 64 << 20

// A container is one of this unit's workload containers, through its Pebble.
type container struct {
	handle
	h    *Hook
	name string
	// socketPath is where its Pebble is.
	socketPath string
	client     *pebble.Client
}

var containerTable = table[*container]{
	typ: "container",
	doc: "A workload container of this unit's pod, reached through its Pebble. Every call may meet pebble.ConnectionError (Pebble is not up yet, or went away), pebble.TimeoutError or pebble.APIError (it refuses), which catch takes. Paths are absolute, and in the container. timeout is in seconds.",
	members: []member[*container]{
		{name: "name", sig: "str", doc: "The container's name.",
			get: func(c *container) (starlark.Value, error) { return starlark.String(c.name), nil }},
		{name: "pebble", sig: "client", doc: "The container's Pebble, with what is about the daemon itself: changes, identities, metrics.",
			get: func(c *container) (starlark.Value, error) { return &pebbleClient{container: c}, nil }},
		{name: "can_connect", sig: "() -> bool", doc: "Whether Pebble answers now. It may be gone a moment later: prefer catch around what is to be done.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				_, err := c.client.SystemInfo(c.h.Context)
				if c.h.Context.Err() != nil {
					return nil, c.h.pebbleFailure(err)
				}
				return starlark.Bool(err == nil), nil
			}},
		{name: "pebble_version", sig: "() -> str", doc: "The version of the container's Pebble.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				info, err := c.client.SystemInfo(c.h.Context)
				if err != nil {
					return nil, c.h.pebbleFailure(err)
				}
				return starlark.String(info.Version), nil
			}},

		{name: "add_layer", sig: "(label: str, layer: dict | str | layer, *, combine: bool = False)", doc: "Adds a layer, from a dict, YAML text or pebble.Layer, to the plan. A label that is taken is an APIError, unless combine = True, which merges into the layer of that label. Running services do not change before replan().",
			call: (*container).addLayer},
		{name: "get_plan", sig: "() -> plan", doc: "What the layers come to.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				plan, err := c.client.Plan(c.h.Context)
				if err != nil {
					return nil, c.h.pebbleFailure(err)
				}
				return wrapPlanObject(plan)
			}},

		{name: "replan", sig: "(*, timeout: float = 30)", doc: "Starts services whose startup is enabled and restarts those whose configuration changed. Waits for it, timeout seconds at most, or else TimeoutError; 0 does not wait. ChangeError if a service does not stay up for a second.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				wait, err := waitOptions(in)
				if err != nil {
					return nil, err
				}
				_, err = c.client.Replan(c.h.Context, wait)
				return starlark.None, c.h.pebbleFailure(err)
			}},
		{name: "autostart", sig: "(*, timeout: float = 30)", doc: "Starts the services whose startup is enabled and that do not run. Waits and fails as replan() does.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				wait, err := waitOptions(in)
				if err != nil {
					return nil, err
				}
				_, err = c.client.Autostart(c.h.Context, wait)
				return starlark.None, c.h.pebbleFailure(err)
			}},
		{name: "start", sig: "(*services: str, timeout: float = 30)", doc: "Starts services, at least one, and those that they require. Waits and fails as replan() does.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				return c.services(in, c.client.Start)
			}},
		{name: "stop", sig: "(*services: str, timeout: float = 30)", doc: "Stops services, at least one, with SIGTERM and after their kill_delay SIGKILL. Waits and fails as replan() does.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				return c.services(in, c.client.Stop)
			}},
		{name: "restart", sig: "(*services: str, timeout: float = 30)", doc: "Stops services, at least one, and starts them again, when their former processes have ended. Waits and fails as replan() does.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				return c.services(in, c.client.Restart)
			}},
		{name: "get_services", sig: "(*services: str) -> mapping", doc: "The state of services, of all without names, by name. Those that the plan does not have are left out.",
			call: (*container).getServices},
		{name: "get_service", sig: "(service: str) -> service_info", doc: "The state of one service. ModelError if the plan does not have it.",
			call: (*container).getService},
		{name: "send_signal", sig: "(signal: str | int, *services: str)", doc: "Sends a signal, by name such as \"SIGHUP\" or by number, to services, at least one.",
			call: (*container).sendSignal},

		{name: "get_logs", sig: "(*services: str, n: int = 30) -> list[log_entry]", doc: "The newest n lines that services, or without names all, have written, oldest first; with n = None all that Pebble keeps, 100 KiB of each service.",
			call: (*container).getLogs},
		{name: "exec", sig: "(command: list[str], *, service_context: str = None, environment: dict[str, str] = {}, working_dir: str = None, timeout: float = None, user_id: int = None, user: str = None, group_id: int = None, group: str = None, stdin: str | bytes = None, pipe_stdin: bool = False, encoding: str = \"utf-8\", combine_stderr: bool = False) -> exec_process", doc: "Starts a command, the executable and its arguments, without a shell; wait() or wait_output() of what is returned waits for it. It gets the environment of Pebble and this one, runs in working_dir, by default the user's home, and is killed after timeout seconds; by default there is no end to it. With service_context it runs as that service does, but for what is given here; VersionError before Juju 3.1.6, and in 3.2.0. stdin is its whole input, by default none; with pipe_stdin what is written to the process's stdin is. With encoding = None input and output are bytes. With combine_stderr the error output is part of the output. An executable, user, directory or service that is not there is an APIError.",
			call: (*container).exec},

		{name: "get_checks", sig: "(*checks: str, level: str = None) -> mapping", doc: "The state of checks, of all without names, by name; with level, \"alive\" or \"ready\", only those of that level. Those that the plan does not have are left out.",
			call: (*container).getChecks},
		{name: "get_check", sig: "(check: str) -> check", doc: "The state of one check. ModelError if the plan does not have it.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				var name string
				if err := in.unpack("check", &name); err != nil {
					return nil, err
				}
				info, err := c.fetchCheck(name)
				if err != nil {
					return nil, err
				}
				return &check{container: c, name: name, full: info}, nil
			}},
		{name: "start_checks", sig: "(*checks: str) -> list[str]", doc: "Starts checks, at least one, and returns the names of those that were not running.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				names, err := names(in, "check")
				if err != nil {
					return nil, err
				}
				changed, err := c.client.StartChecks(c.h.Context, names)
				return stringList(changed), c.h.pebbleFailure(err)
			}},
		{name: "stop_checks", sig: "(*checks: str) -> list[str]", doc: "Stops checks, at least one, and returns the names of those that were running. Each is told in Juju's log as a security event.",
			call: (*container).stopChecks},

		{name: "ensure", sig: "(*, layer: dict | str | layer = None, files: dict = {}, restart_on: list[str] = [], label: str = \"charm\", timeout: float = None) -> bool", doc: "Makes the container what it should be, writes only what differs, and returns whether anything did. files are written first, then the layer is added under the label (combined with what has it already), then services follow: a replan if the plan changed, the start of the layer's services whose startup is enabled and that do not run, and the restart of those that run when a file of restart_on changed: the layer's services, or all without a layer. files are by path: str or bytes for the content, None for no such file, or a dict or struct with content, permissions, user, user_id, group, group_id; directories above are made; permissions and owner that are not given stay as they are. timeout is how long to wait for services, each time, in seconds: by default 30 and the longest kill-delay of the layer. What a call that was cut short has left undone, the next one does. Fails as push, add_layer and replan do, before services are touched if a file or the layer is refused.",
			call: (*container).ensure},

		{name: "get_notice", sig: "(id: str) -> notice", doc: "A notice. ModelError if there is none of that id.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				var id string
				if err := in.unpack("id", &id); err != nil {
					return nil, err
				}
				n, err := c.fetchNotice(id)
				if err != nil {
					return nil, err
				}
				return c.newNotice(n), nil
			}},
		{name: "get_notices", sig: "(*, users: str = None, user_id: int = None, types: list[str] = [], keys: list[str] = [], after: time.time = None, timeout: float = 0) -> list[notice]", doc: "The public notices and one's own, oldest news first; with users = \"all\", everybody's, with user_id those of one user and the public ones, which only admins may ask for; with types or keys, those of one of these types and one of these keys; with after, those that were news after that time. If there is none, waits for one, timeout seconds at most; none then is no failure.",
			call: (*container).getNotices},
		{name: "notify", sig: "(key: str, *, data: dict[str, str] = {}, repeat_after: float = 0) -> str", doc: "Records a notice of type custom and returns its id. key is a domain and a path, \"example.com/backup-done\". Within repeat_after, in seconds, a repetition is counted and is no news; with 0 each is.",
			call: (*container).notify},

		{name: "pull", sig: "(path: str, *, encoding: str = \"utf-8\", default = <fail>) -> str | bytes", doc: "The content of a file, as text. With encoding = None, as bytes. If there is no such file, default, if there is one. PathError if it cannot be read, is not UTF-8, or is larger than 64 MiB.",
			call: (*container).pull},
		{name: "push", sig: "(path: str, source: str | bytes, *, make_dirs: bool = False, permissions: int = None, user_id: int = None, user: str = None, group_id: int = None, group: str = None)", doc: "Writes a file, as a whole or not at all; one that is there is replaced. A str is written as UTF-8. With make_dirs, directories that are missing above it are made. permissions is a number, by default 0o644; user and group go by name or by id, by default those that Pebble runs as. PathError if it cannot be written.",
			call: (*container).push},
		{name: "push_path", sig: "(source_path: str | list[str], dest_dir: str, *, user_id: int = None, user: str = None, group_id: int = None, group: str = None)", doc: "Copies files and directories of the machine, with all that is in them, into a directory of the container, which is made if it is not there: DIR to dest_dir/DIR, DIR/* its contents only. A relative path is in the charm's directory. Permissions are kept; everything belongs to the user given, as for push. A link to a file is copied as the file; one to a directory, to nothing, or out of the source is a failure; what is neither file nor directory is left out. Goes on past failures, and raises them together as MultiPushPullError at the end.",
			call: (*container).pushPath},
		{name: "pull_path", sig: "(source_path: str | list[str], dest_dir: str)", doc: "Copies files and directories of the container, with all that is in them, into a directory of the machine, which is made if it is not there. Paths, permissions, links and failures are as for push_path; files belong to the user that the charm runs as. Nothing in the container can make it write outside of dest_dir.",
			call: (*container).pullPath},
		{name: "list_files", sig: "(path: str, *, pattern: str = None, itself: bool = False) -> list[file_info]", doc: "What is in a directory, sorted by name, not in those below it; with itself = True, the path itself. pattern limits the names, with *, ? and [ ] as in a shell. A path that is not there is an APIError with code 404.",
			call: (*container).listFiles},
		{name: "exists", sig: "(path: str) -> bool", doc: "Whether there is something of that path.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				info, err := c.stat(in)
				return starlark.Bool(info != nil), err
			}},
		{name: "isdir", sig: "(path: str) -> bool", doc: "Whether there is a directory of that path.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				info, err := c.stat(in)
				return starlark.Bool(info != nil && info.Type == pebble.TypeDirectory), err
			}},
		{name: "make_dir", sig: "(path: str, *, make_parents: bool = False, permissions: int = None, user_id: int = None, user: str = None, group_id: int = None, group: str = None)", doc: "Makes a directory; with make_parents also those above it, and it may be there already. permissions is a number, by default 0o755; user and group as for push. PathError if it cannot be made.",
			call: (*container).makeDir},
		{name: "remove_path", sig: "(path: str, *, recursive: bool = False)", doc: "Removes a file or an empty directory; with recursive all that is in it, and it may be gone already. PathError if it cannot be removed.",
			call: func(c *container, in invocation) (starlark.Value, error) {
				var path string
				var recursive bool
				if err := in.unpack("path", &path, byName, nil, "recursive?", &recursive); err != nil {
					return nil, err
				}
				return starlark.None, c.h.pebbleFailure(c.client.RemovePath(c.h.Context, path, pebble.RemoveOptions{Recursive: recursive}))
			}},
	},
}

// what is what messages call it.
func (c *container) what() string {
	if c.name == c.socketPath {
		return "the Pebble at " + c.socketPath
	}
	return "container " + c.name
}

func (c *container) String() string                           { return "<container " + c.name + ">" }
func (c *container) Type() string                             { return "container" }
func (c *container) Hash() (uint32, error)                    { return starlark.String(c.name).Hash() }
func (c *container) Attr(name string) (starlark.Value, error) { return containerTable.attr(c, name) }
func (c *container) AttrNames() []string                      { return containerTable.attrNames(c) }

// container is the container of that name in the metadata.
func (h *Hook) container(name string) (*container, error) {
	if c := h.containers[name]; c != nil {
		return c, nil
	}
	if h.Metadata.Containers[name] == nil {
		return nil, fmt.Errorf("the charm's metadata has no container %q%s", name, didYouMean(name, sortedNames(h.Metadata.Containers)))
	}
	socketPath := "/charm/containers/" + name + "/pebble.socket"
	c := &container{h: h, name: name, socketPath: socketPath, client: h.Pebble(socketPath)}
	h.containers[name] = c
	return c, nil
}

func (c *container) addLayer(in invocation) (starlark.Value, error) {
	var label string
	var raw starlark.Value
	var combine bool
	if err := in.unpack("label", &label, "layer", &raw, byName, nil, "combine?", &combine); err != nil {
		return nil, err
	}
	options := pebble.AddLayerOptions{Combine: combine}
	if text, ok := raw.(starlark.String); ok {
		// As it stands, so that Pebble's messages name its lines.
		return starlark.None, c.h.pebbleFailure(c.client.AddLayerYAML(c.h.Context, label, string(text), options))
	}
	layer, err := layerToAdd(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return starlark.None, c.h.pebbleFailure(c.client.AddLayer(c.h.Context, label, layer, options))
}

// seconds reads a number of seconds.
func seconds(in invocation, name string, v starlark.Value) (time.Duration, error) {
	f, ok := starlark.AsFloat(v)
	if !ok || !(f >= 0 && f <= 1e9) { // not a number is neither
		return 0, fmt.Errorf("%s: %s is %s, want seconds", in.name, name, shown(v))
	}
	return time.Duration(f * float64(time.Second)), nil
}

// waitOptions takes the keyword argument timeout, in seconds; 0 is not to wait.
func waitOptions(in invocation) (pebble.WaitOptions, error) {
	var timeout starlark.Value = starlark.MakeInt(30)
	if err := in.unpack(byName, nil, "timeout?", &timeout); err != nil {
		return pebble.WaitOptions{}, err
	}
	d, err := seconds(in, "timeout", timeout)
	return pebble.WaitOptions{Timeout: d, NoWait: d == 0}, err
}

// names reads one or more names as positional arguments.
func names(in invocation, what string) ([]string, error) {
	if len(in.kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
	}
	if len(in.args) == 0 {
		return nil, fmt.Errorf("%s: want the name of at least one %s", in.name, what)
	}
	return anyNames(in)
}

// anyNames reads names as positional arguments.
func anyNames(in invocation) ([]string, error) {
	var all []string
	for i, arg := range in.args {
		name, ok := starlark.AsString(arg)
		if !ok {
			return nil, fmt.Errorf("%s: argument %d is a %s, want a name", in.name, i+1, arg.Type())
		}
		all = append(all, name)
	}
	return all, nil
}

func (c *container) services(in invocation, do serviceAction) (starlark.Value, error) {
	wait, err := waitOptions(invocation{in.thread, in.name, nil, in.kwargs})
	if err != nil {
		return nil, err
	}
	names, err := names(invocation{in.thread, in.name, in.args, nil}, "service")
	if err != nil {
		return nil, err
	}
	_, err = do(c.h.Context, names, wait)
	return starlark.None, c.h.pebbleFailure(err)
}

func (c *container) getServices(in invocation) (starlark.Value, error) {
	if len(in.kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
	}
	wanted, err := anyNames(in)
	if err != nil {
		return nil, err
	}
	infos, err := c.client.Services(c.h.Context, wanted...)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	byName := map[string]starlark.Value{}
	var found []string
	for _, info := range infos {
		byName[info.Name] = &serviceInfo{ServiceInfo: info}
		found = append(found, info.Name)
	}
	return fixedMapping("services", found, byName), nil
}

// fixedMapping is a mapping of values that are there already.
func fixedMapping(typ string, names []string, values map[string]starlark.Value) *eagerMapping {
	return &eagerMapping{mapping{typ: typ, keys: stringKeys(names), lookup: func(key starlark.Value) (starlark.Value, bool, error) {
		name, _ := starlark.AsString(key)
		v, ok := values[name]
		return v, ok, nil
	}}}
}

func (c *container) getService(in invocation) (starlark.Value, error) {
	var name string
	if err := in.unpack("service", &name); err != nil {
		return nil, err
	}
	infos, err := c.client.Services(c.h.Context, name)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	for _, info := range infos {
		if info.Name == name {
			return &serviceInfo{ServiceInfo: info}, nil
		}
	}
	return nil, absent(nil, "%s has no service %q", c.what(), name)
}

func (c *container) sendSignal(in invocation) (starlark.Value, error) {
	if len(in.kwargs) > 0 {
		return nil, fmt.Errorf("%s: unexpected keyword argument %s", in.name, in.kwargs[0][0])
	}
	if len(in.args) == 0 {
		return nil, fmt.Errorf("%s: missing argument for signal", in.name)
	}
	signal, err := signalName(in, in.args[0])
	if err != nil {
		return nil, err
	}
	names, err := names(invocation{in.thread, in.name, in.args[1:], in.kwargs}, "service")
	if err != nil {
		return nil, err
	}
	return starlark.None, c.h.pebbleFailure(c.client.SendSignal(c.h.Context, signal, names))
}

// signalName reads the name of a signal, or its number.
func signalName(in invocation, signal starlark.Value) (string, error) {
	if name, ok := starlark.AsString(signal); ok {
		return name, nil
	}
	number, err := starlark.AsInt32(signal)
	if err != nil {
		return "", fmt.Errorf("%s: signal is a %s, want a name such as \"SIGHUP\", or a number", in.name, signal.Type())
	}
	name, err := pebble.SignalName(number)
	if err != nil {
		return "", fmt.Errorf("%s: %w", in.name, err)
	}
	return name, nil
}

func (c *container) getChecks(in invocation) (starlark.Value, error) {
	wanted, level, err := checkFilter(in)
	if err != nil {
		return nil, err
	}
	infos, err := c.client.Checks(c.h.Context, pebble.ChecksOptions{Names: wanted, Level: level})
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	byName := map[string]starlark.Value{}
	var found []string
	for _, info := range infos {
		byName[info.Name] = &check{container: c, name: info.Name, full: info}
		found = append(found, info.Name)
	}
	return fixedMapping("checks", found, byName), nil
}

// checkFilter reads which checks are meant: by name, by level, or all.
func checkFilter(in invocation) (names []string, level pebble.CheckLevel, err error) {
	var given starlark.Value = starlark.None
	if err := starlark.UnpackArgs(in.name, nil, in.kwargs, "level?", &given); err != nil {
		return nil, "", err
	}
	if names, err = anyNames(in); err != nil {
		return nil, "", err
	}
	level, err = checkLevel(in, given)
	return names, level, err
}

// checkLevel reads a level, or None for all.
func checkLevel(in invocation, v starlark.Value) (pebble.CheckLevel, error) {
	text, _ := starlark.AsString(v)
	level := pebble.CheckLevel(text)
	if v != starlark.None && level != pebble.LevelAlive && level != pebble.LevelReady {
		return "", fmt.Errorf("%s: level is %s, want \"alive\" or \"ready\"", in.name, shown(v))
	}
	return level, nil
}

func (c *container) stopChecks(in invocation) (starlark.Value, error) {
	names, err := names(in, "check")
	if err != nil {
		return nil, err
	}
	stopped, err := c.client.StopChecks(c.h.Context, names)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	for _, name := range stopped {
		unit := c.h.Model.Context().UnitName
		if err := c.h.Model.SecurityEvent("WARN", fmt.Sprintf("sys_monitor_disabled:%s,%s", unit, name),
			fmt.Sprintf("User stopped the check %q of %s", name, c.what())); err != nil {
			c.h.Log("WARNING", fmt.Sprintf("The check %s was stopped, and Juju's log did not take it: %v", name, err))
		}
	}
	return stringList(stopped), nil
}

// stringsOf reads a list of strings.
func stringsOf(in invocation, name string, v starlark.Value) ([]string, error) {
	if v == starlark.None {
		return nil, nil
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		return nil, fmt.Errorf("%s: %s is a %s, want a list of strings", in.name, name, v.Type())
	}
	var all []string
	for elem := range starlark.Elements(list) {
		text, ok := starlark.AsString(elem)
		if !ok {
			return nil, fmt.Errorf("%s: %s holds a %s, want strings", in.name, name, elem.Type())
		}
		all = append(all, text)
	}
	return all, nil
}

func (c *container) getNotices(in invocation) (starlark.Value, error) {
	var users, userID, types, keys, after starlark.Value = starlark.None, starlark.None, starlark.None, starlark.None, starlark.None
	var timeout starlark.Value = starlark.MakeInt(0)
	err := in.unpack(byName, nil, "users?", &users, "user_id?", &userID, "types?", &types, "keys?", &keys, "after?", &after, "timeout?", &timeout)
	if err != nil {
		return nil, err
	}
	var options pebble.NoticesOptions
	if text, _ := starlark.AsString(users); users != starlark.None && text != "all" {
		return nil, fmt.Errorf("%s: users is %s, want \"all\"", in.name, shown(users))
	}
	options.AllUsers = users != starlark.None
	if userID != starlark.None {
		id, err := starlark.AsInt32(userID)
		if err != nil {
			return nil, fmt.Errorf("%s: user_id is %s, want an int of 32 bits", in.name, shown(userID))
		}
		options.UserID = &id
	}
	if after != starlark.None {
		at, ok := after.(startime.Time)
		if !ok {
			return nil, fmt.Errorf("%s: after is a %s, want a time.time", in.name, after.Type())
		}
		options.After = time.Time(at)
	}
	if options.Timeout, err = seconds(in, "timeout", timeout); err != nil {
		return nil, err
	}
	if options.Types, err = stringsOf(in, "types", types); err != nil {
		return nil, err
	}
	if options.Keys, err = stringsOf(in, "keys", keys); err != nil {
		return nil, err
	}
	found, err := c.client.Notices(c.h.Context, options)
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	list := make([]starlark.Value, len(found))
	for i, n := range found {
		list[i] = c.newNotice(n)
	}
	return starlark.NewList(list), nil
}

func (c *container) notify(in invocation) (starlark.Value, error) {
	var key string
	var data *starlark.Dict
	var repeat starlark.Value = starlark.MakeInt(0)
	if err := in.unpack("key", &key, byName, nil, "data?", &data, "repeat_after?", &repeat); err != nil {
		return nil, err
	}
	options := pebble.NotifyOptions{Key: key, Data: map[string]string{}}
	if data != nil {
		for _, item := range data.Items() {
			name, ok := starlark.AsString(item[0])
			value, isText := starlark.AsString(item[1])
			if !ok || !isText {
				return nil, fmt.Errorf("%s: data: %v = %v; want strings", in.name, item[0], item[1])
			}
			options.Data[name] = value
		}
	}
	var err error
	if options.RepeatAfter, err = seconds(in, "repeat_after", repeat); err != nil {
		return nil, err
	}
	id, err := c.client.Notify(c.h.Context, options)
	return starlark.String(id), c.h.pebbleFailure(err)
}

func (c *container) pull(in invocation) (starlark.Value, error) {
	var path string
	var encoding starlark.Value = starlark.String("utf-8")
	var fallback starlark.Value
	if err := in.unpack("path", &path, byName, nil, "encoding?", &encoding, "default?", &fallback); err != nil {
		return nil, err
	}
	text, err := isText(in, encoding)
	if err != nil {
		return nil, err
	}
	f, err := c.client.Pull(c.h.Context, path)
	var missing *pebble.Error
	if fallback != nil && errors.As(err, &missing) && missing.PathKind == pebble.NotFound {
		return fallback, nil
	}
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxPull+1))
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	if len(content) > maxPull {
		return nil, pathFailure(path, fmt.Sprintf("%s is larger than %d MiB", path, maxPull>>20))
	}
	if !text {
		return starlark.Bytes(content), nil
	}
	if !utf8.Valid(content) {
		return nil, pathFailure(path, path+" is not UTF-8 text; pull it with encoding = None")
	}
	return starlark.String(content), nil
}

func pathFailure(path, message string) error {
	return &Failure{Kind: pebbleKinds["PathError"], Message: message, Fields: starlark.StringDict{
		"path": starlark.String(path), "path_kind": starlark.String(pebble.GenericFileError),
	}}
}

// fileAttributes are the keyword arguments that say how a file or directory is
// to be made.
type fileAttributes struct {
	permissions, userID, user, groupID, group starlark.Value
}

func (a *fileAttributes) pairs() []any {
	a.permissions, a.userID, a.user, a.groupID, a.group = starlark.None, starlark.None, starlark.None, starlark.None, starlark.None
	return []any{"permissions?", &a.permissions, "user_id?", &a.userID, "user?", &a.user, "group_id?", &a.groupID, "group?", &a.group}
}

func (a *fileAttributes) read(in invocation) (permissions *int, owner pebble.Owner, err error) {
	number := func(name string, v starlark.Value) *int {
		if v == starlark.None {
			return nil
		}
		n, e := starlark.AsInt32(v)
		if e != nil && err == nil {
			err = fmt.Errorf("%s: %s is %s, want an int of 32 bits", in.name, name, shown(v))
		}
		return &n
	}
	text := func(name string, v starlark.Value) string {
		s, ok := starlark.AsString(v)
		if !ok && v != starlark.None && err == nil {
			err = fmt.Errorf("%s: %s is a %s, want a string", in.name, name, v.Type())
		}
		return s
	}
	permissions = number("permissions", a.permissions)
	if p := permissions; p != nil && err == nil && (*p < 0 || *p > 0o777) {
		err = fmt.Errorf("%s: permissions is %d, which is 0o%o; want 0 to 0o777, written like 0o644", in.name, *p, *p)
	}
	owner = pebble.Owner{
		UserID: number("user_id", a.userID), User: text("user", a.user),
		GroupID: number("group_id", a.groupID), Group: text("group", a.group),
	}
	return permissions, owner, err
}

func (c *container) push(in invocation) (starlark.Value, error) {
	var path string
	var source starlark.Value
	var makeDirs bool
	var a fileAttributes
	if err := in.unpack(append([]any{"path", &path, "source", &source, byName, nil, "make_dirs?", &makeDirs}, a.pairs()...)...); err != nil {
		return nil, err
	}
	permissions, owner, err := a.read(in)
	if err != nil {
		return nil, err
	}
	var content io.Reader
	switch source := source.(type) {
	case starlark.String:
		content = strings.NewReader(string(source))
	case starlark.Bytes:
		content = bytes.NewReader([]byte(source))
	default:
		return nil, fmt.Errorf("%s: source is a %s, want a string or bytes", in.name, source.Type())
	}
	return starlark.None, c.h.pebbleFailure(c.client.Push(c.h.Context, path, content,
		pebble.PushOptions{MakeDirs: makeDirs, Permissions: permissions, Owner: owner}))
}

func (c *container) makeDir(in invocation) (starlark.Value, error) {
	var path string
	var parents bool
	var a fileAttributes
	if err := in.unpack(append([]any{"path", &path, byName, nil, "make_parents?", &parents}, a.pairs()...)...); err != nil {
		return nil, err
	}
	permissions, owner, err := a.read(in)
	if err != nil {
		return nil, err
	}
	return starlark.None, c.h.pebbleFailure(c.client.MakeDir(c.h.Context, path,
		pebble.MakeDirOptions{MakeParents: parents, Permissions: permissions, Owner: owner}))
}

func (c *container) listFiles(in invocation) (starlark.Value, error) {
	var path string
	var pattern starlark.Value = starlark.None
	var itself bool
	if err := in.unpack("path", &path, byName, nil, "pattern?", &pattern, "itself?", &itself); err != nil {
		return nil, err
	}
	glob, ok := starlark.AsString(pattern)
	if !ok && pattern != starlark.None {
		return nil, fmt.Errorf("%s: pattern is a %s, want a string", in.name, pattern.Type())
	}
	infos, err := c.client.ListFiles(c.h.Context, path, pebble.ListFilesOptions{Pattern: glob, Itself: itself})
	if err != nil {
		return nil, c.h.pebbleFailure(err)
	}
	list := make([]starlark.Value, len(infos))
	for i, info := range infos {
		list[i] = &fileInfo{info: info}
	}
	return starlark.NewList(list), nil
}

// stat describes the path that in names; nil if there is nothing.
func (c *container) stat(in invocation) (*pebble.FileInfo, error) {
	var path string
	if err := in.unpack("path", &path); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("%s: %q is relative; a path in a container starts with /", in.name, path)
	}
	info, err := c.client.Stat(c.h.Context, path)
	return info, c.h.pebbleFailure(err)
}
