// Command charm reads .charm files as Juju does when one is deployed: with the
// library that Juju 3.6 uses, and with the package of Juju 4.1. For each file it
// writes a line of JSON: what each says of it. With "params" it reads lines of
// JSON instead, what users give to actions, and writes what comes of them.
//
// It is a program of other licences (LGPL, AGPL): the tests run it, nothing is
// linked with it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/juju/charm/v12"
	later "github.com/juju/juju/domain/deployment/charm"
)

// A verdict is what is wrong with a charm; empty: nothing.
type verdict struct {
	Juju36  string   `json:"juju-3.6,omitempty"`
	Juju41  string   `json:"juju-4.1,omitempty"`
	Dropped []string `json:"dropped,omitempty"` // what 3.6 leaves out when it packs the charm anew
	Members []string `json:"members"`
}

func main() {
	out := json.NewEncoder(os.Stdout)
	if len(os.Args) == 2 && os.Args[1] == "params" {
		if err := queue(json.NewDecoder(os.Stdin), out); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	for _, path := range os.Args[1:] {
		v, err := read(path)
		if err == nil {
			err = out.Encode(v)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(1)
		}
	}
}

func read(path string) (verdict, error) {
	v := verdict{Members: []string{}}
	if err := read36(path, &v); err != nil {
		v.Juju36 = err.Error()
	}
	if err := read41(path); err != nil {
		v.Juju41 = err.Error()
	}
	return v, nil
}

// read36 goes the way of a local charm in Juju 3.6: the client reads it, the
// controller packs it anew, the unit unpacks it.
func read36(path string, v *verdict) error {
	archive, err := charm.ReadCharmArchive(path)
	if err != nil {
		return err
	}
	if err := charm.CheckMeta(archive); err != nil {
		return err
	}
	if manifest := archive.Manifest(); manifest != nil {
		if err := manifest.Validate(); err != nil {
			return err
		}
	}
	if profile := archive.LXDProfile(); profile != nil {
		if err := profile.ValidateConfigDevices(); err != nil {
			return err
		}
	}
	if config := archive.Config(); config != nil {
		if _, err := config.ValidateSettings(config.DefaultSettings()); err != nil {
			return err
		}
	}
	members, err := archive.ArchiveMembers()
	if err != nil {
		return err
	}
	v.Members = append(v.Members, members.SortedValues()...)
	dir, err := os.MkdirTemp("", "charm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := archive.ExpandTo(dir); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(dir, "dispatch"))
	if err != nil {
		return err
	}
	if info.Mode()&0o100 == 0 {
		return fmt.Errorf("dispatch has mode %v", info.Mode())
	}
	expanded, err := charm.ReadCharmDir(dir)
	if err != nil {
		return err
	}
	anew, err := os.CreateTemp("", "charm-*.charm")
	if err != nil {
		return err
	}
	defer os.Remove(anew.Name())
	defer anew.Close()
	if err := expanded.ArchiveTo(anew); err != nil {
		return err
	}
	again, err := charm.ReadCharmArchive(anew.Name())
	if err != nil {
		return err
	}
	kept, err := again.ArchiveMembers()
	if err != nil {
		return err
	}
	for _, name := range members.Difference(kept).SortedValues() {
		if !strings.HasSuffix(name, "/") {
			v.Dropped = append(v.Dropped, name)
		}
	}
	return nil
}

func read41(path string) error {
	archive, err := later.ReadCharmArchive(path)
	if err != nil {
		return err
	}
	if err := later.CheckMeta(archive); err != nil {
		return err
	}
	manifest := archive.Manifest()
	if manifest == nil || len(manifest.Bases) == 0 {
		return fmt.Errorf("no manifest, or one without bases")
	}
	return manifest.Validate()
}
