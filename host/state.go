package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// DocumentVersion is the version of the state document that this starcharm
// reads and writes.
const DocumentVersion = 1

// A Store keeps a unit's state, one document, from one hook to the next.
type Store interface {
	// Load returns the document that was saved last; nil if there is none.
	// From then on until Close nobody else can change it, where the store can
	// see to that.
	Load(ctx context.Context) ([]byte, error)
	// Save replaces the document, as a whole or not at all.
	Save(ctx context.Context, document []byte) error
	Close() error
	// String names the store in messages.
	String() string
}

// A Document is what lives on from one hook to the next.
type Document struct {
	Version int `json:"version"`
	// Stored are the stored objects' values, by object and name.
	Stored map[string]map[string]json.RawMessage `json:"stored,omitempty"`
	// Deferred are the deferred events, oldest first.
	Deferred []*Notice `json:"deferred,omitempty"`
	// Config are digests of the options' values at the last config-changed
	// hook that succeeded, by name; nil before the first.
	Config map[string]string `json:"config,omitempty"`
	// SecretRemovals are revisions of secrets, by the secret's id, that could
	// not be removed yet; see [model.Model.RemoveSecrets].
	SecretRemovals map[string][]int `json:"secret_removals,omitempty"`
}

// A Notice is an event that one handler still has to handle.
type Notice struct {
	Event string `json:"event"`
	// Scope is the library instance whose event it is; "" for Juju's.
	Scope string          `json:"scope,omitempty"`
	Data  json.RawMessage `json:"data"`
	// Handler is the function, in HandlerScope.
	Handler      string `json:"handler"`
	HandlerScope string `json:"handler_scope,omitempty"`
}

// same says whether n and o are the same event for the same handler.
func (n *Notice) same(o *Notice) bool {
	return n.Event == o.Event && n.Scope == o.Scope && n.Handler == o.Handler &&
		n.HandlerScope == o.HandlerScope && bytes.Equal(n.Data, o.Data)
}

// A StateError is a state document that cannot be read. It stays as it is.
type StateError struct {
	Store   string
	Message string
	Cure    string
	Err     error
}

func (e *StateError) Error() string {
	text := fmt.Sprintf("cannot read the state in %s: %s", e.Store, e.Message)
	if e.Cure != "" {
		text += "; " + e.Cure
	}
	return text
}

func (e *StateError) Unwrap() error { return e.Err }

// state is the document during one hook: what was saved and what has changed.
// It is loaded when it is first needed.
type state struct {
	ctx    context.Context
	choose func() Store // which store, known once the charm is loaded
	store  Store
	saved  []byte
	doc    *Document
}

// load reads the document, unless it has been.
func (s *state) load() (*Document, error) {
	if s.doc != nil {
		return s.doc, nil
	}
	if s.store == nil {
		s.store = s.choose()
	}
	raw, err := s.store.Load(s.ctx)
	if err != nil {
		return nil, err
	}
	doc, err := ParseDocument(s.store.String(), raw)
	if err != nil {
		return nil, err
	}
	s.saved, s.doc = raw, doc
	return doc, nil
}

// ParseDocument reads a document that store kept; nil is an empty one.
func ParseDocument(store string, raw []byte) (*Document, error) {
	doc := &Document{Version: DocumentVersion}
	if raw == nil {
		return doc, nil
	}
	damaged := func(reason string, err error) error {
		return &StateError{Store: store, Message: "it is damaged: " + reason, Err: err,
			Cure: "restore it from a copy, or remove it to start with empty stored state and no deferred events"}
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, damaged("it is empty", nil)
	}
	// The version comes first: what another version holds may be of another form.
	var header struct {
		Version *int `json:"version"`
	}
	switch err := json.Unmarshal(raw, &header); {
	case err != nil:
		return nil, damaged(jsonReason(err), err)
	case header.Version == nil:
		return nil, damaged("it does not say which version it has", nil)
	case *header.Version != DocumentVersion:
		return nil, &StateError{
			Store:   store,
			Message: fmt.Sprintf("it has version %d, and this starcharm reads version %d", *header.Version, DocumentVersion),
			Cure:    "refresh to a charm with the starcharm that wrote it, or remove it to start with empty stored state and no deferred events",
		}
	}
	if err := json.Unmarshal(raw, doc); err != nil {
		return nil, damaged(jsonReason(err), err)
	}
	if slices.Contains(doc.Deferred, nil) {
		return nil, damaged("a deferred event is null", nil)
	}
	return doc, nil
}

// jsonReason says what is wrong with JSON without the names of Go's types.
func jsonReason(err error) string {
	var typed *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &typed):
		return err.Error()
	case typed.Field == "":
		return fmt.Sprintf("it holds a JSON %s, not an object", typed.Value)
	}
	return fmt.Sprintf("%q is a JSON %s", typed.Field, typed.Value)
}

// Encode writes the document.
func (d *Document) Encode() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // so that values are the same bytes in memory and in the document
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("cannot write the state: %w", err)
	}
	return buf.Bytes(), nil
}

// Value implements builtins.Store.
func (s *state) Value(object, name string) (json.RawMessage, error) {
	doc, err := s.load()
	if err != nil {
		return nil, err
	}
	return doc.Stored[object][name], nil
}

// SetValue implements builtins.Store.
func (s *state) SetValue(object, name string, value json.RawMessage) error {
	doc, err := s.load()
	if err != nil {
		return err
	}
	doc.Set(object, name, value)
	return nil
}

// Set keeps a stored object's value.
func (d *Document) Set(object, name string, value json.RawMessage) {
	if d.Stored == nil {
		d.Stored = map[string]map[string]json.RawMessage{}
	}
	if d.Stored[object] == nil {
		d.Stored[object] = map[string]json.RawMessage{}
	}
	d.Stored[object][name] = value
}

// commit saves the document if it has changed.
func (s *state) commit() error {
	if s.doc == nil {
		return nil
	}
	raw, err := s.doc.Encode()
	if err != nil {
		return err
	}
	empty := s.saved == nil && s.doc.Stored == nil && s.doc.Deferred == nil && s.doc.Config == nil && s.doc.SecretRemovals == nil
	if empty || bytes.Equal(bytes.TrimSpace(raw), bytes.TrimSpace(s.saved)) {
		return nil
	}
	if s.ctx.Err() != nil {
		return context.Cause(s.ctx) // Juju will run the hook again
	}
	return s.store.Save(s.ctx, raw)
}

// close releases the store.
func (s *state) close() error {
	if s.store == nil {
		return nil
	}
	return s.store.Close()
}
