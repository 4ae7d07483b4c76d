package model

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/starcharm/starcharm/model/hooktool"
)

// Config is what a [Model] is made of. All fields but Now, Written and Looked
// are needed.
type Config struct {
	Context  *Context
	Metadata *Metadata
	Tools    hooktool.Runner
	// Now is the clock; time.Now by default.
	Now func() time.Time
	// Written is told of a databag that was changed, and of the keys.
	Written func(bag *Databag, keys []string)
	// Looked is told of each option and each key of a databag that is looked up;
	// the key "" stands for all. bag is nil for an option.
	Looked func(bag *Databag, key string)
}

// Model is the Juju model as the unit sees it during one hook. What was read
// is kept until the hook ends. A Model is for one goroutine at a time.
type Model struct {
	ctx context.Context
	cfg Config

	config        map[string]any // nil: not asked yet
	leader        *bool
	statuses      map[bool]Status // by whether it is the application's
	goal          *GoalState      // nil: not asked yet
	version       *string         // the workload's, as set in this hook
	relationLists map[string][]*Relation
	relations     map[relationKey]*Relation
	written       []*Databag // in the order in which they are flushed
	databagBytes  int        // what is kept of databags, as it was read in JSON
	actionParams  map[string]any
	ports         []Port // nil: not asked yet
	portChanges   []portChange
	resources     map[string]string
	storages      map[string][]Storage
	locations     map[Storage]string
	secrets       map[secretKey]*Secret
	secretsByID   map[string]*secretFacts // by unique id
	secretLabels  map[string]string       // the ids of own secrets
	secretValues  map[string]bool
	networks      map[string]*Network
	cloudSpec     *CloudSpec
	masker        *masker
	state         map[string]string // nil: not asked yet
	reporting     bool              // a denied call
}

// New returns the model for a hook that lasts as long as ctx.
func New(ctx context.Context, cfg Config) *Model {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Model{
		ctx:           ctx,
		cfg:           cfg,
		statuses:      make(map[bool]Status),
		relationLists: make(map[string][]*Relation),
		relations:     make(map[relationKey]*Relation),
		resources:     make(map[string]string),
		storages:      make(map[string][]Storage),
		locations:     make(map[Storage]string),
		secrets:       make(map[secretKey]*Secret),
		secretsByID:   make(map[string]*secretFacts),
		secretLabels:  make(map[string]string),
		secretValues:  make(map[string]bool),
		networks:      make(map[string]*Network),
	}
}

// Context returns the hook's environment.
func (m *Model) Context() *Context { return m.cfg.Context }

// Metadata returns the charm's metadata.
func (m *Model) Metadata() *Metadata { return m.cfg.Metadata }

// maxArgument is the most bytes that the kernel takes as one argument
// (MAX_ARG_STRLEN, less the final zero).
const maxArgument = 131_071

// run runs a hook tool and returns its standard output.
func (m *Model) run(tool string, stdin []byte, args ...string) ([]byte, error) {
	result, err := m.call(hooktool.Call{Name: tool, Args: args, Stdin: stdin})
	if err != nil {
		return nil, err
	}
	return result.Stdout, nil
}

// call runs a hook tool; one that fails is an error, with its result.
func (m *Model) call(call hooktool.Call) (hooktool.Result, error) {
	tool := call.Name
	for _, arg := range call.Args {
		switch {
		case len(arg) > maxArgument:
			return hooktool.Result{}, &Error{Kind: ModelError, Tool: tool,
				Message: fmt.Sprintf("cannot run %s: an argument has %d bytes, more than the %d that Linux takes: %q", tool, len(arg), maxArgument, shorten(arg))}
		case strings.IndexByte(arg, 0) >= 0:
			return hooktool.Result{}, &Error{Kind: ModelError, Tool: tool,
				Message: fmt.Sprintf("cannot run %s: an argument has a zero byte: %q", tool, shorten(arg))}
		}
	}
	result, err := m.cfg.Tools.Run(m.ctx, call)
	if err != nil {
		return hooktool.Result{}, m.unanswered(call, err)
	}
	if len(result.Stdout) > maxAnswer {
		return hooktool.Result{}, nonsense(tool, errors.New("it is too large"))
	}
	if result.Code != 0 {
		return result, m.refused(call, result)
	}
	return result, nil
}
