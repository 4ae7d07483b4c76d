package simulate

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/starcharm/starcharm/builtins/machine"
	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/model"
	"github.com/starcharm/starcharm/model/hooktool"
	"github.com/starcharm/starcharm/pebble"
)

// LiveSnapshot takes the snapshot of the unit in whose hook context, which env
// tells of, this process runs. The charm is in JUJU_CHARM_DIR, else in dir.
// secrets says that the contents of secrets are to be told.
func LiveSnapshot(ctx context.Context, env map[string]string, dir string, secrets bool) (*Snapshot, error) {
	hook, err := model.ParseContext(env)
	if err != nil {
		return nil, err
	}
	if hook.UnitName == "" {
		return nil, errors.New("cannot take a snapshot: JUJU_UNIT_NAME is not set; a unit is looked at from within, for instance with juju exec --unit web/0 -- ./dispatch snapshot")
	}
	if hook.CharmDir == "" {
		hook.CharmDir = dir
	}
	meta, err := model.LoadMetadata(os.DirFS(hook.CharmDir))
	if err != nil {
		return nil, err
	}
	tools, err := hooktool.Open(env, hooktool.Options{})
	if err != nil {
		return nil, err
	}
	defer tools.Close()
	document, err := Kept(ctx, hook.CharmDir)
	if err != nil {
		return nil, fmt.Errorf("cannot take a snapshot: %w", err)
	}
	s, err := TakeSnapshot(ctx, SnapshotOptions{
		Context: hook, Metadata: meta, Tools: tools, Now: machine.Real().Now, Document: document, Secrets: secrets,
		Pebble: func(path string) *pebble.Client { return pebble.New(pebble.Config{SocketPath: path}) },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot take a snapshot: %w", err)
	}
	return s, nil
}

// Kept is what the charm keeps in its directory, as no hook of it changes it.
func Kept(ctx context.Context, dir string) ([]byte, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	store := host.FileStore(dir, func() {
		cancel(errors.New("a hook of the unit runs: take it when it has ended"))
	})
	defer store.Close()
	document, err := store.Load(ctx)
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	return document, err
}
