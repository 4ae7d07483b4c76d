package simulate

import "strings"

// ParseEventName reads how people write events: "config-changed",
// "hooks/config-changed", "config_changed", "backup-action" and
// "actions/backup".
func ParseEventName(text string) (name string, action bool) {
	if name, ok := strings.CutPrefix(text, "actions/"); ok {
		return name, true
	}
	name = strings.ReplaceAll(strings.TrimPrefix(text, "hooks/"), "_", "-")
	return strings.CutSuffix(name, "-action")
}
