package modeltest_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/testdata/peers"
)

// answer is what one call gave.
type answer struct {
	Code           int
	Stdout, Stderr string
	Missing        bool   // no such tool
	Refused        string // the agent did not run it, and said why
}

// aftermath is what the two Jujus can be compared by when the hook is over.
type aftermath struct {
	Refused         string // why nothing was kept
	Logs            []string
	Action          *modeltest.ActionResult
	UnitStatus      modeltest.Status
	AppStatus       modeltest.Status
	WorkloadVersion string
	Stored          map[string]string
	Bags            map[string]map[string]string
	Ports           []string
	Requests        map[string]int
	Secrets         map[string]map[string]any
	LeaderSettings  map[string]string
	Payloads        map[string]modeltest.Payload
	PodSpec, RawPod string
	Metrics         map[string]string
	Reboots         int
}

func TestSimulatedJujuIsLikeJuju351(t *testing.T) {
	genuine := peers.Juju(t)
	meta := loadMeta(t, charmFiles)
	compared := 0
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			state := world()
			if s.change != nil {
				s.change(state)
			}
			if s.event.Name == "" {
				s.event.Name = "update-status"
			}
			calls := parseCalls(t, s.lines())
			wants, wantAfter := onJuju(t, genuine, meta, state, s, calls)
			gots, gotAfter := onModel(t, meta, state, s, calls)
			require.Len(t, wants, len(calls))
			for i, line := range s.lines() {
				if _, ok := differences[line]; ok {
					continue
				}
				compared++
				t.Run(line, func(t *testing.T) {
					assert.Equal(t, wants[i], gots[i])
				})
			}
			assert.Equal(t, wantAfter, gotAfter)
		})
	}
	t.Logf("%d scenarios, %d calls compared, %d known differences", len(scenarios()), compared, len(differences))
}

// TestDifferencesAreUsed finds entries of that table that no case has.
func TestDifferencesAreUsed(t *testing.T) {
	var lines []string
	for _, s := range scenarios() {
		lines = append(lines, s.lines()...)
	}
	for line := range differences {
		assert.Contains(t, lines, line)
	}
}

// parseCalls splits command lines.
func parseCalls(t *testing.T, lines []string) []hooktool.Call {
	var calls []hooktool.Call
	for _, line := range lines {
		command, stdin, given := strings.Cut(line, " <<< ")
		words := splitWords(command)
		call := hooktool.Call{Name: words[0], Args: words[1:]}
		if given {
			text, err := strconv.Unquote(stdin)
			require.NoError(t, err, line)
			call.Stdin = []byte(text)
		}
		calls = append(calls, call)
	}
	return calls
}

// splitWords splits at blanks outside single quotes.
func splitWords(line string) []string {
	var words []string
	word, quoted, any := "", false, false
	for _, r := range line {
		switch {
		case r == '\'':
			quoted, any = !quoted, true
		case r == ' ' && !quoted:
			if any {
				words = append(words, word)
			}
			word, any = "", false
		default:
			word, any = word+string(r), true
		}
	}
	if any {
		words = append(words, word)
	}
	return words
}

