package main

import (
	"github.com/juju/charm/v12/hooks"

	"github.com/juju/juju/worker/uniter/hook"
)

// Hook names the hook to run. Which fields a kind needs is checked by Juju.
type Hook struct {
	Kind           string `json:"kind"`
	RelationID     int    `json:"relation-id,omitempty"`
	RemoteUnit     string `json:"remote-unit,omitempty"`
	RemoteApp      string `json:"remote-app,omitempty"`
	DepartingUnit  string `json:"departing-unit,omitempty"`
	StorageID      string `json:"storage-id,omitempty"`
	Workload       string `json:"workload,omitempty"`
	NoticeID       string `json:"notice-id,omitempty"`
	NoticeType     string `json:"notice-type,omitempty"`
	NoticeKey      string `json:"notice-key,omitempty"`
	TargetBase     string `json:"target-base,omitempty"`
	SecretURI      string `json:"secret-uri,omitempty"`
	SecretRevision int    `json:"secret-revision,omitempty"`
	SecretLabel    string `json:"secret-label,omitempty"`
	// Restricted runs collect-metrics or meter-status-changed as the agent's metrics workers do, and not in the unit's context.
	Restricted bool `json:"restricted,omitempty"`
}

func (h Hook) info() hook.Info {
	return hook.Info{
		Kind:       hooks.Kind(h.Kind),
		RelationId: h.RelationID, RemoteUnit: h.RemoteUnit, RemoteApplication: h.RemoteApp, DepartingUnit: h.DepartingUnit,
		StorageId:    h.StorageID,
		WorkloadName: h.Workload, NoticeID: h.NoticeID, NoticeType: h.NoticeType, NoticeKey: h.NoticeKey,
		MachineUpgradeTarget: h.TargetBase,
		SecretURI:            h.SecretURI, SecretRevision: h.SecretRevision, SecretLabel: h.SecretLabel,
	}
}
