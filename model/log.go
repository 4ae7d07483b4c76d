package model

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// LogLevels returns the levels that [Model.Log] takes, lowest first.
func LogLevels() []string {
	return []string{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
}

// maxLogChunks bounds how many lines one message becomes; what is left of a
// longer one is dropped, and the log says so.
const maxLogChunks = 32

// Log writes to the model's log. The level is one of [LogLevels], in any case.
// An empty message is not sent. One that is longer than an argument may be is
// sent in chunks after a line that says so. Secrets are masked, and what is
// not text becomes U+FFFD.
func (m *Model) Log(level, message string) error {
	name := strings.ToUpper(level)
	if !slices.Contains(LogLevels(), name) {
		return usage("there is no log level %q%s: use one of %s", shorten(level), didYouMean(level, LogLevels()), strings.Join(LogLevels(), ", "))
	}
	message = cleanText(m.Mask(message))
	if message == "" {
		return nil
	}
	send := func(line string) error {
		_, err := m.run("juju-log", nil, "--log-level", name, "--", line)
		return err
	}
	if len(message) <= maxArgument {
		return send(message)
	}
	if err := send(fmt.Sprintf("The next message has %d bytes, more than the %d that fit into a line. It is split:", len(message), maxArgument)); err != nil {
		return err
	}
	for range maxLogChunks {
		line := shortenTo(message, maxArgument)
		if err := send(line); err != nil {
			return err
		}
		if message = message[len(line):]; message == "" {
			return nil
		}
	}
	return send(fmt.Sprintf("%d more bytes of the message were left out.", len(message)))
}

// cleanText makes text that an argument and a log can hold: valid UTF-8
// without zero bytes.
func cleanText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// shortenTo returns the start of valid UTF-8 text that fits into limit bytes
// and does not split a character.
func shortenTo(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