func onModel(t *testing.T, meta *model.Metadata, state *modeltest.State, s scenario, calls []hooktool.Call) ([]answer, aftermath) {
	juju, err := modeltest.New(meta, state)
	require.NoError(t, err)
	hook, err := juju.Begin(s.event)
	require.NoError(t, err)
	ids := newIDs(state)
	var answers []answer
	for _, call := range calls {
		result, err := hook.Run(t.Context(), call)
		var none *hooktool.Error
		if errors.As(err, &none) {
			if none.Reason == hooktool.Refused {
				answers = append(answers, answer{Code: 1, Refused: strings.TrimPrefix(none.Err.Error(), "the agent of Juju refused the call: ")})
				continue
			}
			require.Equal(t, hooktool.Missing, none.Reason)
			answers = append(answers, answer{Code: 1, Missing: true})
			continue
		}
		answers = append(answers, ids.answer(call, result.Code, string(result.Stdout), string(result.Stderr)))
	}
	after := aftermath{
		Bags: map[string]map[string]string{}, Secrets: map[string]map[string]any{}, Requests: map[string]int{}, Stored: map[string]string{},
		LeaderSettings: map[string]string{}, Payloads: map[string]modeltest.Payload{}, Metrics: map[string]string{},
	}
	if err := hook.End(s.exit); err != nil {
		after.Refused = errors.Unwrap(err).Error()
	} else if s.exit != 0 {
		after.Refused = fmt.Sprintf("exit status %d", s.exit)
	}
	for _, line := range hook.Logs() {
		if line.Relation != "" {
			line.Message = line.Relation + ": " + line.Message
		}
		after.Logs = append(after.Logs, line.Level+" "+line.Message)
	}
	now := juju.State()
	after.Action = hook.ActionResult()
	if after.Action != nil {
		after.Action.ID = ""
		after.Refused = ""
	}
	after.UnitStatus, after.AppStatus, after.WorkloadVersion = now.UnitStatus, now.AppStatus, now.WorkloadVersion
	maps.Copy(after.Stored, now.Stored)
	maps.Copy(after.Requests, now.StorageRequests)
	maps.Copy(after.LeaderSettings, now.LeaderSettings)
	for class, payload := range now.Payloads {
		payload.Labels = append([]string{}, payload.Labels...)
		after.Payloads[class] = payload
	}
	after.PodSpec, after.RawPod = now.PodSpec, now.RawPodSpec
	for _, metric := range hook.Metrics() {
		after.Metrics[metric.Key] = metric.Value
	}
	if hook.Reboot() != modeltest.NoReboot && s.exit == 0 {
		after.Reboots, after.Refused = 1, "reboot after hook"
	}
	for _, r := range now.Relations {
		after.Bags[fmt.Sprintf("%d app", r.ID)] = nonNil(r.LocalAppData)
		after.Bags[fmt.Sprintf("%d unit", r.ID)] = nonNil(r.LocalUnitData)
	}
	for _, port := range now.OpenedPorts {
		after.Ports = append(after.Ports, port.String()+" "+port.Endpoint)
	}
	slices.Sort(after.Ports)
	for _, secret := range now.Secrets {
		if secret.Owner == "" {
			continue
		}
		grants := map[string]string{}
		for id, names := range secret.RemoteGrants {
			for _, name := range names {
				grants[name] = strconv.Itoa(id)
			}
		}
		tracked := 0
		if secret.TrackedContent != nil {
			tracked = secret.TrackedRevision
		}
		after.Secrets[ids.key(secret.ID, secret.LatestContent, secret.Label)] = map[string]any{
			"owner": secret.Owner, "label": secret.Label, "description": secret.Description, "rotate": secret.Rotate,
			"rotates": secret.NextRotate != nil && secret.ID != own, "expire": timeText(secret.Expire),
			"content": secret.LatestContent, "latest": secret.LatestRevision, "grants": grants, "tracked": tracked,
		}
	}
	return answers, after
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func timeText(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ids gives the identifiers of new secrets, which Juju draws, fixed names.
type ids struct{ known map[string]bool }

func newIDs(state *modeltest.State) *ids {
	i := &ids{known: map[string]bool{strings.TrimPrefix(noSecret, "secret:"): true}}
	for _, secret := range state.Secrets {
		i.known[strings.TrimPrefix(secret.ID, "secret:")] = true
	}
	return i
}

var xid = regexp.MustCompile(`\b[0-9a-v]{19}[0g]\b`)

func (i *ids) plain(text string) string {
	return xid.ReplaceAllStringFunc(strings.TrimPrefix(text, "secret:"), func(id string) string {
		if i.known[id] {
			return id
		}
		return "<new>"
	})
}

// key tells new secrets apart by what is in them.
func (i *ids) key(id string, content map[string]string, label string) string {
	if id = i.plain(id); id != "<new>" {
		return id
	}
	return fmt.Sprint(id, content, label)
}

func (i *ids) answer(call hooktool.Call, code int, stdout, stderr string) answer {
	if call.Name == "secret-ids" && code == 0 { // in no order
		split := "\n"
		if strings.HasPrefix(stdout, "[") {
			stdout, split = strings.Trim(stdout, "[]\n"), ","
		}
		list := strings.Split(i.plain(stdout), split)
		slices.Sort(list)
		return answer{Code: code, Stdout: strings.Join(list, split), Stderr: stderr}
	}
	if call.Name == "secret-add" {
		stdout = strings.TrimPrefix(stdout, "secret:")
	}
	return answer{Code: code, Stdout: i.plain(stdout), Stderr: stderr}
}

func onJuju(t *testing.T, genuine *peers.JujuAgent, meta *model.Metadata, state *modeltest.State, s scenario, calls []hooktool.Call) ([]answer, aftermath) {
	genuine.SetWorld(jujuWorld(meta, state))
	tools := peers.JujuTools{Fail: s.exit != 0}
	if s.event.Action {
		tools.Action, tools.Params = s.event.Name, s.event.Params
	} else {
		tools.Hook = jujuHook(state, s.event)
	}
	for _, call := range calls {
		c := peers.JujuCall{Name: call.Name, Args: call.Args}
		if call.Stdin != nil {
			text := string(call.Stdin)
			c.Stdin = &text
		}
		tools.Calls = append(tools.Calls, c)
	}
	outcome := genuine.Tools(tools)
	ids := newIDs(state)
	var answers []answer
	for i, result := range outcome.Results {
		if strings.Contains(result.Error, "unknown command") {
			answers = append(answers, answer{Code: 1, Missing: true})
			continue
		}
		if strings.HasPrefix(result.Error, "bad request: ") {
			answers = append(answers, answer{Code: 1, Refused: result.Error})
			continue
		}
		require.Empty(t, result.Error, calls[i])
		answers = append(answers, ids.answer(calls[i], result.Code, result.Stdout, result.Stderr))
	}
	now := genuine.World
	after := aftermath{
		Refused: outcome.Error, Logs: outcome.Log(), Bags: map[string]map[string]string{}, Secrets: map[string]map[string]any{},
		Requests: map[string]int{}, Stored: map[string]string{}, WorkloadVersion: now.WorkloadVersion,
		UnitStatus: modeltest.Status{Name: now.UnitStatus.Status, Message: now.UnitStatus.Message},
		AppStatus:  modeltest.Status{Name: now.AppStatus.Status, Message: now.AppStatus.Message},
		PodSpec:    now.PodSpec, RawPod: now.RawPodSpec, Reboots: now.Reboots,
		LeaderSettings: map[string]string{}, Payloads: map[string]modeltest.Payload{}, Metrics: map[string]string{},
	}
	maps.Copy(after.LeaderSettings, now.LeaderSettings)
	maps.Copy(after.Metrics, now.Metrics)
	for class, p := range now.Payloads {
		after.Payloads[class] = modeltest.Payload{Type: p.Type, ID: p.ID, Status: p.Status, Labels: append([]string{}, p.Labels...)}
	}
	if record := outcome.Action; record != nil {
		after.Action = &modeltest.ActionResult{
			Name: record.Name, Results: record.Results, Log: record.Log, Failed: record.Status == "failed", Message: record.Message,
		}
		if after.Action.Results == nil {
			after.Action.Results = map[string]any{}
		}
		after.Refused = ""
	}
	maps.Copy(after.Stored, now.State)
	for name, count := range now.StorageRequests {
		after.Requests[name] = int(count)
	}
	for id, r := range now.Relations {
		after.Bags[id+" app"] = nonNil(r.Data["web-app"])
		after.Bags[id+" unit"] = nonNil(r.Data["web-app/0"])
	}
	for _, port := range now.Ports {
		p := modeltest.Port{Protocol: port.Protocol, Port: port.From, ToPort: port.To}
		after.Ports = append(after.Ports, p.String()+" "+port.Endpoint)
	}
	slices.Sort(after.Ports)
	for id, secret := range now.Secrets {
		owner := map[string]string{"web-app": "app", "web-app/0": "unit"}[secret.Owner]
		if owner == "" {
			continue
		}
		grants := map[string]string{}
		for name, grant := range secret.Grants {
			grants[name] = grant.Relation
		}
		after.Secrets[ids.key(id, secret.Revisions[secret.Latest], secret.Label)] = map[string]any{
			"owner": owner, "label": secret.Label, "description": secret.Description, "rotate": secret.Rotate,
			"rotates": secret.NextRotate != nil && "secret:"+id != own, "expire": timeText(secret.Expire),
			"content": secret.Revisions[secret.Latest], "latest": secret.Latest, "grants": grants,
			"tracked": secret.Consumers["web-app/0"].Revision,
		}
	}
	return answers, after
}

func jujuHook(state *modeltest.State, e modeltest.Event) peers.JujuHook {
	for _, kind := range []string{"relation-created", "relation-joined", "relation-changed", "relation-departed", "relation-broken"} {
		endpoint, ok := strings.CutSuffix(e.Name, "-"+kind)
		if !ok {
			continue
		}
		for _, r := range state.Relations {
			if r.Endpoint != endpoint || e.RelationID != nil && *e.RelationID != r.ID {
				continue
			}
			app := r.RemoteApp
			if app == "" {
				app = "web-app"
			}
			hook := peers.JujuHook{Kind: kind, RelationID: r.ID, RemoteApp: app}
			if e.RemoteUnit != nil {
				hook.RemoteUnit = app + "/" + strconv.Itoa(*e.RemoteUnit)
			}
			if kind == "relation-departed" {
				hook.DepartingUnit = hook.RemoteUnit
			}
			return hook
		}
	}
	if name, ok := strings.CutSuffix(e.Name, "-storage-attached"); ok {
		return peers.JujuHook{Kind: "storage-attached", StorageID: name + "/0"}
	}
	return peers.JujuHook{Kind: e.Name, Restricted: model.EventKind(strings.ReplaceAll(e.Name, "-", "_")).Restricted()}
}

// jujuWorld describes the state to the genuine Juju.
func jujuWorld(meta *model.Metadata, state *modeltest.State) peers.JujuWorld {
	files := maps.Clone(charmFiles)
	files["manifest.yaml"] = "bases: [{name: ubuntu, channel: \"22.04/stable\", architectures: [amd64]}]\n"
	files["dispatch"] = "#!/bin/sh\n"
	w := peers.JujuWorld{
		Model:       peers.JujuModel{Name: state.Model.Name, UUID: state.Model.UUID, Type: "iaas"},
		JujuVersion: state.JujuVersion, Unit: "web-app/0", CharmFiles: files, Leader: state.Leader, Config: state.Config, State: state.Stored,
		UnitStatus:     peers.JujuStatus{Status: state.UnitStatus.Name, Message: state.UnitStatus.Message},
		AppStatus:      peers.JujuStatus{Status: "unknown"},
		AgentStatus:    peers.JujuStatus{Status: "executing"},
		OtherStatuses:  map[string]peers.JujuStatus{"web-app/1": {Status: "active"}},
		PrivateAddress: state.PrivateAddress, PublicAddress: state.PublicAddress,
		Relations: map[string]*peers.JujuRelation{}, Secrets: map[string]*peers.JujuSecret{}, Storages: map[string]peers.JujuStorage{},
		Networks: map[string]peers.JujuNetwork{},
	}
	if state.Model.Kubernetes() {
		w.Model.Type = "caas"
	}
	w.LeaderSettings, w.PodSpec, w.RawPodSpec = state.LeaderSettings, state.PodSpec, state.RawPodSpec
	for _, r := range state.Relations {
		peer := r.PeersData != nil
		to := &peers.JujuRelation{Endpoint: r.Endpoint, RemoteApp: r.RemoteApp, RemoteEndpoint: r.RemoteEndpoint, Data: map[string]map[string]string{
			"web-app": nonNil(r.LocalAppData), "web-app/0": nonNil(r.LocalUnitData),
		}}
		others, app := r.RemoteUnitsData, r.RemoteApp
		if peer {
			others, app = r.PeersData, "web-app"
		} else {
			to.Data[app] = nonNil(r.RemoteAppData)
		}
		for id, bag := range others {
			unit := app + "/" + strconv.Itoa(id)
			to.Members = append(to.Members, unit)
			to.Data[unit] = bag
		}
		slices.Sort(to.Members)
		w.Relations[strconv.Itoa(r.ID)] = to
	}
	for _, s := range state.Secrets {
		to := &peers.JujuSecret{
			Owner: "pg", Description: s.Description, Rotate: s.Rotate, Expire: s.Expire, Latest: s.LatestRevision,
			Revisions: map[int]map[string]string{s.LatestRevision: s.LatestContent}, Grants: map[string]peers.JujuGrant{},
			Consumers: map[string]peers.JujuConsumer{},
		}
		switch s.Owner {
		case "app":
			to.Owner, to.Label = "web-app", s.Label
		case "unit":
			to.Owner, to.Label = "web-app/0", s.Label
		default:
			if !s.Denied {
				to.Grants["web-app"] = peers.JujuGrant{Relation: "1"}
			}
		}
		if s.TrackedContent != nil {
			to.Revisions[s.TrackedRevision] = s.TrackedContent
			consumer := peers.JujuConsumer{Revision: s.TrackedRevision}
			if s.Owner == "" {
				consumer.Label = s.Label
			}
			to.Consumers["web-app/0"] = consumer
		}
		for id, names := range s.RemoteGrants {
			for _, name := range names {
				to.Grants[name] = peers.JujuGrant{Relation: strconv.Itoa(id)}
			}
		}
		w.Secrets[strings.TrimPrefix(s.ID, "secret:")] = to
	}
	for _, s := range state.Storages {
		location := s.Location
		if location == "" {
			location = meta.Storages[s.Name].Location
		}
		w.Storages[fmt.Sprintf("%s/%d", s.Name, s.Index)] = peers.JujuStorage{Kind: meta.Storages[s.Name].Type, Location: location}
	}
	for _, p := range state.OpenedPorts {
		to := peers.JujuPort{Endpoint: p.Endpoint, Protocol: "tcp", From: p.Port, To: max(p.Port, p.ToPort)}
		if p.Protocol == "icmp" {
			to = peers.JujuPort{Protocol: "icmp", From: -1, To: -1}
		}
		w.Ports = append(w.Ports, to)
	}
	for _, binding := range []string{"website"} {
		w.Networks[binding] = peers.JujuNetwork{
			BindAddresses:    []peers.JujuInterface{{Addresses: []peers.JujuAddress{{Value: "192.0.2.0"}}}},
			EgressSubnets:    []string{"192.0.2.0/24"},
			IngressAddresses: []string{"192.0.2.0"},
		}
	}
	for _, n := range state.Networks {
		to := peers.JujuNetwork{EgressSubnets: n.EgressSubnets, IngressAddresses: n.IngressAddresses}
		for _, b := range n.BindAddresses {
			iface := peers.JujuInterface{MAC: b.MACAddress, Name: b.InterfaceName}
			for _, a := range b.Addresses {
				iface.Addresses = append(iface.Addresses, peers.JujuAddress{Hostname: a.Hostname, Value: a.Value, CIDR: a.CIDR})
			}
			to.BindAddresses = append(to.BindAddresses, iface)
		}
		w.Networks[n.Binding] = to
	}
	if c := state.Model.CloudSpec; c != nil {
		w.Cloud = &peers.JujuCloud{
			Type: c.Type, Name: c.Name, Region: c.Region, Endpoint: c.Endpoint, CACertificates: c.CACertificates,
			Credential: &peers.JujuCredential{AuthType: c.Credential.AuthType, Attributes: c.Credential.Attributes},
		}
	}
	w.GoalState = goalOf(state)
	return w
}

// goalOf is the goal state that the simulated Juju makes of the relations.
func goalOf(state *modeltest.State) *peers.JujuGoalState {
	since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	active := peers.JujuGoal{Status: "active", Since: &since}
	goal := &peers.JujuGoalState{Units: map[string]peers.JujuGoal{"web-app/0": active}, Relations: map[string]map[string]peers.JujuGoal{}}
	for _, r := range state.Relations {
		for id := range r.PeersData {
			goal.Units["web-app/"+strconv.Itoa(id)] = active
		}
		if r.PeersData != nil {
			continue
		}
		if goal.Relations[r.Endpoint] == nil {
			goal.Relations[r.Endpoint] = map[string]peers.JujuGoal{}
		}
		goal.Relations[r.Endpoint][r.RemoteApp] = peers.JujuGoal{Status: "joined", Since: &since}
		for id := range r.RemoteUnitsData {
			goal.Relations[r.Endpoint][r.RemoteApp+"/"+strconv.Itoa(id)] = active
		}
	}
	return goal
}
