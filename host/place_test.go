package host_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// A place is where the unit members/0 runs its charm: under a genuine unit
// agent or under the simulated Juju. What it is told, and what it tells, is in
// the terms of the simulated one.
type place interface {
	// change changes the world around the unit.
	change(do func(*modeltest.State))
	run(e modeltest.Event) happening
}

// A happening is what one hook or action did, in a form that does not change
// from run to run, nor from place to place.
type happening struct {
	calls, logs []string
	err         string
	action      string
	// world is what Juju has kept of it, by what it is about.
	world map[string]string
}

// title names a hook or an action in a transcript.
func title(e modeltest.Event) string {
	text := e.Name
	if e.Action {
		text = fmt.Sprintf("action %s %v", e.Name, e.Params)
	}
	if e.RelationID != nil {
		text += fmt.Sprintf(" relation=%d", *e.RelationID)
	}
	if e.RemoteUnit != nil {
		text += fmt.Sprintf(" unit=%d", *e.RemoteUnit)
	}
	if e.SecretID != "" {
		text += fmt.Sprintf(" secret=%s revision=%d", e.SecretID, e.SecretRevision)
	}
	return text
}

// A chronicle writes down what happens in a place.
type chronicle struct {
	strings.Builder
	noted map[string]string
	// drawn are the identifiers that Juju drew for new secrets.
	drawn []string
}

var (
	secretID  = regexp.MustCompile(`\b[0-9a-v]{19}[0g]\b`)
	temporary = regexp.MustCompile(`/tmp/[^\s:"']*/`)
	// transport is how the agent of Juju 3.5.1 tried to get a resource.
	transport = regexp.MustCompile(`HTTP request failed: Get https://controller/\S+: `)
)

// note writes down a happening: of the world only what is not as it was
// before.
func (c *chronicle) note(name string, h happening) {
	var w strings.Builder
	fmt.Fprintf(&w, "== %s\n", name)
	last := ""
	for _, line := range h.calls {
		// A tool that reads standard input shows twice when it is run as a program.
		if line != last {
			fmt.Fprintf(&w, "> %s\n", line)
		}
		last = line
	}
	for _, line := range h.logs {
		fmt.Fprintf(&w, "%s\n", when.ReplaceAllString(line, `"datetime":…`))
	}
	if h.err != "" {
		fmt.Fprintf(&w, "%s\n", h.err)
	}
	for _, about := range slices.Sorted(maps.Keys(h.world)) {
		if c.noted[about] != h.world[about] {
			fmt.Fprintf(&w, "%s: %s\n", about, h.world[about])
		}
	}
	for _, about := range slices.Sorted(maps.Keys(c.noted)) {
		if _, there := h.world[about]; !there {
			fmt.Fprintf(&w, "%s: gone\n", about)
		}
	}
	c.noted = h.world
	if h.action != "" {
		fmt.Fprintf(&w, "action: %s\n", h.action)
	}
	fmt.Fprintln(&w)
	text := transport.ReplaceAllString(temporary.ReplaceAllString(w.String(), "/tmp/…/"), "")
	c.WriteString(secretID.ReplaceAllStringFunc(text, c.secret))
}

// secret is the name of a secret: that of a new one tells when it was first
// named.
func (c *chronicle) secret(id string) string {
	if strings.HasPrefix(id, "9m4e2mr0ui3e8a215n") {
		return id
	}
	if !slices.Contains(c.drawn, id) {
		c.drawn = append(c.drawn, id)
	}
	return fmt.Sprintf("<new %d>", slices.Index(c.drawn, id)+1)
}

