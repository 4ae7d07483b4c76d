package model_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/starcharm/starcharm/model"
)

var update = flag.Bool("update", false, "write what is expected anew")

// TestRefused says of charms that Juju refuses why. The same charms are given
// to Juju's own reader in package charmpack.
func TestRefused(t *testing.T) {
	const file = "testdata/refused.txtar"
	archive, err := txtar.ParseFile(file)
	require.NoError(t, err)
	charms := map[string]fstest.MapFS{}
	for _, f := range archive.Files {
		name, path, _ := strings.Cut(f.Name, "/")
		if charms[name] == nil {
			charms[name] = fstest.MapFS{}
		}
		charms[name][path] = &fstest.MapFile{Data: f.Data}
	}
	for i, f := range archive.Files {
		name, ok := strings.CutSuffix(f.Name, "/told")
		if !ok {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var told strings.Builder
			for _, e := range model.CheckMetadata(charms[name]) {
				told.WriteString(e.Rule + " " + e.Error() + "\n")
			}
			if *update {
				archive.Files[i].Data = []byte(told.String())
				return
			}
			assert.NotEmpty(t, told.String())
			assert.Equal(t, string(f.Data), told.String())
		})
	}
	if *update {
		require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o666))
	}
}

// TestCheckMetadataTakesExamples shows that what the rules ask for can be met.
func TestCheckMetadataTakesExamples(t *testing.T) {
	examples, err := os.ReadDir("../examples")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, example := range examples {
		assert.Empty(t, model.CheckMetadata(os.DirFS("../examples/"+example.Name())), example.Name())
	}
}

// FuzzCheckMetadata looks for files that the rules cannot cope with.
func FuzzCheckMetadata(f *testing.F) {
	archive, err := txtar.ParseFile("testdata/refused.txtar")
	require.NoError(f, err)
	for _, file := range archive.Files {
		if strings.HasSuffix(file.Name, ".yaml") {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := &fstest.MapFile{Data: data}
		model.CheckMetadata(fstest.MapFS{"charmcraft.yaml": file, "manifest.yaml": file, "lxd-profile.yaml": file})
		for _, e := range model.CheckMetadata(fstest.MapFS{"metadata.yaml": file, "actions.yaml": file, "config.yaml": file}) {
			assert.NotEmpty(t, e.Message)
		}
	})
}
