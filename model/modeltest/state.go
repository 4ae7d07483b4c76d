package modeltest

import (
	"maps"
	"slices"
	"time"
)

// State is what Juju knows of a unit and its surroundings. Maps and slices
// that are nil are empty, unless their description says otherwise.
type State struct {
	Leader bool `yaml:"leader"`
	// Config holds the options that are set; defaults come from the metadata.
	Config      map[string]any    `yaml:"config"`
	Relations   []*Relation       `yaml:"relations"`
	Secrets     []*Secret         `yaml:"secrets"`
	Storages    []*Storage        `yaml:"storages"` // attached ones
	Resources   []*Resource       `yaml:"resources"`
	OpenedPorts []Port            `yaml:"opened_ports"`
	Networks    []*Network        `yaml:"networks"` // bindings not named here have the default network
	Model       Model             `yaml:"model"`
	UnitStatus  Status            `yaml:"unit_status"`
	AppStatus   Status            `yaml:"app_status"`
	Stored      map[string]string `yaml:"stored"` // what state-set keeps with the controller

	WorkloadVersion string `yaml:"workload_version"`
	// PlannedUnits is how many units the application shall have. Nil: this
	// unit and its peers.
	PlannedUnits *int   `yaml:"planned_units"`
	JujuVersion  string `yaml:"juju_version"` // default: 3.6.11
	AppName      string `yaml:"app_name"`     // default: the charm's name
	UnitID       int    `yaml:"unit_id"`

	// MachineID is the number of the unit's machine; default: "0", and "" on
	// Kubernetes.
	MachineID        string `yaml:"machine_id"`
	AvailabilityZone string `yaml:"availability_zone"`
	// PrincipalUnit is the unit that a subordinate's is beside.
	PrincipalUnit string `yaml:"principal_unit"`

	// The addresses that unit-get tells; default: 192.0.2.0.
	PrivateAddress string `yaml:"private_address"`
	PublicAddress  string `yaml:"public_address"`

	// LeaderSettings are what leader-set keeps, for Juju before 4.0; as are the
	// payloads, by class, and the specs of a Kubernetes application.
	LeaderSettings map[string]string  `yaml:"leader_settings"`
	Payloads       map[string]Payload `yaml:"payloads"`
	PodSpec        string             `yaml:"pod_spec"`
	RawPodSpec     string             `yaml:"raw_pod_spec"`

	// StorageRequests counts what storage-add has asked for, by storage.
	StorageRequests map[string]int `yaml:"storage_requests"`
}

// Model is the model that the unit lives in.
type Model struct {
	Name string `yaml:"name"` // default: "model"
	UUID string `yaml:"uuid"` // default: f2c1d1a5-1c7b-4b6e-8f0a-9a3b5c7d9e10
	// Type is "kubernetes", or the machine cloud's: "lxd". The default is
	// "kubernetes" for charms with containers, else "lxd".
	Type string `yaml:"type"`
	// CloudSpec is what credential-get tells a trusted application. Nil: it is
	// not trusted.
	CloudSpec *CloudSpec `yaml:"cloud_spec"`
}

// Kubernetes tells whether units are pods.
func (m Model) Kubernetes() bool { return m.Type == "kubernetes" }

// CloudSpec describes a cloud and the credential for it.
type CloudSpec struct {
	Type              string           `yaml:"type"`
	Name              string           `yaml:"name"`
	Region            string           `yaml:"region"`
	Endpoint          string           `yaml:"endpoint"`
	IdentityEndpoint  string           `yaml:"identity_endpoint"`
	StorageEndpoint   string           `yaml:"storage_endpoint"`
	Credential        *CloudCredential `yaml:"credential"`
	CACertificates    []string         `yaml:"ca_certificates"`
	SkipTLSVerify     bool             `yaml:"skip_tls_verify"`
	IsControllerCloud bool             `yaml:"is_controller_cloud"`
}

