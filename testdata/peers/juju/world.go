package main

import (
	"encoding/json"
	"time"

	"github.com/juju/juju/rpc/params"
)

// World is all that the in-memory controller knows: it is what a request sets up, and what every answer shows afterwards.
// Maps are keyed by what identifies the thing, so that a merge patch (RFC 7396) can add, change and remove any part.
type World struct {
	Model       Model          `json:"model"`
	ModelConfig map[string]any `json:"model-config,omitempty"` // further model options, such as proxies
	JujuVersion string         `json:"juju-version,omitempty"` // what JUJU_VERSION says; empty: the version of the code, 3.5.1
	Unit        string         `json:"unit"`
	Principal   string         `json:"principal,omitempty"`
	Machine     string         `json:"machine,omitempty"` // IAAS only; empty: "0"
	Zone        string         `json:"zone,omitempty"`

	APIAddresses    []string `json:"api-addresses,omitempty"`
	SLA             string   `json:"sla,omitempty"`
	CloudAPIVersion string   `json:"cloud-api-version,omitempty"`
	MeterStatus     string   `json:"meter-status,omitempty"`

	// CharmDir is a directory with metadata.yaml and, when the charm has them, config.yaml, actions.yaml and dispatch.
	// Without one, CharmFiles (path to content) are written to a directory of the agent's; dispatch is made executable.
	CharmDir   string            `json:"charm-dir,omitempty"`
	CharmFiles map[string]string `json:"charm-files,omitempty"`

	Leader         bool              `json:"leader"`
	LeaderSettings map[string]string `json:"leader-settings,omitempty"`
	Config         map[string]any    `json:"config,omitempty"` // what is set; the charm's defaults are added on reading
	State          map[string]string `json:"state,omitempty"`  // the charm's state-set values

	Relations       map[string]*Relation `json:"relations,omitempty"` // by id
	Secrets         map[string]*Secret   `json:"secrets,omitempty"`   // by id, without "secret:"
	Storages        map[string]Storage   `json:"storages,omitempty"`  // by id, such as data/0
	StorageRequests map[string]uint64    `json:"storage-requests,omitempty"`
	Resources       map[string]Resource  `json:"resources,omitempty"`
	Networks        map[string]Network   `json:"networks,omitempty"` // by binding; "" serves bindings that are not named
	GoalState       *params.GoalState    `json:"goal-state,omitempty"`
	Cloud           *params.CloudSpec    `json:"cloud,omitempty"` // given only to applications that are trusted: nil is "permission denied"

	PrivateAddress string            `json:"private-address,omitempty"`
	PublicAddress  string            `json:"public-address,omitempty"`
	Ports          []Port            `json:"ports,omitempty"`
	OtherPorts     map[string][]Port `json:"other-ports,omitempty"` // by unit on the same machine

	UnitStatus      Status             `json:"unit-status"`
	AppStatus       Status             `json:"app-status"`
	AgentStatus     Status             `json:"agent-status"`
	OtherStatuses   map[string]Status  `json:"other-statuses,omitempty"` // by unit of the same application
	WorkloadVersion string             `json:"workload-version,omitempty"`
	PodSpec         string             `json:"pod-spec,omitempty"`
	RawPodSpec      string             `json:"raw-pod-spec,omitempty"`
	Payloads        map[string]Payload `json:"payloads,omitempty"` // by class
	Reboots         int                `json:"reboots,omitempty"`

	Metrics map[string]string  `json:"metrics,omitempty"` // what add-metric recorded last, by key
	Actions map[string]*Action `json:"actions,omitempty"` // by id

	// RefuseCommit makes the controller refuse what hooks commit, with this text.
	RefuseCommit string `json:"refuse-commit,omitempty"`
}

// Model says which model the unit lives in.
type Model struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
	Type string `json:"type"` // iaas or caas
}

