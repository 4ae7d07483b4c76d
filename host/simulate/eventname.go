package simulate

import (
	"strings"

	"github.com/starcharm/starcharm/model"
)

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

// EventNames are the events of a charm that a hook is run for, as people write
// them.
func EventNames(meta *model.Metadata) []string {
	var names []string
	for _, e := range meta.Events() {
		if !e.Kind.Lifecycle() {
			names = append(names, strings.ReplaceAll(e.Name, "_", "-"))
		}
	}
	return names
}
