package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// PlaySave is a process that saves a state in a directory and has no good end. The arguments are the directory, what happens,
// the document and, if it dies, the step before which it does.
func PlaySave(args []string) error {
	dir, what, document := args[0], args[1], []byte(args[2])
	store := FileStore(dir, nil).(*fileStore)
	if _, err := store.Load(context.Background()); err != nil {
		return err
	}
	switch what {
	case "die":
		store.step = func(step string) {
			if step == args[3] {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		}
	case "fill":
		// The limit on a file's size is the disk that is full. The signal that goes with it is ignored by Go.
		limit := &unix.Rlimit{Cur: uint64(len(document) / 3), Max: uint64(len(document) / 3)}
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, limit); err != nil {
			return err
		}
	case "hold":
		// The lock is not released before the process ends.
		fmt.Println("locked")
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
	return store.Save(context.Background(), document)
}

// save starts a process that saves; see PlaySave.
func save(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(path, args...)
	command.Env = append(os.Environ(), "STARCHARM_TEST_ROLE=save")
	return command
}

// content is what a store finds in dir; "" for nothing.
func content(t testing.TB, dir string) string {
	t.Helper()
	store := FileStore(dir, nil)
	defer func() { require.NoError(t, store.Close()) }()
	raw, err := store.Load(context.Background())
	require.NoError(t, err)
	return string(raw)
}

// files are the names in dir.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// put saves a document in dir, as one dispatch does.
func put(t testing.TB, dir, document string) {
	t.Helper()
	store := FileStore(dir, nil)
	_, err := store.Load(context.Background())
	require.NoError(t, err)
	require.NoError(t, store.Save(context.Background(), []byte(document)))
	require.NoError(t, store.Close())
}

// steps are the steps of a save.
func steps(t testing.TB) []string {
	t.Helper()
	var all []string
	store := FileStore(t.TempDir(), nil).(*fileStore)
	store.step = func(step string) { all = append(all, step) }
	_, err := store.Load(context.Background())
	require.NoError(t, err)
	require.NoError(t, store.Save(context.Background(), []byte("{}")))
	require.NoError(t, store.Close())
	return all
}

// TestKilledSave kills a process at each step of a save.
func TestKilledSave(t *testing.T) {
	document := func(name string) string {
		return fmt.Sprintf(`{"version":1,"stored":{"charm":{"name":%q,"filling":%q}}}`, name, strings.Repeat(name, 10_000))
	}
	all := steps(t)
	require.Contains(t, all, "sync the directory")
	for _, old := range []string{"", document("old")} {
		replaced := false
		for _, step := range all {
			// From this step on, the new file has taken the place of the old one.
			replaced = replaced || step == "sync the directory"
			t.Run(fmt.Sprintf("%s over %d bytes", step, len(old)), func(t *testing.T) {
				dir := t.TempDir()
				if old != "" {
					put(t, dir, old)
				}
				killed := save(t, dir, "die", document("new"), step)
				output, err := killed.CombinedOutput()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit, "%s", output)
				require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%s", output)

				if replaced {
					assert.Equal(t, document("new"), content(t, dir))
				} else {
					assert.Equal(t, old, content(t, dir))
				}
				// The next dispatch neither waits nor stumbles, and cleans up.
				put(t, dir, document("next"))
				assert.Equal(t, document("next"), content(t, dir))
				assert.ElementsMatch(t, []string{stateFile, lockFile}, files(t, dir))
			})
		}
	}
}

