package model

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Metadata is what a charm says of itself. It does not change once loaded.
type Metadata struct {
	Name, Summary, Description string
	// Maintainers come from maintainer, maintainers and links.contact.
	Maintainers []string
	Links       Links
	Tags        []string
	Terms       []string
	Series      []string // of charms made before there were bases
	Subordinate bool
	// MinJujuVersion is as written; Assumes has replaced it.
	MinJujuVersion string
	Assumes        *Assumes // nil: nothing
	// CharmUser is "root" by default, or else "sudoer" or "non-root".
	CharmUser string

	Requires, Provides, Peers map[string]*RelationMeta
	// Relations holds the three of them: names are unique among endpoints.
	Relations     map[string]*RelationMeta
	Storages      map[string]*StorageMeta
	Resources     map[string]*ResourceMeta
	Payloads      map[string]*PayloadMeta
	ExtraBindings []string // sorted
	Containers    map[string]*ContainerMeta
	Actions       map[string]*ActionMeta
	Options       map[string]*OptionMeta
}

// Links are a charm's addresses on the web.
type Links struct {
	Websites, Sources, Issues []string
	Documentation             string
}

// Assumes is what a charm needs of Juju: a feature, or a condition on others.
// The root is an AllOf.
type Assumes struct {
	Feature string // "juju", "k8s-api"; empty for a condition
	// Operator is ">=" or "<", with a Version; both are empty when any
	// version will do.
	Operator, Version string
	AllOf, AnyOf      []*Assumes
}

// Role is a unit's side of a relation.
type Role string

// The roles.
const (
	Peer     Role = "peer"
	Requires Role = "requires"
	Provides Role = "provides"
)

// RelationMeta describes an endpoint.
type RelationMeta struct {
	Name        string
	Role        Role
	Interface   string
	Limit       *int   // how many relations at most; nil: any number
	Scope       string // "global" or "container"
	Optional    bool   // for the reader only: Juju does not enforce it
	Description string
}

// StorageMeta describes a storage.
type StorageMeta struct {
	Name        string
	Type        string // "filesystem" or "block"
	Description string
	Shared      bool
	ReadOnly    bool
	MinimumSize string // as written: "1G"
	Location    string
	Multiple    *StorageRange // nil: exactly one
	Properties  []string
}

// StorageRange says how many instances a storage may have.
type StorageRange struct {
	Min int
	Max int // -1: any number
}

// ResourceMeta describes a resource.
type ResourceMeta struct {
	Name, Type, Filename, Description string // Type is "file" or "oci-image"
}

// PayloadMeta describes a payload.
type PayloadMeta struct {
	Name, Type string
}

// ContainerMeta describes a workload container.
type ContainerMeta struct {
	Name     string
	Resource string // the oci-image resource that it runs
	Bases    []ContainerBase
	Mounts   map[string]*MountMeta // by storage
	UID, GID *int                  // nil: Juju's choice
}

// ContainerBase is a system that a container without a resource may run.
type ContainerBase struct {
	OS, Channel   string
	Architectures []string
}

// MountMeta says where a container has a storage.
type MountMeta struct {
	Storage   string
	Locations []string // in the order of the file
}

// ActionMeta describes an action.
type ActionMeta struct {
	Name, Title, Description string
	// Parameters is the map of JSON schemas under params: plain data, with
	// int64 for whole numbers.
	Parameters map[string]any
	Required   []string
	// AdditionalProperties is nil when the file does not say; then
	// [Version.RefusesExtraActionParams] decides.
	AdditionalProperties *bool
	// AdditionalSchema is what others have to be, when additionalProperties is a
	// JSON schema.
	AdditionalSchema map[string]any
	Parallel         bool
	ExecutionGroup   string
}

// OptionMeta describes a configuration option.
type OptionMeta struct {
	Name string
	Type string // "string", "int", "float", "boolean" or "secret"
	// Default is nil (unset), string, int64, float64 or bool, as Type wants.
	// A secret's is a string: the secret's URI.
	Default     any
	Description string
}

// MetadataError is a mistake in one of the files that [LoadMetadata] reads.
type MetadataError struct {
	File         string
	Line, Column int    // from 1; 0 when the whole file is meant
	Message      string // what is wrong
	Note         string // what to do about it; may be empty
	// Rule names what [CheckMetadata] looked at; "metadata" for what
	// [LoadMetadata] refuses, too. It is empty in the errors of the latter.
	Rule string
	path string // of the value in the file, such as requires.db.interface
	Err  error  // the cause, or nil
}

