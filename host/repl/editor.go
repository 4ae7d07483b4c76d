package repl

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/peterh/liner"
)

// An Editor reads what a person types.
type Editor interface {
	// Line reads one line, without its end. The error is io.EOF when the person
	// leaves, and errAborted when she gives up what she typed so far.
	Line(prompt string) (string, error)
	// Remember adds an input to the history.
	Remember(input string)
	Close() error
}

// errAborted is Ctrl-C at a prompt.
var errAborted = errors.New("aborted")

// A Completer returns what the end of the text may become: head and each of the
// completions make a text.
type Completer func(text string) (head string, completions []string)

// A terminal is an editor with a history.
type terminal struct {
	state *liner.State
	// history is the file that keeps it; "" for none.
	history string
}

// maxHistory is how large a file of a history may be.
const maxHistory = 1 << 20

// NewTerminal returns the editor on this process's terminal. Its history is
// kept in the file, unless that is "".
func NewTerminal(history string, complete Completer) Editor {
	t := &terminal{state: liner.NewLiner(), history: history}
	t.state.SetCtrlCAborts(true)
	t.state.SetTabCompletionStyle(liner.TabPrints)
	t.state.SetBeep(false)
	t.state.SetWordCompleter(func(line string, pos int) (string, []string, string) {
		runes := []rune(line)
		head, completions := complete(string(runes[:pos]))
		return head, completions, string(runes[pos:])
	})
	if info, err := os.Stat(history); err == nil && info.Mode().IsRegular() && info.Size() <= maxHistory {
		if text, err := os.ReadFile(history); err == nil {
			// A line that cannot be read is one that is not remembered.
			_, _ = t.state.ReadHistory(bytes.NewReader(text))
		}
	}
	return t
}

func (t *terminal) Line(prompt string) (string, error) {
	line, err := t.state.Prompt(prompt)
	if errors.Is(err, liner.ErrPromptAborted) {
		return "", errAborted
	}
	return line, err
}

// Remember keeps each line of an input: the editor knows single ones.
func (t *terminal) Remember(input string) {
	for line := range bytes.Lines([]byte(input)) {
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) > 0 {
			t.state.AppendHistory(string(line))
		}
	}
}

func (t *terminal) Close() error {
	err := t.state.Close()
	if t.history == "" {
		return err
	}
	var text bytes.Buffer
	if _, werr := t.state.WriteHistory(&text); werr == nil {
		if werr = os.MkdirAll(filepath.Dir(t.history), 0o700); werr == nil {
			werr = renameio.WriteFile(t.history, text.Bytes(), 0o600, renameio.IgnoreUmask())
		}
		if werr != nil {
			err = errors.Join(err, fmt.Errorf("cannot keep the history: %w", werr))
		}
	}
	return err
}

// IsInteractive says whether a person is at the standard input and output.
func IsInteractive() bool {
	if _, err := liner.TerminalMode(); err != nil {
		return false
	}
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// HistoryFile is where the history is kept, by XDG's rules; "" when the
// environment names no such place.
func HistoryFile(getenv func(string) string) string {
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "starcharm", "repl_history")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "starcharm", "repl_history")
	}
	return ""
}