// TestStateOnAFullDisk saves a document that does not fit.
func TestStateOnAFullDisk(t *testing.T) {
	const old = `{"version":1}`
	big := `{"version":1,"stored":{"charm":{"filling":"` + strings.Repeat("x", 1<<20) + `"}}}`

	t.Run("limit", func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, old)
		output, err := save(t, dir, "fill", big[:100_000]).CombinedOutput()
		require.Error(t, err)
		assert.Contains(t, string(output), "cannot save the state in "+filepath.Join(dir, stateFile)+", which stays as it was: ")
		assert.Contains(t, string(output), "file too large")
		assert.Equal(t, old, content(t, dir))
		assert.ElementsMatch(t, []string{stateFile, lockFile}, files(t, dir))
	})
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
			t.Skipf("cannot mount a small disk: %v", err)
		}
		t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
		put(t, dir, old)
		store := FileStore(dir, nil)
		defer store.Close()
		_, err := store.Load(context.Background())
		require.NoError(t, err)
		err = store.Save(context.Background(), []byte(big))
		require.ErrorIs(t, err, unix.ENOSPC)
		assert.Contains(t, err.Error(), "cannot save the state in "+filepath.Join(dir, stateFile)+", which stays as it was: ")
		assert.Contains(t, err.Error(), "; free space on that disk, then juju resolve")
		require.NoError(t, store.Close())
		assert.Equal(t, old, content(t, dir))
		assert.ElementsMatch(t, []string{stateFile, lockFile}, files(t, dir))
		put(t, dir, `{"version":1,"stored":{}}`)
	})
}

// TestStateThatIsTooLarge saves what could not be read again.
func TestStateThatIsTooLarge(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, `{"version":1}`)
	store := FileStore(dir, nil)
	defer store.Close()
	_, err := store.Load(context.Background())
	require.NoError(t, err)
	err = store.Save(context.Background(), make([]byte, maxState+1))
	require.ErrorContains(t, err, "larger than 64 MiB")
	require.NoError(t, store.Close())
	assert.Equal(t, `{"version":1}`, content(t, dir))

	require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), make([]byte, maxState+1), 0o600))
	_, err = FileStore(dir, nil).Load(context.Background())
	var state *StateError
	require.ErrorAs(t, err, &state)
	assert.Contains(t, err.Error(), "it is larger than 64 MiB")
}

// FuzzParseDocument reads documents of any form: one that is read is written and read again as the same.
func FuzzParseDocument(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", "{}", `{"version":1}`, `{"version":2}`, `{"version":1} x`, `{"version":1,"deferred":[null]}`,
		`{"version":1,"stored":{"charm":{"a":1e400,"b":[{}],"c":null}},"deferred":[{"event":"x","data":null,"handler":"f"}],"config":{"a":"b"}}`,
		`{"VERSION":1,"stored":null,"stored":{"a":null}}`, "{\"version\":1,\"config\":{\"a\":\"\xff\"}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := ParseDocument("test", raw)
		if err != nil {
			var state *StateError
			require.ErrorAs(t, err, &state)
			require.NotEmpty(t, state.Cure)
			return
		}
		written, err := doc.Encode()
		require.NoError(t, err)
		again, err := ParseDocument("test", written)
		require.NoError(t, err, "%s", written)
		rewritten, err := again.Encode()
		require.NoError(t, err)
		require.Equal(t, string(written), string(rewritten))
	})
}

// asNobody runs f with the rights of a user who owns nothing, as far as files go.
func asNobody(t testing.TB, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, unix.Setfsuid(65534))
	defer func() { require.NoError(t, unix.Setfsuid(0)) }()
	f()
}

func TestStateInAReadOnlyDirectory(t *testing.T) {
	for _, old := range []string{"", `{"version":1}`} {
		dir := t.TempDir()
		if old != "" {
			put(t, dir, old)
			require.NoError(t, os.Remove(filepath.Join(dir, lockFile)))
			require.NoError(t, os.Chmod(filepath.Join(dir, stateFile), 0o444))
		}
		require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
		require.NoError(t, os.Chmod(dir, 0o555))
		t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
		asNobody(t, func() {
			store := FileStore(dir, nil)
			defer store.Close()
			raw, err := store.Load(context.Background())
			require.NoError(t, err)
			assert.Equal(t, old, string(raw))
			err = store.Save(context.Background(), []byte(`{"version":1,"stored":{}}`))
			require.ErrorIs(t, err, os.ErrPermission)
			assert.Contains(t, err.Error(), "cannot save the state in "+filepath.Join(dir, stateFile)+", which stays as it was: ")
			assert.Contains(t, err.Error(), "; make that directory writable for the user that runs the charm, then juju resolve")
			require.NoError(t, store.Close())
			assert.Equal(t, old, content(t, dir))
		})
	}
}

