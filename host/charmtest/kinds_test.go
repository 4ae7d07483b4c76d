package charmtest

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// unlisted are fields of a state file that components do not have, and who
// says them instead.
var unlisted = map[string][]string{
	"State":        {"juju_version", "app_name", "unit_id", "machine_id", "availability_zone", "principal_unit", "private_address", "public_address"},
	"Relation":     {"peers_data"},
	"PeerRelation": {"remote_app", "remote_app_data", "remote_units_data", "remote_model_uuid", "remote_endpoint"},
}

// TestKinds: the fields of each kind are those of a state file, and each has a
// signature and a text.
func TestKinds(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			assert.Regexp(t, `^\S.*\.$`, k.doc)
			var listed []string
			for i := range k.fields {
				f := &k.fields[i]
				assert.NotNil(t, k.index(f), "%s is no field of %s", f.name, k.typ)
				assert.NotEmpty(t, f.sig, f.name)
				assert.Regexp(t, `^\S.*[.…]$`, f.doc, f.name)
				listed = append(listed, f.name, f.key)
			}
			for _, key := range stateKeys(k.typ) {
				assert.NotEqual(t, slices.Contains(unlisted[k.name], key), slices.Contains(listed, key),
					"the field %s of a state file has to be in the kind's table, or in the list of those that are not", key)
			}
		})
	}
}

func stateKeys(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if options == "inline" {
			keys = append(keys, stateKeys(t.Field(i).Type)...)
		} else if key != "" && key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestTables: what the tables say is whole.
func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Documentation() {
		assert.False(t, seen[d.Name], d.Name)
		seen[d.Name] = true
		assert.Regexp(t, `^\S.*\.$`, d.Doc, d.Name)
		names := map[string]bool{}
		for _, m := range d.Members {
			assert.False(t, names[m.Name], "%s has two members %s", d.Name, m.Name)
			names[m.Name] = true
			assert.NotEmpty(t, m.Signature, m.Name)
			assert.Regexp(t, `^\S.*\.$`, m.Doc, "%s.%s", d.Name, m.Name)
			assert.Equal(t, m.Method, regexp.MustCompile(`^\(`).MatchString(m.Signature), "%s.%s", d.Name, m.Name)
		}
	}
}
