package builtins

import (
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/starcharm/starcharm/pebble"
)

// This file defines the constants of the pebble module: structs of strings
// whose names are those of ops' enumerations.

// pebbleEnum is the constants of one kind, by name.
func pebbleEnum(name, doc string, values map[string]string) member[*Hook] {
	fields := starlark.StringDict{}
	for constant, value := range values {
		fields[constant] = starlark.String(value)
	}
	enum := starlarkstruct.FromStringDict(starlark.String("pebble."+name), fields)
	return member[*Hook]{name: name, sig: "struct", doc: doc, fields: fields.Keys(), get: func(*Hook) (starlark.Value, error) { return enum, nil }}
}

func pebbleEnums() []member[*Hook] {
	return []member[*Hook]{
		pebbleEnum("CheckLevel", "Levels of checks: ALIVE, READY, and UNSET for none.", map[string]string{
			"ALIVE": string(pebble.LevelAlive), "READY": string(pebble.LevelReady), "UNSET": ""}),
		pebbleEnum("CheckStatus", "What status of a check may be: UP, DOWN, INACTIVE.", map[string]string{
			"UP": string(pebble.CheckUp), "DOWN": string(pebble.CheckDown), "INACTIVE": string(pebble.CheckInactive)}),
		pebbleEnum("CheckStartup", "What startup of a check may be: ENABLED, DISABLED, and UNSET.", map[string]string{
			"ENABLED": string(pebble.StartupEnabled), "DISABLED": string(pebble.StartupDisabled), "UNSET": ""}),
		pebbleEnum("ServiceStartup", "What startup of a service may be: ENABLED, DISABLED.", map[string]string{
			"ENABLED": string(pebble.StartupEnabled), "DISABLED": string(pebble.StartupDisabled)}),
		pebbleEnum("ServiceStatus", "What current of a service may be: ACTIVE, INACTIVE, BACKOFF, ERROR.", map[string]string{
			"ACTIVE": string(pebble.ServiceActive), "INACTIVE": string(pebble.ServiceInactive),
			"BACKOFF": string(pebble.ServiceBackoff), "ERROR": string(pebble.ServiceError)}),
		pebbleEnum("FileType", "What type of a file may be: FILE, DIRECTORY, SYMLINK, SOCKET, NAMED_PIPE, DEVICE, UNKNOWN.", map[string]string{
			"FILE": string(pebble.TypeFile), "DIRECTORY": string(pebble.TypeDirectory), "SYMLINK": string(pebble.TypeSymlink), "SOCKET": string(pebble.TypeSocket),
			"NAMED_PIPE": string(pebble.TypeNamedPipe), "DEVICE": string(pebble.TypeDevice), "UNKNOWN": string(pebble.TypeUnknown)}),
		pebbleEnum("NoticeType", "What type of a notice may be: CUSTOM, CHANGE_UPDATE, WARNING.", map[string]string{
			"CUSTOM": pebble.NoticeCustom, "CHANGE_UPDATE": pebble.NoticeChangeUpdate, "WARNING": pebble.NoticeWarning}),
		pebbleEnum("NoticesUsers", "What users of get_notices may be: ALL.", map[string]string{"ALL": "all"}),
		pebbleEnum("ChangeState", "What select of get_changes may be: ALL, IN_PROGRESS, READY.", map[string]string{
			"ALL": string(pebble.SelectAll), "IN_PROGRESS": string(pebble.SelectInProgress), "READY": string(pebble.SelectReady)}),
		pebbleEnum("IdentityAccess", "What access of an identity may be: ADMIN, READ, METRICS, UNTRUSTED.", map[string]string{
			"ADMIN": string(pebble.AccessAdmin), "READ": string(pebble.AccessRead), "METRICS": string(pebble.AccessMetrics), "UNTRUSTED": string(pebble.AccessUntrusted)}),
	}
}