// CloudCredential opens a cloud.
type CloudCredential struct {
	AuthType   string            `yaml:"auth_type"`
	Attributes map[string]string `yaml:"attributes"`
	Redacted   []string          `yaml:"redacted"`
}

// Relation is one relation of the unit's application.
type Relation struct {
	ID        int    `yaml:"id"`
	Endpoint  string `yaml:"endpoint"`
	Interface string `yaml:"interface"` // default: the metadata's

	RemoteApp       string `yaml:"remote_app"`        // default: "remote"; not for peers
	RemoteEndpoint  string `yaml:"remote_endpoint"`   // default: the endpoint's own name
	RemoteModelUUID string `yaml:"remote_model_uuid"` // default: this model's

	LocalAppData map[string]string `yaml:"local_app_data"`
	// LocalUnitData is this unit's databag. Nil: what Juju puts into it, the
	// unit's addresses.
	LocalUnitData map[string]string `yaml:"local_unit_data"`
	RemoteAppData map[string]string `yaml:"remote_app_data"`
	// RemoteUnitsData holds the databags of the remote units by their number;
	// every remote unit has one.
	RemoteUnitsData map[int]map[string]string `yaml:"remote_units_data"`
	// PeersData is the same for the other units of a peer relation.
	PeersData map[int]map[string]string `yaml:"peers_data"`
}

// Secret is a secret that the unit owns or has been granted.
type Secret struct {
	ID string `yaml:"id"` // "secret:" and 20 characters
	// Owner is "unit" or "app" when it is this unit or its application, and
	// empty for another application's or a user's secret.
	Owner string `yaml:"owner"`
	// Denied is set when the unit may not read another's secret: it was not
	// granted to it, or was taken back.
	Denied      bool       `yaml:"denied"`
	Label       string     `yaml:"label"`
	Description string     `yaml:"description"`
	Rotate      string     `yaml:"rotate"`      // "never", "hourly", …; empty: not said
	NextRotate  *time.Time `yaml:"next_rotate"` // nil: does not rotate
	Expire      *time.Time `yaml:"expire"`      // nil: does not

	// TrackedContent is the revision that this unit sees, LatestContent the
	// newest. TrackedContent nil: the unit has not read the secret yet.
	// LatestContent nil: the same as TrackedContent.
	TrackedContent map[string]string `yaml:"tracked_content"`
	LatestContent  map[string]string `yaml:"latest_content"`
	// The numbers of these revisions. 0: the tracked one is 1, the latest the
	// same, or the next when the contents differ.
	TrackedRevision int `yaml:"tracked_revision"`
	LatestRevision  int `yaml:"latest_revision"`
	// RemovedRevisions are those that the charm has removed.
	RemovedRevisions []int `yaml:"removed_revisions"`
	// RemoteGrants says by relation id which applications and units may read
	// a secret of this unit or application.
	RemoteGrants map[int][]string `yaml:"remote_grants"`
}

// Storage is an attached instance of a storage.
type Storage struct {
	Name     string `yaml:"name"`
	Index    int    `yaml:"index"`
	Location string `yaml:"location"` // default: the metadata's, else /var/lib/juju/storage/NAME/INDEX
}

// Resource is a file that comes with the charm.
type Resource struct {
	Name string `yaml:"name"`
	Path string `yaml:"path"`
}

// Port is a range of opened ports. ICMP has none.
type Port struct {
	Protocol string `yaml:"protocol"` // "tcp", "udp" or "icmp"; default: "tcp"
	Port     int    `yaml:"port"`
	ToPort   int    `yaml:"to_port"`  // default: Port
	Endpoint string `yaml:"endpoint"` // empty: all
}

// Network is what network-get tells of a binding. Nil lists hold 192.0.2.0.
type Network struct {
	Binding          string        `yaml:"binding"`
	BindAddresses    []BindAddress `yaml:"bind_addresses"`
	IngressAddresses []string      `yaml:"ingress_addresses"`
	EgressSubnets    []string      `yaml:"egress_subnets"`
}

