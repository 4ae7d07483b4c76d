package simulate

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/model/modeltest"
	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// A Snapshot is the world of a unit that lives, as a State.
type Snapshot struct {
	State *State
	// Missing says what could not be read.
	Missing []string

	mask func(string) string
}

// SnapshotOptions are the ways to a unit.
type SnapshotOptions struct {
	Context  *model.Context
	Metadata *model.Metadata
	Tools    hooktool.Runner
	// Pebble connects to the Pebble on a socket path.
	Pebble func(socketPath string) *pebble.Client
	Now    func() time.Time
	// Document is what the charm keeps; nil: nothing.
	Document []byte
	// Secrets says that the contents of secrets are to be told.
	Secrets bool
	// Unread says that no secret is to be read, so that none is tracked that was
	// not before: those of others are left out, and those of the unit without
	// content.
	Unread bool
}

// redacted stands for the value of a secret.
const redacted = "<secret>"

// maxNotices is how many notices of a container a snapshot has, the newest.
const maxNotices = 100

// TakeSnapshot reads the world of a unit in one of its hooks. It reads the
// unit's secrets, as the charm would, so that none of their values is in it.
//
// What cannot be read is left out, and said in Missing; the error is that
// nothing can be.
func TakeSnapshot(ctx context.Context, o SnapshotOptions) (*Snapshot, error) {
	m := model.New(ctx, model.Config{Context: o.Context, Metadata: o.Metadata, Tools: o.Tools, Now: o.Now})
	leader, err := m.IsLeader()
	if err != nil {
		return nil, err
	}
	s := &Snapshot{State: &State{}, mask: m.Mask}
	if o.Secrets {
		s.mask = func(text string) string { return text }
	}
	r := &snapshotReader{ctx, o, m, s, &s.State.Juju}
	r.juju.Leader = leader
	r.unit()
	r.config()
	r.relations()
	r.resources()
	r.secrets()
	for _, name := range slices.Sorted(maps.Keys(o.Metadata.Containers)) {
		s.State.Containers = append(s.State.Containers, r.container(name))
	}
	if o.Document != nil {
		if err := s.State.keep(o.Document); err != nil {
			r.missing("what the charm keeps", err)
		}
	}
	for i, missing := range s.Missing {
		s.Missing[i] = strings.Join(strings.Fields(s.mask(missing)), " ")
	}
	return s, nil
}

// A snapshotReader fills in a snapshot.
type snapshotReader struct {
	ctx context.Context
	SnapshotOptions
	model *model.Model
	*Snapshot
	juju *modeltest.State
}

func (r *snapshotReader) missing(what string, err error) {
	r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", what, err))
}

// unit reads what the unit is, its statuses, ports and networks.
func (r *snapshotReader) unit() {
	c := r.Context
	r.juju.AppName = c.AppName
	_, number, _ := strings.Cut(c.UnitName, "/")
	r.juju.UnitID, _ = strconv.Atoi(number)
	if c.Version != (model.Version{}) {
		r.juju.JujuVersion = c.Version.String()
	}
	r.juju.Model = modeltest.Model{Name: c.ModelName, UUID: c.ModelUUID}
	r.juju.MachineID, r.juju.AvailabilityZone, r.juju.PrincipalUnit = c.MachineID, c.AvailabilityZone, c.PrincipalUnit
	r.State.Machine.Now = r.Now().UTC().Truncate(time.Second)

	if status, err := r.model.UnitStatus(); err != nil {
		r.missing("unit_status", err)
	} else {
		r.juju.UnitStatus = modeltest.Status{Name: status.Name, Message: status.Message}
	}
	if r.juju.Leader {
		if status, err := r.model.AppStatus(); err != nil {
			r.missing("app_status", err)
		} else {
			r.juju.AppStatus = modeltest.Status{Name: status.Name, Message: status.Message}
		}
	}
	if count, err := r.model.PlannedUnits(); err != nil {
		r.missing("planned_units", err)
	} else {
		r.juju.PlannedUnits = &count
	}
	ports, err := r.model.OpenedPorts()
	if err != nil {
		r.missing("opened_ports", err)
	}
	for _, p := range ports {
		r.juju.OpenedPorts = append(r.juju.OpenedPorts, modeltest.Port{Protocol: p.Protocol, Port: p.From, ToPort: p.To})
	}
	for _, binding := range slices.Sorted(slices.Values(slices.Concat(r.Metadata.ExtraBindings, slices.Collect(maps.Keys(r.Metadata.Relations))))) {
		network, err := r.model.Network(binding)
		if err != nil {
			r.missing("the network of "+binding, err)
			continue
		}
		r.juju.Networks = append(r.juju.Networks, describedNetwork(binding, network))
	}
	if err := r.model.Ask(hooktool.Call{Name: "state-get", Args: []string{"--format=json"}}, &r.juju.Stored); err != nil {
		r.missing("stored", err)
	}
}

