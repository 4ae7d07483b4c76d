package model

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// PackedFiles are the YAML files that a packed charm has, and what it is for.
type PackedFiles struct {
	// Metadata, Config and Actions are metadata.yaml, config.yaml and
	// actions.yaml; the latter two are nil for a charm without any.
	Metadata, Config, Actions []byte
	// Bases are the systems that the charm runs on, at least one.
	Bases []CharmBase
	// Architectures are those that the charm is for, by their names in Debian,
	// sorted; none for a charm that does not say.
	Architectures []string
}

// A CharmBase is a system that a charm runs on.
type CharmBase struct {
	Name, Channel string // "ubuntu", "24.04"
}

// DefaultBase is that of a charm that does not say which system it is for.
// The program that runs it asks for none in particular.
func DefaultBase() CharmBase { return CharmBase{"ubuntu", "24.04"} }

// ReadPackedFiles takes charmcraft.yaml apart as charmcraft does; of a charm
// that has metadata.yaml, config.yaml or actions.yaml in its source, those are
// taken. They are written anew, so that Juju, whose YAML is version 1.1, reads
// in them what [LoadMetadata] does.
//
// It checks nothing that [CheckMetadata] would.
func ReadPackedFiles(fsys fs.FS) (*PackedFiles, error) {
	craft, err := readYAML(fsys, charmcraftFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var p PackedFiles
	written := []struct {
		file string
		into *[]byte
		made func(craft *yamlNode) any
	}{
		{metadataFile, &p.Metadata, packedMetadata},
		{configFile, &p.Config, func(craft *yamlNode) any { return craft.under("config").juju() }},
		{actionsFile, &p.Actions, func(craft *yamlNode) any { return craft.under("actions").juju() }},
	}
	for _, w := range written {
		var content any
		node, err := readYAML(fsys, w.file)
		switch {
		case err == nil:
			content = node.juju()
		case errors.Is(err, fs.ErrNotExist):
			content = w.made(craft)
		default:
			return nil, err
		}
		if content == nil {
			continue
		}
		if *w.into, err = marshalYAML(content); err != nil {
			return nil, fmt.Errorf("cannot write %s: %w", w.file, err)
		}
	}
	manifest, err := readYAML(fsys, manifestFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	p.platforms(craft, manifest)
	return &p, nil
}

func marshalYAML(content any) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(content); err != nil {
		return nil, err
	}
	err := encoder.Close()
	return out.Bytes(), err
}

// packedMetadata is metadata.yaml as charmcraft makes it.
func packedMetadata(craft *yamlNode) any {
	if craft == nil {
		return nil
	}
	metadata := map[string]any{}
	put := func(key string, from *yamlNode) {
		if from != nil {
			metadata[key] = from.juju()
		}
	}
	for _, key := range []string{
		"name", "summary", "description", "assumes", "charm-user", "containers", "devices", "extra-bindings", "payloads", "peers", "provides",
		"requires", "resources", "storage", "subordinate", "terms",
	} {
		put(key, craft.under(key))
	}
	put("display-name", craft.under("title"))
	links := craft.under("links")
	put("docs", links.under("documentation"))
	for _, key := range []string{"issues", "source", "website"} {
		put(key, links.under(key))
	}
	if contact := links.under("contact"); !contact.null() {
		metadata["maintainers"] = []any{contact.juju()}
		if contact.kind == sequenceKind {
			put("maintainers", contact)
		}
	}
	return metadata
}

// under is the value under a key; nil when there is none.
func (n *yamlNode) under(key string) *yamlNode {
	if n == nil {
		return nil
	}
	return n.values[key]
}

// juju is the value as plain data, with the booleans that Juju's YAML has for
// words without quotes.
func (n *yamlNode) juju() any {
	if n.null() {
		return nil
	}
	switch n.kind {
	case sequenceKind:
		list := make([]any, len(n.items))
		for i, item := range n.items {
			list[i] = item.juju()
		}
		return list
	case mappingKind:
		mapping := make(map[string]any, len(n.keys))
		for key, value := range n.values {
			mapping[key] = value.juju()
		}
		return mapping
	}
	if value, ok := n.truth(); ok {
		return value
	}
	return n.value
}

// platforms reads what the charm is for: from a manifest, which only packed
// charms have, else from base, platforms and bases of charmcraft.yaml.
func (p *PackedFiles) platforms(craft, manifest *yamlNode) {
	for _, base := range manifest.under("bases").list() {
		p.base(base)
	}
	if manifest == nil {
		if text := craft.under("base").string(); text != "" {
			p.baseNamed(text)
		}
		platforms := craft.under("platforms")
		if platforms != nil && platforms.kind == mappingKind {
			for _, label := range platforms.keys {
				p.platform(label, platforms.values[label])
			}
		}
		for _, base := range craft.under("bases").list() {
			if runOn := base.under("run-on"); runOn != nil {
				for _, base := range runOn.list() {
					p.base(base)
				}
				continue
			}
			p.base(base)
		}
	}
	if len(p.Bases) == 0 {
		p.Bases = []CharmBase{DefaultBase()}
	}
	slices.Sort(p.Architectures)
	p.Architectures = slices.Compact(p.Architectures)
	if slices.Contains(p.Architectures, "all") {
		p.Architectures = nil
	}
}

// platform reads "arm64:", "ubuntu@24.04:arm64:" and "any-label: {build-for: [arm64]}".
func (p *PackedFiles) platform(label string, value *yamlNode) {
	base, arch, ok := strings.Cut(label, ":")
	if !ok {
		base, arch = "", label
	}
	if base != "" {
		p.baseNamed(base)
	}
	buildFor := value.under("build-for")
	if buildFor.null() {
		p.Architectures = append(p.Architectures, arch)
		return
	}
	for _, item := range append(buildFor.list(), buildFor) {
		text := item.string()
		if base, arch, ok := strings.Cut(text, ":"); ok {
			p.baseNamed(base)
			text = arch
		}
		if text != "" {
			p.Architectures = append(p.Architectures, text)
		}
	}
}

// base reads {name: ubuntu, channel: "24.04", architectures: [amd64]}.
func (p *PackedFiles) base(node *yamlNode) {
	if name, channel := node.under("name").string(), node.under("channel"); name != "" && !channel.null() {
		p.addBase(CharmBase{name, channel.text})
	}
	for _, arch := range node.under("architectures").list() {
		p.Architectures = append(p.Architectures, arch.string())
	}
}

func (p *PackedFiles) baseNamed(text string) {
	if name, channel, ok := strings.Cut(text, "@"); ok {
		p.addBase(CharmBase{name, channel})
	}
}

func (p *PackedFiles) addBase(base CharmBase) {
	if !slices.Contains(p.Bases, base) {
		p.Bases = append(p.Bases, base)
	}
}

// list is the items of a sequence.
func (n *yamlNode) list() []*yamlNode {
	if n == nil {
		return nil
	}
	return n.items
}

// string is the text of a scalar, or "".
func (n *yamlNode) string() string {
	if n == nil || n.null() {
		return ""
	}
	return n.text
}

// Manifest is manifest.yaml of a charm for one architecture, packed by the
// given version of starcharm.
func (p *PackedFiles) Manifest(arch, version string) ([]byte, error) {
	bases := make([]any, len(p.Bases))
	for i, base := range p.Bases {
		bases[i] = map[string]any{"name": base.Name, "channel": base.Channel, "architectures": []string{arch}}
	}
	// What Charmhub reads of a charm whose language it does not know.
	unknown := func(name string) any { return map[string]any{"name": name, "result": "unknown"} }
	return marshalYAML(map[string]any{
		"analysis":          map[string]any{"attributes": []any{unknown("language"), unknown("framework")}},
		"bases":             bases,
		"starcharm-version": version,
	})
}