// BindAddress is an interface with its addresses.
type BindAddress struct {
	InterfaceName string    `yaml:"interface_name"`
	MACAddress    string    `yaml:"mac_address"`
	Addresses     []Address `yaml:"addresses"`
}

// Address is one address of an interface.
type Address struct {
	Value    string `yaml:"value"`
	Hostname string `yaml:"hostname"`
	CIDR     string `yaml:"cidr"`
}

// Status is a unit's or an application's status.
type Status struct {
	Name    string `yaml:"name"` // default: "unknown"
	Message string `yaml:"message"`
}

// Clone returns a deep copy.
func (s *State) Clone() *State {
	c := *s
	c.Config = cloneMap(s.Config, cloneValue)
	c.Relations = cloneSlice(s.Relations, func(r *Relation) *Relation {
		if r = clonePointer(r); r == nil {
			return nil
		}
		r.LocalAppData = maps.Clone(r.LocalAppData)
		r.LocalUnitData = maps.Clone(r.LocalUnitData)
		r.RemoteAppData = maps.Clone(r.RemoteAppData)
		r.RemoteUnitsData = cloneMap(r.RemoteUnitsData, maps.Clone)
		r.PeersData = cloneMap(r.PeersData, maps.Clone)
		return r
	})
	c.Secrets = cloneSlice(s.Secrets, (*Secret).clone)
	c.Storages = cloneSlice(s.Storages, clonePointer)
	c.Resources = cloneSlice(s.Resources, clonePointer)
	c.OpenedPorts = slices.Clone(s.OpenedPorts)
	c.Networks = cloneSlice(s.Networks, func(n *Network) *Network {
		if n = clonePointer(n); n == nil {
			return nil
		}
		n.BindAddresses = cloneSlice(n.BindAddresses, func(b BindAddress) BindAddress {
			b.Addresses = slices.Clone(b.Addresses)
			return b
		})
		n.IngressAddresses = slices.Clone(n.IngressAddresses)
		n.EgressSubnets = slices.Clone(n.EgressSubnets)
		return n
	})
	if spec := clonePointer(s.Model.CloudSpec); spec != nil {
		spec.CACertificates = slices.Clone(spec.CACertificates)
		if spec.Credential = clonePointer(spec.Credential); spec.Credential != nil {
			spec.Credential.Attributes = maps.Clone(spec.Credential.Attributes)
			spec.Credential.Redacted = slices.Clone(spec.Credential.Redacted)
		}
		c.Model.CloudSpec = spec
	}
	c.Stored = maps.Clone(s.Stored)
	c.PlannedUnits = clonePointer(s.PlannedUnits)
	c.LeaderSettings = maps.Clone(s.LeaderSettings)
	c.Payloads = cloneMap(s.Payloads, func(p Payload) Payload {
		p.Labels = slices.Clone(p.Labels)
		return p
	})
	c.StorageRequests = maps.Clone(s.StorageRequests)
	return &c
}

func (s *Secret) clone() *Secret {
	if s == nil {
		return nil
	}
	c := *s
	c.NextRotate = clonePointer(s.NextRotate)
	c.Expire = clonePointer(s.Expire)
	c.TrackedContent = maps.Clone(s.TrackedContent)
	c.LatestContent = maps.Clone(s.LatestContent)
	c.RemovedRevisions = slices.Clone(s.RemovedRevisions)
	c.RemoteGrants = cloneMap(s.RemoteGrants, slices.Clone)
	return &c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func cloneSlice[T any](s []T, clone func(T) T) []T {
	if s == nil {
		return nil
	}
	c := make([]T, len(s))
	for i, v := range s {
		c[i] = clone(v)
	}
	return c
}

func cloneMap[M ~map[K]V, K comparable, V any](m M, clone func(V) V) M {
	if m == nil {
		return nil
	}
	c := make(M, len(m))
	for k, v := range m {
		c[k] = clone(v)
	}
	return c
}

// cloneValue copies plain data.
func cloneValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return cloneMap(v, cloneValue)
	case []any:
		return cloneSlice(v, cloneValue)
	}
	return v
}
