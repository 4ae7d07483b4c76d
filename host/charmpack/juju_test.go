package charmpack_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/host/charmpack"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/testdata/peers"
)

// TestJujuTakesWhatIsPacked gives the examples to Juju's own readers.
func TestJujuTakesWhatIsPacked(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	runtime := elfProgram(t, amd64)
	var files []string
	for _, example := range examples {
		packed, err := charmpack.Pack(t.Context(), charmpack.Options{
			Dir: example, Runtime: runtime, Output: filepath.Join(t.TempDir(), "x.charm"), Version: "1.0",
		})
		require.NoError(t, err)
		files = append(files, packed.File)
	}
	for i, verdict := range peers.ReadCharms(t, files...) {
		assert.Empty(t, verdict.Juju36, examples[i])
		assert.Empty(t, verdict.Juju41, examples[i])
		assert.Empty(t, verdict.Dropped, examples[i])
		assert.Contains(t, verdict.Members, "src/charm.star", examples[i])
	}
}

// TestJujuRefuses gives the charms that CheckMetadata refuses to Juju's own
// reader, which refuses them too, but for those that say why it does not.
func TestJujuRefuses(t *testing.T) {
	names, charms := archive(t, "../../model/testdata/refused.txtar")
	for i, verdict := range verdicts(t, names, charms) {
		name := names[i]
		assert.NotEmpty(t, model.CheckMetadata(charms[name]), name)
		if why, ok := charms[name]["juju"]; ok {
			assert.Empty(t, verdict.Juju36, "%s: Juju does refuse it: %s", name, why.Data)
		} else {
			assert.NotEmpty(t, verdict.Juju36, "%s: Juju takes it", name)
		}
	}
}

// TestJujuTakes gives charms to Juju's own readers that use what Juju allows.
func TestJujuTakes(t *testing.T) {
	names, charms := archive(t, "../../model/testdata/taken.txtar")
	for i, verdict := range verdicts(t, names, charms) {
		name := names[i]
		assert.Empty(t, model.CheckMetadata(charms[name]), name)
		assert.Empty(t, verdict.Juju36, name)
		assert.Empty(t, verdict.Juju41, name)
	}
}

// archive reads the charms in a txtar file: a directory each.
func archive(t *testing.T, file string) (names []string, charms map[string]fstest.MapFS) {
	parsed, err := txtar.ParseFile(file)
	require.NoError(t, err)
	charms = map[string]fstest.MapFS{}
	for _, f := range parsed.Files {
		name, path, _ := strings.Cut(f.Name, "/")
		if charms[name] == nil {
			charms[name] = fstest.MapFS{}
			names = append(names, name)
		}
		charms[name][path] = &fstest.MapFile{Data: f.Data}
	}
	require.NotEmpty(t, names)
	return names, charms
}

// verdicts packs charms as they are, unchecked, and gives them to Juju.
func verdicts(t *testing.T, names []string, charms map[string]fstest.MapFS) []peers.CharmVerdict {
	dir := t.TempDir()
	var files []string
	for _, name := range names {
		packed, err := model.ReadPackedFiles(charms[name])
		require.NoError(t, err, name)
		manifest, err := packed.Manifest("amd64", "1.0")
		require.NoError(t, err)
		members := map[string][]byte{
			"metadata.yaml": packed.Metadata, "config.yaml": packed.Config, "actions.yaml": packed.Actions, "manifest.yaml": manifest,
			"dispatch": []byte("#!/bin/sh\n"),
		}
		for _, name := range []string{"manifest.yaml", "lxd-profile.yaml"} {
			if given, ok := charms[names[len(files)]][name]; ok {
				members[name] = given.Data
			}
		}
		file, err := os.Create(filepath.Join(dir, name+".charm"))
		require.NoError(t, err)
		w := zip.NewWriter(file)
		for name, content := range members {
			if content == nil {
				continue
			}
			header := &zip.FileHeader{Name: name}
			header.SetMode(0o755)
			member, err := w.CreateHeader(header)
			require.NoError(t, err)
			_, err = member.Write(content)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		require.NoError(t, file.Close())
		files = append(files, file.Name())
	}
	return peers.ReadCharms(t, files...)
}