// shellWords is a call as one would type it.
func shellWords(words ...string) string {
	for i, word := range words {
		if word == "" || strings.ContainsAny(word, " \t\n'\"$\\|&;<>()*?#~`") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// ours is a databag without what Juju itself puts there.
func ours(bag map[string]string) map[string]string {
	bag = maps.Clone(bag)
	maps.DeleteFunc(bag, func(key, _ string) bool { return slices.Contains(addresses, key) })
	if len(bag) == 0 {
		return map[string]string{} // one that is not there is empty
	}
	return bag
}

// A keptSecret is what is compared of a secret that the unit or its
// application owns.
type keptSecret struct {
	id, owner, label, description, rotate, expire string
	content                                       map[string]string
	latest, tracked                               int
	revisions                                     []int
	grants                                        map[string]string
	rotates                                       bool
}

// secretsOf describes secrets. Those that Juju drew the identifiers of are
// known by their labels, or by their content.
func secretsOf(world map[string]string, all []keptSecret) {
	for _, s := range all {
		name := s.id
		if !strings.HasPrefix(name, "9m4e2mr0ui3e8a215n") {
			name = fmt.Sprintf("%q %v", s.label, s.content)
		}
		world["secret "+name] = fmt.Sprintf("of the %s, label %q, description %q, rotate %q %v, expire %q, revisions %v, newest %d %v, tracked %d, granted %v",
			s.owner, s.label, s.description, s.rotate, s.rotates, s.expire, s.revisions, s.latest, s.content, s.tracked, s.grants)
	}
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// simulatedPlace is a place under the simulated Juju.
type simulatedPlace struct {
	*simulatedUnit
	reboots int
}

func (p *simulatedPlace) change(do func(*modeltest.State)) { do(&p.state.Juju) }

func (p *simulatedPlace) run(e modeltest.Event) happening {
	if strings.HasSuffix(e.Name, "-relation-changed") && e.RemoteUnit == nil {
		e.RemoteUnit = new(int)
		*e.RemoteUnit = -1 // the application's own change
	}
	o, err := simulate.Run(p.t.Context(), p.charm, p.state, e)
	require.NoError(p.t, err)
	p.state = o.State
	h := happening{world: map[string]string{}}
	for _, step := range o.Steps {
		switch step.Via {
		case "juju":
			if step.Failed && strings.Contains(step.Result, "no such hook tool") {
				continue // the agent does not tell of what it does not have
			}
			h.calls = append(h.calls, step.What)
		case "log":
			h.logs = append(h.logs, step.What+" "+step.Result)
		}
	}
	if o.ExitCode != 0 && !e.Action {
		h.err = "exit status 1"
		if _, refused, ok := strings.Cut(o.Err.Error(), "cannot keep what the hook did: "); ok {
			h.err = refused
		}
	}
	if o.Reboot != modeltest.NoReboot {
		p.reboots++
		h.err = "reboot after hook"
	}
	if a := o.Action; a != nil {
		h.action = fmt.Sprintf("failed %v %q, results %v, log %q", a.Failed, a.Message, a.Results, a.Log)
	}
	now := &p.state.Juju
	w := h.world
	w["unit status"] = now.UnitStatus.Name + " " + now.UnitStatus.Message
	w["app status"] = now.AppStatus.Name + " " + now.AppStatus.Message
	w["workload version"] = now.WorkloadVersion
	var ports []string
	for _, port := range now.OpenedPorts {
		ports = append(ports, strings.TrimSpace(port.String()+" "+port.Endpoint))
	}
	slices.Sort(ports)
	w["ports"] = fmt.Sprint(ports)
	for _, r := range now.Relations {
		w[fmt.Sprintf("relation %d", r.ID)] = fmt.Sprintf("unit %q, app %q", ours(r.LocalUnitData), ours(r.LocalAppData))
	}
	var secrets []keptSecret
	for _, s := range now.Secrets {
		if s.Owner == "" {
			continue
		}
		kept := keptSecret{
			id: strings.TrimPrefix(s.ID, "secret:"), owner: s.Owner, label: s.Label, description: s.Description, rotate: s.Rotate, rotates: s.NextRotate != nil,
			expire: moment(s.Expire), content: s.LatestContent, latest: s.LatestRevision, grants: map[string]string{},
		}
		if s.TrackedContent != nil {
			kept.tracked = s.TrackedRevision
		}
		for revision := 1; revision <= s.LatestRevision; revision++ {
			if !slices.Contains(s.RemovedRevisions, revision) {
				kept.revisions = append(kept.revisions, revision)
			}
		}
		for id, names := range s.RemoteGrants {
			for _, name := range names {
				kept.grants[name] = strconv.Itoa(id)
			}
		}
		secrets = append(secrets, kept)
	}
	secretsOf(w, secrets)
	w["storage requests"] = fmt.Sprint(now.StorageRequests)
	w["stored with Juju"] = fmt.Sprintf("%q", now.Stored)
	w["leader's settings"] = fmt.Sprintf("%q", now.LeaderSettings)
	w["payloads"] = fmt.Sprint(len(now.Payloads))
	for class, payload := range now.Payloads {
		w["payload "+class] = fmt.Sprint(payload.Type, payload.ID, payload.Status, payload.Labels)
	}
	w["pod spec"] = fmt.Sprintf("%q", now.PodSpec)
	w["raw spec"] = fmt.Sprintf("%q", now.RawPodSpec)
	w["reboots"] = fmt.Sprint(p.reboots)
	return h
}

// genuinePlace is a place under a genuine unit agent.
type genuinePlace struct {
	*peers.JujuAgent
	t testing.TB
	// told is the world as it was described, without what the unit did to it.
	told *modeltest.State
	meta *model.Metadata
}

// begin describes the world.
func (p *genuinePlace) begin(dir string) {
	p.SetWorld(peers.JujuWorld{
		Model: p.model(), Unit: "members/0", CharmDir: dir,
		Resources:      map[string]peers.JujuResource{"seed": {Filename: "seed.txt", Content: "seed"}},
		PrivateAddress: "192.0.2.0", PublicAddress: "192.0.2.0", UnitStatus: peers.JujuStatus{Status: "unknown"}, AppStatus: peers.JujuStatus{Status: "unknown"},
	})
	p.Change(p.world())
}

func (p *genuinePlace) model() peers.JujuModel {
	m := peers.JujuModel{Name: p.told.Model.Name, UUID: p.told.Model.UUID, Type: "iaas"}
	if p.told.Model.Kubernetes() {
		m.Type = "caas"
	}
	return m
}

func (p *genuinePlace) change(do func(*modeltest.State)) {
	p.t.Helper()
	before := p.world()
	do(p.told)
	p.Change(difference(before, p.world()))
}

// difference is the merge patch that makes after of before.
func difference(before, after map[string]any) map[string]any {
	patch := map[string]any{}
	for key := range before {
		if _, there := after[key]; !there {
			patch[key] = nil
		}
	}
	for key, value := range after {
		old, oldMap := before[key].(map[string]any)
		now, nowMap := value.(map[string]any)
		if oldMap && nowMap {
			if inner := difference(old, now); len(inner) > 0 {
				patch[key] = inner
			}
		} else if fmt.Sprint(before[key]) != fmt.Sprint(value) {
			patch[key] = value
		}
	}
	return patch
}

// world is what was told, in the agent's terms.
func (p *genuinePlace) world() map[string]any {
	told := p.told.Clone()
	w := peers.JujuWorld{
		Leader: told.Leader, Config: told.Config,
		Relations: map[string]*peers.JujuRelation{}, Secrets: map[string]*peers.JujuSecret{}, Storages: map[string]peers.JujuStorage{},
		Networks:  map[string]peers.JujuNetwork{},
		GoalState: &peers.JujuGoalState{Units: map[string]peers.JujuGoal{}, Relations: map[string]map[string]peers.JujuGoal{}},
	}
	since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	goal := func(status string) peers.JujuGoal { return peers.JujuGoal{Status: status, Since: &since} }
	w.GoalState.Units["members/0"] = goal("active")
	for _, r := range told.Relations {
		to := &peers.JujuRelation{Endpoint: r.Endpoint, RemoteApp: r.RemoteApp, Data: map[string]map[string]string{}}
		app, units := r.RemoteApp, r.RemoteUnitsData
		if p.meta.Relations[r.Endpoint].Role == model.Peer {
			app, units = "members", r.PeersData
		} else {
			to.Data[app] = r.RemoteAppData
			if w.GoalState.Relations[r.Endpoint] == nil {
				w.GoalState.Relations[r.Endpoint] = map[string]peers.JujuGoal{}
			}
			w.GoalState.Relations[r.Endpoint][app] = goal("joined")
		}
		for number, bag := range units {
			unit := app + "/" + strconv.Itoa(number)
			to.Members = append(to.Members, unit)
			to.Data[unit] = bag
			if app == "members" {
				w.GoalState.Units[unit] = goal("active")
			} else {
				w.GoalState.Relations[r.Endpoint][unit] = goal("active")
			}
		}
		slices.Sort(to.Members)
		w.Relations[strconv.Itoa(r.ID)] = to
	}
	for _, s := range told.Secrets {
		to := &peers.JujuSecret{
			Owner: "pg", Description: s.Description, Rotate: s.Rotate, NextRotate: s.NextRotate, Expire: s.Expire, Latest: max(s.LatestRevision, 1),
			Revisions: map[int]map[string]string{max(s.LatestRevision, 1): s.LatestContent}, Grants: map[string]peers.JujuGrant{}, Consumers: map[string]peers.JujuConsumer{},
		}
		switch s.Owner {
		case "app":
			to.Owner, to.Label = "members", s.Label
		case "unit":
			to.Owner, to.Label = "members/0", s.Label
		case "":
			if !s.Denied {
				to.Grants["members"] = peers.JujuGrant{Relation: "1"}
			}
		}
		if s.TrackedContent != nil {
			to.Revisions[s.TrackedRevision] = s.TrackedContent
			to.Consumers["members/0"] = peers.JujuConsumer{Revision: s.TrackedRevision}
		}
		w.Secrets[strings.TrimPrefix(s.ID, "secret:")] = to
	}
	for _, s := range told.Storages {
		w.Storages[fmt.Sprintf("%s/%d", s.Name, s.Index)] = peers.JujuStorage{Kind: "filesystem", Location: s.Location}
	}
	for _, n := range told.Networks {
		to := peers.JujuNetwork{EgressSubnets: n.EgressSubnets, IngressAddresses: n.IngressAddresses}
		for _, b := range n.BindAddresses {
			device := peers.JujuInterface{MAC: b.MACAddress, Name: b.InterfaceName}
			for _, a := range b.Addresses {
				device.Addresses = append(device.Addresses, peers.JujuAddress{Hostname: a.Hostname, Value: a.Value, CIDR: a.CIDR})
			}
			to.BindAddresses = append(to.BindAddresses, device)
		}
		w.Networks[n.Binding] = to
	}
	if c := told.Model.CloudSpec; c != nil {
		w.Cloud = &peers.JujuCloud{
			Type: c.Type, Name: c.Name, Region: c.Region, Endpoint: c.Endpoint, IdentityEndpoint: c.IdentityEndpoint, StorageEndpoint: c.StorageEndpoint,
			CACertificates: c.CACertificates, SkipTLSVerify: c.SkipTLSVerify, IsControllerCloud: c.IsControllerCloud,
			Credential: &peers.JujuCredential{AuthType: c.Credential.AuthType, Attributes: c.Credential.Attributes, Redacted: c.Credential.Redacted},
		}
	}
	raw, err := json.Marshal(w)
	require.NoError(p.t, err)
	var all map[string]any
	require.NoError(p.t, json.Unmarshal(raw, &all))
	about := map[string]any{}
	for _, key := range []string{"leader", "config", "relations", "secrets", "storages", "networks", "goal-state", "cloud"} {
		if value, ok := all[key]; ok {
			about[key] = value
		}
	}
	return about
}

func (p *genuinePlace) run(e modeltest.Event) happening {
	h := happening{world: map[string]string{}}
	var outcome peers.JujuOutcome
	prefix := ""
	if e.Action {
		outcome = p.Action(e.Name, e.Params)
	} else {
		hook := p.hook(e)
		if hook.DepartingUnit != "" {
			p.Leave(hook.RelationID, hook.DepartingUnit)
		}
		outcome = p.Hook(hook)
		if e.RelationID != nil {
			prefix = strings.TrimSuffix(e.Name, "-"+hook.Kind) + ":" + strconv.Itoa(*e.RelationID) + ": "
		}
	}
	for _, call := range outcome.Calls {
		if call.Name != "juju-log" {
			h.calls = append(h.calls, shellWords(append([]string{call.Name}, call.Args...)...))
		}
	}
	for _, line := range outcome.Log() {
		level, message, _ := strings.Cut(line, " ")
		h.logs = append(h.logs, level+" "+strings.TrimPrefix(message, prefix))
	}
	h.err = outcome.Error
	if a := outcome.Action; a != nil {
		h.err = ""
		if code, ok := a.Results["return-code"].(float64); ok && code == 0 {
			delete(a.Results, "return-code")
		}
		results := a.Results
		if results == nil {
			results = map[string]any{}
		}
		h.action = fmt.Sprintf("failed %v %q, results %v, log %q", a.Status == "failed", a.Message, results, a.Log)
	}
	now := p.World
	w := h.world
	w["unit status"] = now.UnitStatus.Status + " " + now.UnitStatus.Message
	w["app status"] = now.AppStatus.Status + " " + now.AppStatus.Message
	w["workload version"] = now.WorkloadVersion
	var ports []string
	for _, port := range now.Ports {
		as := modeltest.Port{Protocol: port.Protocol, Port: port.From, ToPort: port.To}
		ports = append(ports, strings.TrimSpace(as.String()+" "+port.Endpoint))
	}
	slices.Sort(ports)
	w["ports"] = fmt.Sprint(ports)
	for id, r := range now.Relations {
		w["relation "+id] = fmt.Sprintf("unit %q, app %q", ours(r.Data["members/0"]), ours(r.Data["members"]))
	}
	var secrets []keptSecret
	for id, s := range now.Secrets {
		owner := map[string]string{"members": "app", "members/0": "unit"}[s.Owner]
		if owner == "" {
			continue
		}
		kept := keptSecret{
			id: id, owner: owner, label: s.Label, description: s.Description, rotate: s.Rotate, rotates: s.NextRotate != nil, expire: moment(s.Expire),
			content: s.Revisions[s.Latest], latest: s.Latest, tracked: s.Consumers["members/0"].Revision,
			revisions: slices.Sorted(maps.Keys(s.Revisions)), grants: map[string]string{},
		}
		for name, grant := range s.Grants {
			if now.Relations[grant.Relation] == nil {
				continue // it ended with the relation
			}
			kept.grants[name] = grant.Relation
		}
		secrets = append(secrets, kept)
	}
	secretsOf(w, secrets)
	w["storage requests"] = fmt.Sprint(now.StorageRequests)
	w["stored with Juju"] = fmt.Sprintf("%q", now.State)
	w["leader's settings"] = fmt.Sprintf("%q", now.LeaderSettings)
	w["payloads"] = fmt.Sprint(len(now.Payloads))
	for class, payload := range now.Payloads {
		w["payload "+class] = fmt.Sprint(payload.Type, payload.ID, payload.Status, payload.Labels)
	}
	w["pod spec"] = fmt.Sprintf("%q", now.PodSpec)
	w["raw spec"] = fmt.Sprintf("%q", now.RawPodSpec)
	w["reboots"] = fmt.Sprint(now.Reboots)
	return h
}

// hook is the event in the agent's terms.
func (p *genuinePlace) hook(e modeltest.Event) peers.JujuHook {
	hook := peers.JujuHook{Kind: e.Name, SecretURI: e.SecretID, SecretRevision: e.SecretRevision}
	hook.Restricted = model.EventKind(strings.ReplaceAll(e.Name, "-", "_")).Restricted()
	if s := p.World.Secrets[strings.TrimPrefix(e.SecretID, "secret:")]; s != nil {
		hook.SecretLabel = s.Label
		if s.Owner == "pg" {
			hook.SecretLabel = s.Consumers["members/0"].Label
		}
	}
	for _, s := range p.told.Storages {
		if kind, ok := strings.CutPrefix(e.Name, s.Name+"-storage-"); ok && *e.StorageIndex == s.Index {
			hook.Kind, hook.StorageID = "storage-"+kind, fmt.Sprintf("%s/%d", s.Name, s.Index)
		}
	}
	if e.RelationID == nil {
		return hook
	}
	for _, r := range p.told.Relations {
		if r.ID != *e.RelationID {
			continue
		}
		hook.Kind, hook.RelationID, hook.RemoteApp = strings.TrimPrefix(e.Name, r.Endpoint+"-"), r.ID, r.RemoteApp
		if r.RemoteApp == "" {
			hook.RemoteApp = "members"
		}
		if e.RemoteUnit != nil {
			hook.RemoteUnit = fmt.Sprintf("%s/%d", hook.RemoteApp, *e.RemoteUnit)
		}
		if hook.Kind == "relation-departed" {
			hook.DepartingUnit = hook.RemoteUnit
		}
	}
	return hook
}
