package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/starcharm/starcharm/model"
)

// The names of a unit's state in its charm directory, and with Juju.
const (
	stateFile = ".starcharm-state.json"
	lockFile  = ".starcharm-state.lock"
	stateKey  = "starcharm-state"
)

// maxState is how large a state document may be.
const maxState = 64 << 20

// lockPoll is how long to wait before asking for the lock again.
const lockPoll = 20 * time.Millisecond

// A fileStore keeps the state in the charm's directory. A lock on a second
// file keeps two dispatches of one unit apart.
type fileStore struct {
	dir  string
	lock *os.File
	// waiting is called once if another dispatch has the lock.
	waiting func()
	// step is called before each step of a save; tests end the process there.
	step func(string)
}

// FileStore returns the store in a charm's directory. If another dispatch
// holds its lock, Load calls waiting once and waits.
func FileStore(dir string, waiting func()) Store {
	return &fileStore{dir: dir, waiting: waiting, step: func(string) {}}
}

func (s *fileStore) String() string { return filepath.Join(s.dir, stateFile) }

func (s *fileStore) Load(ctx context.Context) ([]byte, error) {
	if err := s.acquire(ctx); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.String(), os.O_RDONLY|unix.O_NONBLOCK, 0) // not to wait for the writer of a FIFO
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &StateError{Store: s.String(), Message: err.Error(), Err: err}
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, &StateError{Store: s.String(), Message: err.Error(), Err: err}
	} else if !info.Mode().IsRegular() {
		return nil, &StateError{Store: s.String(), Message: errNoFile.Error(), Cure: "remove it", Err: errNoFile}
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxState+1))
	if err != nil {
		return nil, &StateError{Store: s.String(), Message: err.Error(), Err: err}
	}
	if len(raw) > maxState {
		return nil, &StateError{Store: s.String(), Message: fmt.Sprintf("it is larger than %d MiB", maxState>>20),
			Cure: "restore it from a copy, or remove it to start with empty stored state and no deferred events"}
	}
	if raw == nil {
		raw = []byte{}
	}
	return raw, nil
}

// acquire takes the lock, waiting for another dispatch to end. Where no lock
// file can be made, because the directory cannot be written, there is nothing
// to protect: a save will say so.
func (s *fileStore) acquire(ctx context.Context) error {
	if s.lock != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(s.dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOSPC) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot lock the state: %w", err)
	}
	for first := true; ; first = false {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			s.lock = f
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return fmt.Errorf("cannot lock the state: %s: %w", f.Name(), err)
		}
		if first && s.waiting != nil {
			s.waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return fmt.Errorf("cannot lock the state: another dispatch of this unit holds %s: %w", f.Name(), context.Cause(ctx))
		case <-time.After(lockPoll):
		}
	}
}

// Save writes a new file next to the old one and puts it in its place. A
// process or machine that dies on the way leaves the old file or the new one.
func (s *fileStore) Save(_ context.Context, document []byte) error {
	if len(document) > maxState {
		return fmt.Errorf("cannot save the state in %s, which stays as it was: it would be larger than %d MiB; store less", s, maxState>>20)
	}
	if err := s.save(document); err != nil {
		return fmt.Errorf("cannot save the state in %s, which stays as it was: %w%s", s, err, saveCure(err))
	}
	return nil
}

func (s *fileStore) save(document []byte) error {
	s.step("clear")
	if err := s.clear(); err != nil {
		return err
	}
	s.step("create")
	f, err := renameio.NewPendingFile(s.String(), renameio.WithTempDir(s.dir), renameio.WithPermissions(0o600), renameio.IgnoreUmask())
	if err != nil {
		return err
	}
	defer f.Cleanup()
	s.step("write")
	half := len(document) / 2
	if _, err := f.Write(document[:half]); err != nil {
		return err
	}
	s.step("write the rest")
	if _, err := f.Write(document[half:]); err != nil {
		return err
	}
	s.step("sync and rename")
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	s.step("sync the directory")
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return err
	}
	s.step("done")
	return nil
}

// clear removes what saves that were cut short have left behind. It is ours
// alone while we hold the lock.
func (s *fileStore) clear() error {
	if s.lock == nil {
		return nil
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		// renameio names its files so: a dot, the name, a number.
		if strings.HasPrefix(entry.Name(), "."+stateFile) && entry.Type().IsRegular() {
			if err := os.Remove(filepath.Join(s.dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func saveCure(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "; free space on that disk, then juju resolve"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		return "; make that directory writable for the user that runs the charm, then juju resolve"
	}
	return ""
}

func (s *fileStore) Close() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// maxStateValue is the most bytes that Juju takes as one value of the charm
// state: MaxCharmStateValueSize in its core/quota.
const maxStateValue = 65536

// A jujuStore keeps the state with Juju, which takes it when the hook
// succeeds. What does not fit into one value goes on in further ones.
type jujuStore struct{ model *model.Model }

func (s jujuStore) String() string { return "Juju (state-get " + stateKey + ")" }
func (s jujuStore) Close() error   { return nil }

// partKey is the key of one part of the document, counted from 0.
func partKey(i int) string {
	if i == 0 {
		return stateKey
	}
	return fmt.Sprintf("%s.%d", stateKey, i)
}

func (s jujuStore) Load(context.Context) ([]byte, error) {
	var document []byte
	for i := 0; ; i++ {
		value, found, err := s.model.StateGet(partKey(i))
		if err != nil || !found {
			return document, err
		}
		document = append(document, value...)
		if document == nil {
			document = []byte{}
		}
	}
}

func (s jujuStore) Save(_ context.Context, document []byte) error {
	parts := map[string]string{}
	n := 0
	for rest := string(document); rest != ""; n++ {
		end := min(len(rest), maxStateValue)
		for range utf8.UTFMax - 1 {
			if end < len(rest) && !utf8.RuneStart(rest[end]) {
				end--
			}
		}
		parts[partKey(n)], rest = rest[:end], rest[end:]
	}
	if err := s.model.StateSet(parts); err != nil {
		return fmt.Errorf("cannot save the state in %s: %w", s, err)
	}
	for ; ; n++ {
		_, found, err := s.model.StateGet(partKey(n))
		if err == nil && found {
			err = s.model.StateDelete(partKey(n))
		}
		if err != nil {
			return fmt.Errorf("cannot save the state in %s: %w", s, err)
		}
		if !found {
			return nil
		}
	}
}

// A MemoryStore keeps the state in memory, for simulated hooks. Its bytes are
// the document; nil when there is none.
type MemoryStore struct{ Document []byte }

func (s *MemoryStore) String() string                       { return "memory" }
func (s *MemoryStore) Close() error                         { return nil }
func (s *MemoryStore) Load(context.Context) ([]byte, error) { return s.Document, nil }
func (s *MemoryStore) Save(_ context.Context, document []byte) error {
	s.Document = document
	return nil
}
