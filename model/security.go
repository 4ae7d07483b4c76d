package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// maxDescription bounds, in bytes, the description of a security event, so
// that the event stays one line of the log.
const maxDescription = 16 << 10

// SecurityEvent logs what a security monitor wants to know, as one line of JSON
// at level TRACE, in the vocabulary of OWASP. Level is "INFO", "WARN" or
// "CRITICAL"; event is its kind and subject: "authz_fail:relation-set".
func (m *Model) SecurityEvent(level, event, description string) error {
	line, err := json.Marshal(struct {
		Time        string `json:"datetime"`
		Level       string `json:"level"`
		Type        string `json:"type"`
		App         string `json:"appid"`
		Event       string `json:"event"`
		Description string `json:"description"`
	}{
		Time:        m.cfg.Now().UTC().Format(time.RFC3339Nano),
		Level:       level,
		Type:        "security",
		App:         m.cfg.Context.ModelUUID + "-" + m.cfg.Context.UnitName,
		Event:       m.Mask(event),
		Description: shortenTo(cleanText(m.Mask(description)), maxDescription),
	})
	if err != nil {
		return fmt.Errorf("cannot write the security event %s: %w", event, err)
	}
	_, err = m.run("juju-log", nil, "--log-level", "TRACE", "--", string(line))
	return err
}