// Relation is one relation of the unit's application. Data holds every databag by its owner: unit or application name.
type Relation struct {
	Endpoint       string                       `json:"endpoint"`
	RemoteApp      string                       `json:"remote-app,omitempty"` // empty for a peer relation
	RemoteEndpoint string                       `json:"remote-endpoint,omitempty"`
	Members        []string                     `json:"members,omitempty"` // remote (or peer) units in scope
	Data           map[string]map[string]string `json:"data,omitempty"`
	Suspended      bool                         `json:"suspended,omitempty"`
	Life           string                       `json:"life,omitempty"` // empty: alive
	Status         string                       `json:"status,omitempty"`
}

// Secret is one secret of the model, of any owner.
type Secret struct {
	Owner       string              `json:"owner"` // unit or application name
	Label       string              `json:"label,omitempty"`
	Description string              `json:"description,omitempty"`
	Rotate      string              `json:"rotate,omitempty"`
	NextRotate  *time.Time          `json:"next-rotate,omitempty"`
	Expire      *time.Time          `json:"expire,omitempty"`
	Latest      int                 `json:"latest"`              // the newest revision's number
	Revisions   map[int]Content     `json:"revisions,omitempty"` // plain, not encoded
	Grants      map[string]Grant    `json:"grants,omitempty"`    // by unit or application name
	Consumers   map[string]Consumer `json:"consumers,omitempty"` // by unit name
	Rotated     int                 `json:"rotated,omitempty"`   // how often the agent reported a rotation
}

// Content is a revision's keys and values.
type Content map[string]string

// Grant lets a unit or an application see a secret for as long as a relation lives.
type Grant struct {
	Relation string `json:"relation,omitempty"` // the relation's id; empty: for good
}

// Consumer is what one unit tracks of a secret.
type Consumer struct {
	Label    string `json:"label,omitempty"`
	Revision int    `json:"revision"`
}

// Storage is an instance attached to the unit. Without a location it is not provisioned yet.
type Storage struct {
	Kind     string `json:"kind,omitempty"` // filesystem (the default) or block
	Location string `json:"location,omitempty"`
	Life     string `json:"life,omitempty"`
}

// Resource is a file, or the JSON that describes an OCI image.
type Resource struct {
	Type     string `json:"type,omitempty"` // file (the default) or oci-image
	Filename string `json:"filename,omitempty"`
	Content  string `json:"content"`
}

// Network is what network-get tells about a binding.
type Network = params.NetworkInfoResult

// Port is a range of ports of an endpoint ("" for all). ICMP has ports -1.
type Port struct {
	Endpoint string `json:"endpoint,omitempty"`
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

// Status is a status with its message.
type Status struct {
	Status  string         `json:"status,omitempty"`
	Message string         `json:"message,omitempty"`
	Data    map[string]any `json:"data,omitempty"`
}

// Action is a queued, running or finished action.
type Action struct {
	Name    string         `json:"name"`
	Params  map[string]any `json:"params,omitempty"`
	Status  string         `json:"status,omitempty"`
	Message string         `json:"message,omitempty"`
	Results map[string]any `json:"results,omitempty"`
	Log     []string       `json:"log,omitempty"`
}

// patch applies a merge patch (RFC 7396) to the world.
func (w *World) patch(patch json.RawMessage) error {
	have, err := json.Marshal(w)
	if err != nil {
		return err
	}
	var target, change any
	if err := json.Unmarshal(have, &target); err != nil {
		return err
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return err
	}
	merged, err := json.Marshal(merge(target, change))
	if err != nil {
		return err
	}
	var next World
	if err := decodeStrictly(merged, &next); err != nil {
		return err
	}
	*w = next
	return nil
}

func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for key, value := range changes {
		if value == nil {
			delete(object, key)
			continue
		}
		object[key] = merge(object[key], value)
	}
	return object
}

// clone is a deep copy.
func (w *World) clone() (*World, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	var copied World
	if err := json.Unmarshal(body, &copied); err != nil {
		return nil, err
	}
	return &copied, nil
}