func describedNetwork(binding string, n *model.Network) *modeltest.Network {
	described := &modeltest.Network{Binding: binding, BindAddresses: []modeltest.BindAddress{}, IngressAddresses: n.IngressAddresses, EgressSubnets: n.EgressSubnets}
	for _, i := range n.Interfaces {
		address := modeltest.Address{Value: i.Address, CIDR: i.Subnet}
		at := slices.IndexFunc(described.BindAddresses, func(b modeltest.BindAddress) bool {
			return b.InterfaceName == i.Name && b.MACAddress == i.MAC
		})
		if at < 0 {
			at = len(described.BindAddresses)
			described.BindAddresses = append(described.BindAddresses, modeltest.BindAddress{InterfaceName: i.Name, MACAddress: i.MAC})
		}
		described.BindAddresses[at].Addresses = append(described.BindAddresses[at].Addresses, address)
	}
	return described
}

// config reads the options that are not as by default.
func (r *snapshotReader) config() {
	config, err := r.model.Config()
	if err != nil {
		r.missing("config", err)
		return
	}
	for name, value := range config {
		if option := r.Metadata.Options[name]; option != nil && reflect.DeepEqual(option.Default, value) {
			continue
		}
		if r.juju.Config == nil {
			r.juju.Config = map[string]any{}
		}
		r.juju.Config[name] = value
	}
}

// relations reads all relations with their databags.
func (r *snapshotReader) relations() {
	for _, endpoint := range slices.Sorted(maps.Keys(r.Metadata.Relations)) {
		list, err := r.model.Relations(endpoint)
		if err != nil {
			r.missing("the relations of "+endpoint, err)
			continue
		}
		for _, relation := range list {
			described, err := r.relation(relation)
			if err != nil {
				r.missing("the relation "+relation.Key(), err)
				continue
			}
			r.juju.Relations = append(r.juju.Relations, described)
		}
	}
}

func (r *snapshotReader) relation(relation *model.Relation) (*modeltest.Relation, error) {
	app, err := relation.App()
	if err != nil {
		return nil, err
	}
	entities, err := relation.Entities()
	if err != nil {
		return nil, err
	}
	peer := relation.Meta().Role == model.Peer
	d := &modeltest.Relation{ID: relation.ID, Endpoint: relation.Endpoint, Interface: relation.Meta().Interface}
	units := map[int]map[string]string{}
	if peer {
		d.PeersData = units
	} else {
		d.RemoteApp, d.RemoteUnitsData = app, units
		if uuid, err := relation.RemoteModelUUID(); err == nil && uuid != r.Context.ModelUUID {
			d.RemoteModelUUID = uuid
		}
	}
	for _, entity := range entities {
		bag, err := relation.Databag(entity)
		if err != nil {
			return nil, err
		}
		if readable, _, err := bag.CanRead(); err != nil || !readable {
			continue
		}
		data, err := bag.Items()
		if err != nil {
			r.missing("the databag of "+entity+" in "+relation.Key(), err)
			data = map[string]string{}
		}
		_, number, isUnit := strings.Cut(entity, "/")
		switch {
		case entity == r.Context.UnitName:
			d.LocalUnitData = data
		case entity == r.Context.AppName:
			d.LocalAppData = data
		case !isUnit:
			d.RemoteAppData = data
		default:
			n, err := strconv.Atoi(number)
			if err != nil {
				return nil, fmt.Errorf("the unit %q has no number", entity)
			}
			units[n] = data
		}
	}
	return d, nil
}

// resources reads the storages. (Files that come with the charm would have to
// be downloaded.)
func (r *snapshotReader) resources() {
	for _, name := range slices.Sorted(maps.Keys(r.Metadata.Storages)) {
		list, err := r.model.Storages(name)
		if err != nil {
			r.missing("the storages "+name, err)
		}
		for _, instance := range list {
			location, err := r.model.StorageLocation(name, instance.Index)
			if err != nil {
				r.missing("the location of "+instance.ID(), err)
			}
			r.juju.Storages = append(r.juju.Storages, &modeltest.Storage{Name: name, Index: instance.Index, Location: location})
		}
	}
}