// TestStateThatCannotBeRead has a file that another user keeps for himself.
func TestStateThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, `{"version":1}`)
	mode := os.FileMode(0o600)
	if os.Getuid() != 0 {
		mode = 0
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, stateFile), mode))
	require.NoError(t, os.Chmod(filepath.Join(dir, lockFile), 0o666))
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	asNobody(t, func() {
		store := FileStore(dir, nil)
		defer store.Close()
		_, err := store.Load(context.Background())
		var state *StateError
		require.ErrorAs(t, err, &state)
		assert.ErrorIs(t, err, os.ErrPermission)
		assert.Contains(t, err.Error(), filepath.Join(dir, stateFile))
	})
}

// TestStateThatIsReadAgain reads a state twice, as after a failure: the store does not wait for itself.
func TestStateThatIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "[]")
	s := &state{ctx: context.Background(), choose: func() Store {
		return FileStore(dir, func() { t.Error("waits for itself"); runtime.Goexit() })
	}}
	defer func() { require.NoError(t, s.close()) }()
	for range 2 {
		_, err := s.load()
		require.ErrorContains(t, err, "it is damaged")
	}
}

// TestStateOfAStoppedHook is not saved when the hook was told to stop before.
func TestStateOfAStoppedHook(t *testing.T) {
	stopped := errors.New("stopped by terminated")
	ctx, cancel := context.WithCancelCause(context.Background())
	store := &MemoryStore{}
	s := &state{ctx: ctx, choose: func() Store { return store }}
	require.NoError(t, s.SetValue("charm", "count", json.RawMessage("1")))
	cancel(stopped)
	require.ErrorIs(t, s.commit(), stopped)
	assert.Nil(t, store.Document)
}

// TestTwoDispatches has a second dispatch wait for the first one, whose state it gets.
func TestTwoDispatches(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, `{"version":1}`)
	first := FileStore(dir, nil)
	_, err := first.Load(context.Background())
	require.NoError(t, err)

	waiting := make(chan struct{})
	loaded := make(chan []byte)
	second := FileStore(dir, func() { close(waiting) })
	go func() {
		raw, err := second.Load(context.Background())
		assert.NoError(t, err)
		loaded <- raw
	}()
	select {
	case <-waiting: // once: a second close would panic
	case <-loaded:
		t.Fatal("the second dispatch did not wait for the first one")
	}
	document, err := json.Marshal(Document{Version: DocumentVersion, Config: map[string]string{"from": "the first"}})
	require.NoError(t, err)
	require.NoError(t, first.Save(context.Background(), document))
	select {
	case <-loaded:
		t.Fatal("the first dispatch has not ended")
	case <-time.After(3 * lockPoll):
	}
	require.NoError(t, first.Close())
	assert.Equal(t, document, <-loaded)
	require.NoError(t, second.Close())
}

// TestLockThatIsNeverReleased has another process that holds the lock and does not end.
func TestLockThatIsNeverReleased(t *testing.T) {
	dir := t.TempDir()
	holder := save(t, dir, "hold", `{"version":1}`)
	input, err := holder.StdinPipe()
	require.NoError(t, err)
	output, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = output.Read(make([]byte, 16))
	require.NoError(t, err)

	stopped := errors.New("stopped by terminated")
	ctx, cancel := context.WithCancelCause(context.Background())
	store := FileStore(dir, func() { cancel(stopped) })
	_, err = store.Load(ctx)
	require.ErrorIs(t, err, stopped)
	assert.Contains(t, err.Error(), "cannot lock the state: another dispatch of this unit holds "+filepath.Join(dir, lockFile))
	require.NoError(t, store.Close())

	// The lock ends with its holder, whose state is saved.
	require.NoError(t, input.Close())
	require.NoError(t, holder.Wait())
	assert.Equal(t, `{"version":1}`, content(t, dir))
}
