package model

import "io/fs"

// MetadataPlaces are where the keys of a charm's metadata are.
type MetadataPlaces struct{ metadata, config, actions *section }

// ReadMetadataPlaces reads where the keys are, in charmcraft.yaml or in the
// files of a packed charm.
func ReadMetadataPlaces(fsys fs.FS) *MetadataPlaces {
	r := &metadataReader{fsys: fsys, m: &Metadata{}}
	p := &MetadataPlaces{}
	s, split := r.open(metadataFile)
	if !split {
		s, _ = r.open(charmcraftFile)
	}
	p.metadata = &s
	if config, ok := r.open(configFile); ok {
		p.config = &config
	}
	if actions, ok := r.open(actionsFile); ok {
		p.actions = &actions
	}
	return p
}

// Of is the place of the key that a path of keys leads to, of those of
// charmcraft.yaml: "config", "options", "port". The line is 0 when there is
// none.
func (p *MetadataPlaces) Of(path ...string) (file string, line, column int) {
	s := *p.metadata
	switch {
	case path[0] == "config" && p.config != nil:
		s, path = *p.config, path[1:]
	case path[0] == "actions" && p.actions != nil:
		s, path = *p.actions, path[1:]
	}
	last := len(path) - 1
	for _, key := range path[:last] {
		s = s.at(key)
	}
	line, column = s.place(path[last])
	return s.file, line, column
}