// secrets reads those that the unit owns, and those that its options and
// databags name.
func (r *snapshotReader) secrets() {
	ids, err := r.model.SecretIDs()
	if err != nil {
		r.missing("secrets", err)
	}
	own := len(ids)
	if r.Unread {
		for _, id := range ids {
			if err := r.unread(id); err != nil {
				r.missing("the secret "+id, err)
			}
		}
		return
	}
	mention := func(text string) {
		if id, ok := strings.CutPrefix(text, "secret:"); ok && !slices.ContainsFunc(ids, func(known string) bool { return strings.HasSuffix(known, lastPart(id)) }) {
			ids = append(ids, "secret:"+lastPart(id))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.juju.Config)) {
		if text, ok := r.juju.Config[name].(string); ok {
			mention(text)
		}
	}
	for _, relation := range r.juju.Relations {
		bags := append(slices.Collect(maps.Values(relation.RemoteUnitsData)), relation.RemoteAppData)
		var texts []string
		for _, bag := range bags {
			texts = slices.AppendSeq(texts, maps.Values(bag))
		}
		slices.Sort(texts)
		for _, text := range texts {
			mention(text)
		}
	}
	for i, id := range ids {
		described, err := r.secret(id, i < own)
		if err != nil {
			r.missing("the secret "+id, err)
			continue
		}
		r.juju.Secrets = append(r.juju.Secrets, described)
	}
}