func (e *MetadataError) Error() string {
	text := e.File
	if e.Line > 0 {
		text += fmt.Sprintf(":%d:%d", e.Line, e.Column)
	}
	text += ": " + e.Message
	if e.Note != "" {
		text += " (" + e.Note + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *MetadataError) Unwrap() error { return e.Err }

// The files that LoadMetadata reads.
const (
	metadataFile   = "metadata.yaml"
	configFile     = "config.yaml"
	actionsFile    = "actions.yaml"
	charmcraftFile = "charmcraft.yaml"
)

// LoadMetadata reads a charm's metadata from its root: from metadata.yaml,
// config.yaml and actions.yaml, as packed charms have them; for each of the
// three that is missing, from charmcraft.yaml, as source trees have it.
//
// Unknown keys are ignored, and so are mistakes that only deploying would
// show. An error is a [*MetadataError], or several of them joined.
func LoadMetadata(fsys fs.FS) (*Metadata, error) {
	m, err := ReadMetadata(fsys)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// ReadMetadata is [LoadMetadata] for metadata with mistakes: it returns what
// could be read besides the error, nil only if that is nothing.
func ReadMetadata(fsys fs.FS) (*Metadata, error) {
	r := &metadataReader{fsys: fsys, m: &Metadata{CharmUser: "root"}}
	craft := &source{reader: r, file: charmcraftFile}

	metadata, ok := r.open(metadataFile)
	if !ok {
		root, ok := craft.open()
		if !ok && len(r.errs) == 0 {
			return nil, &MetadataError{File: metadataFile, Message: "there is no such file, nor a " + charmcraftFile,
				Note: "one of them must be in the charm's root", Err: fs.ErrNotExist}
		}
		metadata = section{r, charmcraftFile, "", root}
	}
	r.metadata(metadata)

	config, ok := r.open(configFile)
	if !ok {
		config = craft.section("config")
	}
	r.options(config.mapping().at("options"))

	actions, ok := r.open(actionsFile)
	if !ok {
		actions = craft.section("actions")
	}
	r.actions(actions)

	r.clashes(metadata)
	switch len(r.errs) {
	case 0:
		return r.m, nil
	case 1:
		return r.m, r.errs[0]
	}
	return r.m, errors.Join(r.errs...)
}

// maxMetadataErrors is how many mistakes are reported at once.
const maxMetadataErrors = 20

type metadataReader struct {
	fsys fs.FS
	m    *Metadata
	errs []error
}

func (r *metadataReader) fail(err error) {
	if len(r.errs) < maxMetadataErrors {
		r.errs = append(r.errs, err)
	}
}

// open returns the content of a file, and false when there is no such file.
func (r *metadataReader) open(file string) (section, bool) {
	root, err := readYAML(r.fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return section{}, false
	}
	s := section{r, file, "", root}
	if err != nil {
		r.fail(err)
		return section{reader: r, file: file}, true
	}
	return s, true
}

// source is charmcraft.yaml, which is read only when it is needed.
type source struct {
	reader *metadataReader
	file   string
	opened bool
	root   *yamlNode
	found  bool
}

func (s *source) open() (*yamlNode, bool) {
	if !s.opened {
		s.opened = true
		content, found := s.reader.open(s.file)
		s.root, s.found = content.node, found
	}
	return s.root, s.found
}

func (s *source) section(key string) section {
	root, _ := s.open()
	return section{s.reader, s.file, "", root}.at(key)
}

func (r *metadataReader) metadata(s section) {
	m := r.m
	if s = s.mapping(); s.node == nil && len(r.errs) > 0 {
		return
	}
	m.Name = s.at("name").text()
	if m.Name == "" && len(r.errs) == 0 {
		s.fail("the charm has no name", "add a line like name: my-charm")
	}
	m.Summary = s.at("summary").text()
	m.Description = s.at("description").text()
	links := s.at("links").mapping()
	m.Maintainers = slices.Concat(s.at("maintainer").texts(), s.at("maintainers").texts(), links.at("contact").texts())
	m.Links = Links{
		Websites: slices.Concat(s.at("website").texts(), links.at("website").texts()),
		Sources:  slices.Concat(s.at("source").texts(), links.at("source").texts()),
		Issues:   slices.Concat(s.at("issues").texts(), links.at("issues").texts()),
	}
	if m.Links.Documentation = s.at("docs").text(); m.Links.Documentation == "" {
		m.Links.Documentation = links.at("documentation").text()
	}
	m.Tags = s.at("tags").texts()
	m.Terms = s.at("terms").texts()
	m.Series = s.at("series").texts()
	m.Subordinate = s.at("subordinate").boolean()
	m.MinJujuVersion = s.at("min-juju-version").text()
	if user := s.at("charm-user"); !user.node.null() {
		m.CharmUser = user.oneOf("root", "sudoer", "non-root")
	}
	if assumes := s.at("assumes"); !assumes.node.null() {
		m.Assumes = &Assumes{}
		for _, item := range assumes.list() {
			m.Assumes.AllOf = append(m.Assumes.AllOf, item.assumes())
		}
	}
	m.Relations = make(map[string]*RelationMeta)
	m.Requires = r.relations(s.at("requires"), Requires)
	m.Provides = r.relations(s.at("provides"), Provides)
	m.Peers = r.relations(s.at("peers"), Peer)
	m.Storages = named(s.at("storage"), storageMeta)
	m.Resources = named(s.at("resources"), resourceMeta)
	m.Payloads = named(s.at("payloads"), func(name string, s section) *PayloadMeta {
		return &PayloadMeta{Name: name, Type: s.at("type").text()}
	})
	m.Containers = named(s.at("containers"), containerMeta)
	for name := range s.at("extra-bindings").entries() {
		m.ExtraBindings = append(m.ExtraBindings, name)
	}
	slices.Sort(m.ExtraBindings)
}

func (r *metadataReader) relations(s section, role Role) map[string]*RelationMeta {
	all := make(map[string]*RelationMeta)
	// "db: pgsql" is short for "db: {interface: pgsql}".
	for name, s := range s.entries() {
		if !s.validName(name) {
			continue
		}
		meta := &RelationMeta{Name: name, Role: role, Scope: "global"}
		if !s.node.null() && s.node.kind == scalarKind {
			meta.Interface = s.text()
		} else {
			s = s.mapping()
			meta.Interface = s.at("interface").text()
			if limit := s.at("limit"); !limit.node.null() {
				n := limit.integer()
				meta.Limit = &n
			}
			if scope := s.at("scope"); !scope.node.null() {
				meta.Scope = scope.oneOf("global", "container")
			}
			meta.Optional = s.at("optional").boolean()
			meta.Description = s.at("description").text()
		}
		if meta.Interface == "" {
			s.fail("the endpoint has no interface", "add a line like interface: http")
		}
		if other, ok := r.m.Relations[name]; ok {
			s.fail(fmt.Sprintf("the endpoint %q is also under %s", name, other.Role.key()), "names are unique among endpoints")
		}
		r.m.Relations[name] = meta
		all[name] = meta
	}
	return all
}

// key is where the metadata has the endpoints of a role.
func (r Role) key() string {
	if r == Peer {
		return "peers"
	}
	return string(r)
}

func storageMeta(name string, s section) *StorageMeta {
	meta := &StorageMeta{
		Name:        name,
		Type:        s.at("type").oneOf("filesystem", "block"),
		Description: s.at("description").text(),
		Shared:      s.at("shared").boolean(),
		ReadOnly:    s.at("read-only").boolean(),
		MinimumSize: s.at("minimum-size").text(),
		Location:    s.at("location").text(),
		Properties:  s.at("properties").texts(),
	}
	if bounds := s.at("multiple").at("range"); !bounds.node.null() {
		meta.Multiple = bounds.storageRange()
	}
	return meta
}

func resourceMeta(name string, s section) *ResourceMeta {
	meta := &ResourceMeta{
		Name:        name,
		Type:        "file",
		Filename:    s.at("filename").text(),
		Description: s.at("description").text(),
	}
	if kind := s.at("type"); !kind.node.null() {
		meta.Type = kind.oneOf("file", "oci-image")
	}
	return meta
}

func containerMeta(name string, s section) *ContainerMeta {
	meta := &ContainerMeta{Name: name, Resource: s.at("resource").text(), Mounts: make(map[string]*MountMeta)}
	for _, base := range s.at("bases").list() {
		meta.Bases = append(meta.Bases, ContainerBase{
			OS:            base.at("name").text(),
			Channel:       base.at("channel").text(),
			Architectures: base.at("architectures").texts(),
		})
	}
	for _, mount := range s.at("mounts").list() {
		storage, location := mount.at("storage").text(), mount.at("location").text()
		if storage == "" || location == "" {
			mount.fail("a mount needs a storage and a location", "")
			continue
		}
		if meta.Mounts[storage] == nil {
			meta.Mounts[storage] = &MountMeta{Storage: storage}
		}
		meta.Mounts[storage].Locations = append(meta.Mounts[storage].Locations, location)
	}
	for key, field := range map[string]**int{"uid": &meta.UID, "gid": &meta.GID} {
		if id := s.at(key); !id.node.null() {
			n := id.integer()
			*field = &n
		}
	}
	return meta
}

func (r *metadataReader) actions(s section) {
	r.m.Actions = named(s, func(name string, s section) *ActionMeta {
		meta := &ActionMeta{
			Name:           name,
			Title:          s.at("title").text(),
			Description:    s.at("description").text(),
			Required:       s.at("required").texts(),
			Parallel:       s.at("parallel").boolean(),
			ExecutionGroup: s.at("execution-group").text(),
			Parameters:     make(map[string]any),
		}
		for name, param := range s.at("params").entries() {
			meta.Parameters[name] = param.node.data()
		}
		if extra := s.at("additionalProperties"); !extra.node.null() {
			// A schema for the rest allows a rest.
			allowed := extra.node.kind == mappingKind || extra.boolean()
			meta.AdditionalProperties = &allowed
			meta.AdditionalSchema, _ = extra.node.data().(map[string]any)
		}
		return meta
	})
}

func (r *metadataReader) options(s section) {
	r.m.Options = named(s, func(name string, s section) *OptionMeta {
		meta := &OptionMeta{Name: name, Type: "string", Description: s.at("description").text()}
		if kind := s.at("type"); !kind.node.null() {
			meta.Type = kind.oneOf("string", "int", "float", "boolean", "secret", "integer")
			if meta.Type == "integer" { // Juju 4.1
				meta.Type = "int"
			}
		}
		if value := s.at("default"); meta.Type != "" && !value.node.null() { // a type that is none was told already
			meta.Default = value.option(meta.Type)
		}
		return meta
	})
}

// clashes finds names that are the same event.
func (r *metadataReader) clashes(s section) {
	seen := make(map[string]EventDef)
	for _, event := range r.m.Events() {
		other, ok := seen[event.Name]
		if !ok {
			seen[event.Name] = event
			continue
		}
		if other.Kind == event.Kind && event.Kind.first() {
			noun := event.Kind.subject()
			section{reader: r, file: s.file}.fail(fmt.Sprintf("the %ss %q and %q would have the same events, such as %s",
				noun, other.Subject, event.Subject, event.Name), "rename one of them")
		}
	}
}

var (
	rangePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\d{1,9})(?:(-)(\d{1,9})?|(\+))?$`) })
	assumesItem  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\s*([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?:\s*(>=|<)\s*(\d\S*))?\s*$`)
	})
)

