package peers

import "time"

// JujuWorld is all that the agent's controller knows of a model. Maps are keyed by what identifies the thing.
type JujuWorld struct {
	Model       JujuModel      `json:"model"`
	ModelConfig map[string]any `json:"model-config,omitempty"` // further model options, such as juju-http-proxy
	JujuVersion string         `json:"juju-version,omitempty"` // what JUJU_VERSION says; default 3.5.1, which the code is
	Unit        string         `json:"unit"`
	Principal   string         `json:"principal,omitempty"`
	Machine     string         `json:"machine,omitempty"` // default "0"; machine models only
	Zone        string         `json:"zone,omitempty"`

	APIAddresses    []string `json:"api-addresses,omitempty"`
	SLA             string   `json:"sla,omitempty"`
	CloudAPIVersion string   `json:"cloud-api-version,omitempty"`
	MeterStatus     string   `json:"meter-status,omitempty"` // default AMBER

	// CharmDir has metadata.yaml and, as the charm needs, config.yaml, actions.yaml and dispatch. Without one the agent
	// keeps the charm itself, made of CharmFiles (path to content); dispatch, hooks/* and actions/* are made executable.
	CharmDir   string            `json:"charm-dir,omitempty"`
	CharmFiles map[string]string `json:"charm-files,omitempty"`

	Leader         bool              `json:"leader"`
	LeaderSettings map[string]string `json:"leader-settings,omitempty"`
	Config         map[string]any    `json:"config,omitempty"` // what is set; the charm's defaults are added on reading
	State          map[string]string `json:"state,omitempty"`  // the charm's state-set values

	Relations       map[string]*JujuRelation `json:"relations,omitempty"` // by id
	Secrets         map[string]*JujuSecret   `json:"secrets,omitempty"`   // by id, which is a 20 character xid
	Storages        map[string]JujuStorage   `json:"storages,omitempty"`  // by id, such as data/0
	StorageRequests map[string]uint64        `json:"storage-requests,omitempty"`
	Resources       map[string]JujuResource  `json:"resources,omitempty"`
	Networks        map[string]JujuNetwork   `json:"networks,omitempty"` // by binding; "" serves those that are not named
	GoalState       *JujuGoalState           `json:"goal-state,omitempty"`
	Cloud           *JujuCloud               `json:"cloud,omitempty"` // nil: the application is not trusted

	PrivateAddress string                `json:"private-address,omitempty"`
	PublicAddress  string                `json:"public-address,omitempty"`
	Ports          []JujuPort            `json:"ports,omitempty"`
	OtherPorts     map[string][]JujuPort `json:"other-ports,omitempty"` // by unit on the same machine

	UnitStatus      JujuStatus             `json:"unit-status"`
	AppStatus       JujuStatus             `json:"app-status"`
	AgentStatus     JujuStatus             `json:"agent-status"`
	OtherStatuses   map[string]JujuStatus  `json:"other-statuses,omitempty"` // by unit of the same application
	WorkloadVersion string                 `json:"workload-version,omitempty"`
	PodSpec         string                 `json:"pod-spec,omitempty"`
	RawPodSpec      string                 `json:"raw-pod-spec,omitempty"`
	Payloads        map[string]JujuPayload `json:"payloads,omitempty"` // by class
	Reboots         int                    `json:"reboots,omitempty"`

	Metrics map[string]string            `json:"metrics,omitempty"` // what add-metric recorded last, by key
	Actions map[string]*JujuActionRecord `json:"actions,omitempty"` // by id

	// RefuseCommit makes the controller refuse what hooks commit, with this text.
	RefuseCommit string `json:"refuse-commit,omitempty"`
}

// JujuModel says which model the unit lives in.
type JujuModel struct {
	Name string `json:"name"`
	UUID string `json:"uuid"`
	Type string `json:"type"` // iaas or caas
}

// JujuRelation is one relation of the unit's application.
type JujuRelation struct {
	Endpoint       string                       `json:"endpoint"`
	RemoteApp      string                       `json:"remote-app,omitempty"`      // empty for a peer relation
	RemoteEndpoint string                       `json:"remote-endpoint,omitempty"` // default as Endpoint
	Members        []string                     `json:"members,omitempty"`         // remote (or peer) units in scope
	Data           map[string]map[string]string `json:"data,omitempty"`            // every databag by its owner: unit or application
	Suspended      bool                         `json:"suspended,omitempty"`
	Life           string                       `json:"life,omitempty"` // default alive
	Status         string                       `json:"status,omitempty"`
}