// lastPart is a secret's identifier in its URI, which may have the model
// before it.
func lastPart(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// unread adds a secret of the unit without its content.
func (r *snapshotReader) unread(id string) error {
	secret, err := r.model.Secret(id, "")
	if err != nil {
		return err
	}
	d := &modeltest.Secret{ID: id}
	if err := describe(d, secret); err != nil {
		return err
	}
	r.juju.Secrets = append(r.juju.Secrets, d)
	return nil
}

// describe fills in what the owner of a secret knows of it.
func describe(d *modeltest.Secret, secret *model.Secret) error {
	info, err := secret.Info()
	if err != nil {
		return err
	}
	d.Owner = "unit"
	if info.Owner == model.OwnedByApp {
		d.Owner = "app"
	}
	d.Label, d.Description, d.Rotate = info.Label, info.Description, info.Rotation
	d.LatestRevision = info.Revision
	for _, at := range []struct {
		time time.Time
		into **time.Time
	}{{info.Rotates, &d.NextRotate}, {info.Expires, &d.Expire}} {
		if !at.time.IsZero() {
			*at.into = &at.time
		}
	}
	return nil
}

func (r *snapshotReader) secret(id string, own bool) (*modeltest.Secret, error) {
	secret, err := r.model.Secret(id, "")
	if err != nil {
		return nil, err
	}
	d := &modeltest.Secret{ID: id}
	if own {
		if err := describe(d, secret); err != nil {
			return nil, err
		}
	}
	tracked, err := secret.Content(false)
	if err != nil {
		return nil, err
	}
	latest, err := secret.Peek()
	if err != nil {
		return nil, err
	}
	d.TrackedContent = maps.Clone(tracked)
	same := maps.Equal(tracked, latest)
	if !same {
		d.LatestContent = maps.Clone(latest)
		if own {
			d.TrackedRevision = max(d.LatestRevision-1, 1)
		}
	} else if own {
		d.TrackedRevision = d.LatestRevision
	}
	if !r.Secrets {
		for key := range d.TrackedContent {
			d.TrackedContent[key] = redacted
		}
		for key := range d.LatestContent {
			// What differs still does.
			if d.LatestContent[key] != tracked[key] {
				d.LatestContent[key] = redacted + " (newer)"
			} else {
				d.LatestContent[key] = redacted
			}
		}
	}
	return d, nil
}

// container reads a container: its plan as one layer, and what its services and
// checks do. Its files are not looked at.
func (r *snapshotReader) container(name string) *pebbletest.State {
	connected := false
	d := &pebbletest.State{Name: name, CanConnect: &connected}
	client := r.Pebble("/charm/containers/" + name + "/pebble.socket")
	defer client.Close()
	plan, err := client.Plan(r.ctx)
	if err != nil {
		if !pebble.IsKind(err, pebble.ConnectionError) {
			r.missing("the container "+name, err)
		}
		return d
	}
	connected = true
	layer := &pebble.Layer{Services: plan.Services, Checks: plan.Checks, LogTargets: plan.LogTargets, Extra: plan.Extra}
	if len(layer.Services)+len(layer.Checks)+len(layer.LogTargets)+len(layer.Extra) > 0 {
		d.Layers = pebbletest.Layers{{Label: "snapshot", Layer: layer}}
	}
	services, err := client.Services(r.ctx)
	if err != nil {
		r.missing("the services of "+name, err)
	}
	for _, s := range services {
		if s.Current != pebble.ServiceInactive {
			if d.ServiceStatuses == nil {
				d.ServiceStatuses = map[string]pebble.ServiceStatus{}
			}
			d.ServiceStatuses[s.Name] = s.Current
		}
	}
	checks, err := client.Checks(r.ctx, pebble.ChecksOptions{})
	if err != nil {
		r.missing("the checks of "+name, err)
	}
	for _, c := range checks {
		d.CheckInfos = append(d.CheckInfos, &pebbletest.CheckInfo{
			Name: c.Name, Level: c.Level, Startup: c.Startup, Status: c.Status, Successes: c.Successes, Failures: c.Failures, Threshold: c.Threshold,
		})
	}
	notices, err := client.Notices(r.ctx, pebble.NoticesOptions{Types: []string{pebble.NoticeCustom}})
	if err != nil {
		r.missing("the notices of "+name, err)
	}
	if len(notices) > maxNotices {
		r.missing("the notices of "+name, fmt.Errorf("of %d these are the last %d", len(notices), maxNotices))
		notices = notices[len(notices)-maxNotices:]
	}
	for _, n := range notices {
		notice := &pebbletest.Notice{
			ID: n.ID, Key: n.Key, Type: n.Type, UserID: n.UserID, Occurrences: n.Occurrences, LastData: n.LastData,
			FirstOccurred: n.FirstOccurred, LastOccurred: n.LastOccurred, LastRepeated: n.LastRepeated,
		}
		for _, field := range []struct {
			text string
			into *pebble.Duration
		}{{n.RepeatAfter, &notice.RepeatAfter}, {n.ExpireAfter, &notice.ExpireAfter}} {
			if d, err := pebble.ParseDuration(field.text); err == nil {
				*field.into = d
			}
		}
		d.Notices = append(d.Notices, notice)
	}
	return d
}

// YAML writes the snapshot as a state file.
func (s *Snapshot) YAML() ([]byte, error) {
	text, err := s.State.YAML(s.mask)
	if err != nil {
		return nil, err
	}
	var head strings.Builder
	fmt.Fprintf(&head, "# The world of %s/%d, by starcharm snapshot. Files of containers and resources are not in it.\n", s.State.Juju.AppName, s.State.Juju.UnitID)
	for _, missing := range s.Missing {
		fmt.Fprintf(&head, "# Left out: %s\n", missing)
	}
	return append([]byte(head.String()), text...), nil
}

// YAML writes the state as a state file, without what is not said. Each string
// in it is what mask makes of it.
func (s *State) YAML(mask func(string) string) ([]byte, error) {
	node, err := said(reflect.ValueOf(s).Elem())
	if err != nil {
		return nil, err
	}
	masked(node, mask)
	return yaml.Marshal(node)
}

// said is a value in YAML, where structs have only the fields that are set.
func said(v reflect.Value) (*yaml.Node, error) {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	_, custom := v.Interface().(yaml.Marshaler)
	node := &yaml.Node{Kind: yaml.MappingNode}
	switch {
	case !custom && v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if v.Field(i).IsZero() || name == "-" {
				continue
			}
			field, err := said(v.Field(i))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if strings.Contains(options, "inline") {
				node.Content = append(node.Content, field.Content...)
				continue
			}
			node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, field)
		}
		return node, nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8 && !custom:
		node.Kind = yaml.SequenceNode
		for i := range v.Len() {
			elem, err := said(v.Index(i))
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, elem)
		}
		return node, nil
	}
	return node, node.Encode(v.Interface())
}

// masked changes the strings in a tree, but for the keys.
func masked(node *yaml.Node, mask func(string) string) {
	for i, inner := range node.Content {
		if node.Kind != yaml.MappingNode || i%2 == 1 {
			masked(inner, mask)
		}
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str" {
		if text := mask(node.Value); text != node.Value {
			node.SetString(text)
		}
	}
}