func (s section) storageRange() *StorageRange {
	part := rangePattern().FindStringSubmatch(s.node.text)
	if part == nil {
		s.fail(fmt.Sprintf("a range cannot be %s", s.node.what()), "write 3, 1-5 or 2+")
		return nil
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(text) // at most nine digits
		return n
	}
	bounds := &StorageRange{Min: number(part[1]), Max: number(part[1])}
	switch {
	case part[3] != "":
		bounds.Max = number(part[3])
	case part[2] != "" || part[4] != "":
		bounds.Max = -1
	}
	return bounds
}

func (s section) assumes() *Assumes {
	if s.node.kind == mappingKind {
		node := &Assumes{}
		for key, value := range s.entries() {
			switch key {
			case "all-of":
				for _, item := range value.list() {
					node.AllOf = append(node.AllOf, item.assumes())
				}
			case "any-of":
				for _, item := range value.list() {
					node.AnyOf = append(node.AnyOf, item.assumes())
				}
			default:
				value.fail(fmt.Sprintf("assumes knows no %q", key), "there are all-of and any-of")
			}
		}
		return node
	}
	part := assumesItem().FindStringSubmatch(s.text())
	if part == nil {
		s.fail(fmt.Sprintf("assumes cannot be %s", s.node.what()), `write a feature, with >= or < and a version if needed: "juju >= 3.6"`)
		return &Assumes{}
	}
	return &Assumes{Feature: part[1], Operator: part[2], Version: part[3]}
}

// option is a default of the given type.
func (s section) option(kind string) any {
	n := s.node
	switch value := n.value.(type) {
	case string:
		if kind == "string" || kind == "secret" && (value == "" || strings.HasPrefix(value, "secret:")) {
			return value
		}
		if b, ok := n.truth(); ok && kind == "boolean" {
			return b
		}
	case int64:
		switch kind {
		case "int":
			return value
		case "float":
			return float64(value)
		}
	case float64:
		if kind == "float" {
			return value
		}
	case bool:
		if kind == "boolean" {
			return value
		}
	}
	note := "Juju refuses such a charm"
	if kind == "string" && n.kind == scalarKind {
		note = "put it in quotes"
	}
	s.fail(fmt.Sprintf("the default of an option of type %s cannot be %s", kind, n.what()), note)
	return nil
}