// JujuSecret is one secret of the model, of any owner.
type JujuSecret struct {
	Owner       string                    `json:"owner"` // unit or application name
	Label       string                    `json:"label,omitempty"`
	Description string                    `json:"description,omitempty"`
	Rotate      string                    `json:"rotate,omitempty"`
	NextRotate  *time.Time                `json:"next-rotate,omitempty"`
	Expire      *time.Time                `json:"expire,omitempty"`
	Latest      int                       `json:"latest"`              // the newest revision's number
	Revisions   map[int]map[string]string `json:"revisions,omitempty"` // plain, not encoded
	Grants      map[string]JujuGrant      `json:"grants,omitempty"`    // by unit or application name
	Consumers   map[string]JujuConsumer   `json:"consumers,omitempty"` // by unit name
	Rotated     int                       `json:"rotated,omitempty"`   // how often the agent reported a rotation
}

// JujuGrant lets a unit or an application see a secret for as long as a relation lives.
type JujuGrant struct {
	Relation string `json:"relation,omitempty"` // the relation's id; empty: for good
}

// JujuConsumer is what one unit tracks of a secret.
type JujuConsumer struct {
	Label    string `json:"label,omitempty"`
	Revision int    `json:"revision"`
}

// JujuStorage is an instance attached to the unit. Without a location it is not provisioned yet.
type JujuStorage struct {
	Kind     string `json:"kind,omitempty"` // filesystem (the default) or block
	Location string `json:"location,omitempty"`
	Life     string `json:"life,omitempty"`
}

// JujuResource is a file, or the JSON that describes an OCI image.
type JujuResource struct {
	Type     string `json:"type,omitempty"` // file (the default) or oci-image
	Filename string `json:"filename,omitempty"`
	Content  string `json:"content"`
}

// JujuNetwork is what network-get tells about a binding.
type JujuNetwork struct {
	BindAddresses    []JujuInterface `json:"bind-addresses,omitempty"`
	EgressSubnets    []string        `json:"egress-subnets,omitempty"`
	IngressAddresses []string        `json:"ingress-addresses,omitempty"`
}

// JujuInterface is a network interface with its addresses.
type JujuInterface struct {
	MAC       string        `json:"mac-address"`
	Name      string        `json:"interface-name"`
	Addresses []JujuAddress `json:"addresses"`
}

// JujuAddress is an address of an interface.
type JujuAddress struct {
	Hostname string `json:"hostname"`
	Value    string `json:"value"`
	CIDR     string `json:"cidr"`
}

// JujuGoalState is what goal-state tells.
type JujuGoalState struct {
	Units     map[string]JujuGoal            `json:"units"`
	Relations map[string]map[string]JujuGoal `json:"relations"` // by endpoint, then by application or unit
}

// JujuGoal is a goal's status. Juju 3.5.1 panics when Since is missing.
type JujuGoal struct {
	Status string     `json:"status"`
	Since  *time.Time `json:"since"`
}

// JujuCloud is what credential-get tells a trusted application of a machine model.
type JujuCloud struct {
	Type              string          `json:"type"`
	Name              string          `json:"name"`
	Region            string          `json:"region,omitempty"`
	Endpoint          string          `json:"endpoint,omitempty"`
	IdentityEndpoint  string          `json:"identity-endpoint,omitempty"`
	StorageEndpoint   string          `json:"storage-endpoint,omitempty"`
	Credential        *JujuCredential `json:"credential,omitempty"`
	CACertificates    []string        `json:"cacertificates,omitempty"`
	SkipTLSVerify     bool            `json:"skip-tls-verify,omitempty"`
	IsControllerCloud bool            `json:"is-controller-cloud,omitempty"`
}

// JujuCredential is a cloud credential.
type JujuCredential struct {
	AuthType   string            `json:"auth-type"`
	Attributes map[string]string `json:"attrs,omitempty"`
	Redacted   []string          `json:"redacted,omitempty"`
}

// JujuPort is a range of ports of an endpoint ("" for all). ICMP has ports -1.
type JujuPort struct {
	Endpoint string `json:"endpoint,omitempty"`
	Protocol string `json:"protocol"`
	From     int    `json:"from"`
	To       int    `json:"to"`
}

// JujuStatus is a status with its message.
type JujuStatus struct {
	Status  string         `json:"status,omitempty"`
	Message string         `json:"message,omitempty"`
	Data    map[string]any `json:"data,omitempty"`
}

// JujuPayload is what a unit has registered under a class.
type JujuPayload struct {
	Type   string   `json:"type"`
	ID     string   `json:"id"`
	Status string   `json:"status"`
	Labels []string `json:"labels,omitempty"`
}

// JujuActionRecord is a queued, running or finished action.
type JujuActionRecord struct {
	Name    string         `json:"name"`
	Params  map[string]any `json:"params,omitempty"`
	Status  string         `json:"status,omitempty"` // pending, running, completed, failed
	Message string         `json:"message,omitempty"`
	Results map[string]any `json:"results,omitempty"`
	Log     []string       `json:"log,omitempty"`
}
