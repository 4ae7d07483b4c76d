package main

import (
	"maps"

	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/core/life"
	"github.com/juju/juju/rpc/params"
)

// unitCalls answers what concerns the unit, its application and its model.
func (c *Controller) unitCalls(calls map[string]facadeCall) {
	w := c.world
	calls["Uniter.CurrentModel"] = handle(func(struct{}) (params.ModelResult, error) {
		return params.ModelResult{Name: w.Model.Name, UUID: w.Model.UUID, Type: w.Model.Type}, nil
	})
	calls["Uniter.ModelConfig"] = handle(func(struct{}) (params.ModelConfigResult, error) {
		config := map[string]any{"name": w.Model.Name, "uuid": w.Model.UUID, "type": "dummy"}
		maps.Copy(config, w.ModelConfig)
		return params.ModelConfigResult{Config: config}, nil
	})
	calls["Uniter.Refresh"] = handle(func(params.Entities) (params.UnitRefreshResults, error) {
		return params.UnitRefreshResults{Results: []params.UnitRefreshResult{{Life: life.Alive, Resolved: params.ResolvedNone}}}, nil
	})
	calls["Uniter.Life"] = handle(func(args params.Entities) (params.LifeResults, error) {
		results := make([]params.LifeResult, len(args.Entities))
		for i := range results {
			results[i].Life = life.Alive
		}
		return params.LifeResults{Results: results}, nil
	})
	calls["Uniter.AssignedMachine"] = handle(func(params.Entities) (params.StringResults, error) {
		machine := w.Machine
		if machine == "" {
			machine = "0"
		}
		return oneString(names.NewMachineTag(machine).String()), nil
	})
	calls["Uniter.AvailabilityZone"] = handle(func(params.Entities) (params.StringResults, error) {
		return oneString(w.Zone), nil
	})
	calls["Uniter.GetPrincipal"] = handle(func(params.Entities) (params.StringBoolResults, error) {
		if w.Principal == "" {
			return params.StringBoolResults{Results: []params.StringBoolResult{{}}}, nil
		}
		return params.StringBoolResults{Results: []params.StringBoolResult{{Result: names.NewUnitTag(w.Principal).String(), Ok: true}}}, nil
	})
	calls["Uniter.APIAddresses"] = handle(func(struct{}) (params.StringsResult, error) {
		return params.StringsResult{Result: w.APIAddresses}, nil
	})
	calls["Uniter.SLALevel"] = handle(func(struct{}) (params.StringResult, error) {
		return params.StringResult{Result: w.SLA}, nil
	})
	calls["Uniter.CloudAPIVersion"] = handle(func(struct{}) (params.StringResult, error) {
		return params.StringResult{Result: w.CloudAPIVersion}, nil
	})
	calls["Uniter.GetMeterStatus"] = handle(func(params.Entities) (params.MeterStatusResults, error) {
		return params.MeterStatusResults{Results: []params.MeterStatusResult{{Code: w.meterStatus(), Info: meterInfo}}}, nil
	})
	calls["Uniter.ConfigSettings"] = handle(func(params.Entities) (params.ConfigSettingsResults, error) {
		settings := c.charm.Config().DefaultSettings()
		for name, value := range w.Config {
			settings[name] = value
		}
		return params.ConfigSettingsResults{Results: []params.ConfigSettingsResult{{Settings: params.ConfigSettings(settings)}}}, nil
	})
	calls["Uniter.CloudSpec"] = handle(func(struct{}) (params.CloudSpecResult, error) {
		if w.Cloud == nil {
			return params.CloudSpecResult{Error: failed(errPerm)}, nil
		}
		return params.CloudSpecResult{Result: w.Cloud}, nil
	})
	calls["Uniter.GoalStates"] = handle(func(params.Entities) (params.GoalStateResults, error) {
		state := w.GoalState
		if state == nil {
			state = &params.GoalState{}
		}
		return params.GoalStateResults{Results: []params.GoalStateResult{{Result: state}}}, nil
	})
	calls["Uniter.State"] = handle(func(params.Entities) (params.UnitStateResults, error) {
		return params.UnitStateResults{Results: []params.UnitStateResult{{CharmState: maps.Clone(w.State)}}}, nil
	})
	calls["Uniter.WorkloadVersion"] = handle(func(params.Entities) (params.StringResults, error) {
		return oneString(w.WorkloadVersion), nil
	})
	calls["Uniter.SetWorkloadVersion"] = handle(func(args params.EntityWorkloadVersions) (params.ErrorResults, error) {
		return eachEntity(args.Entities, func(e params.EntityWorkloadVersion) error {
			if err := c.checkUnit(e.Tag); err != nil {
				return err
			}
			w.WorkloadVersion = e.WorkloadVersion
			return nil
		})
	})
	calls["Uniter.RequestReboot"] = handle(func(args params.Entities) (params.ErrorResults, error) {
		return eachEntity(args.Entities, func(params.Entity) error { w.Reboots++; return nil })
	})
	calls["Uniter.GetPodSpec"] = handle(func(params.Entities) (params.StringResults, error) {
		return podSpec(w.PodSpec, c.app), nil
	})
	calls["Uniter.GetRawK8sSpec"] = handle(func(params.Entities) (params.StringResults, error) {
		return podSpec(w.RawPodSpec, c.app), nil
	})
	c.statusCalls(calls)
	c.leadershipCalls(calls)
}

// meterInfo goes with a meter status.
const meterInfo = "not set"

func (w *World) meterStatus() string {
	if w.MeterStatus == "" {
		return "AMBER"
	}
	return w.MeterStatus
}

// statusCalls answers status-get and status-set, which take effect at once.
func (c *Controller) statusCalls(calls map[string]facadeCall) {
	w := c.world
	set := func(status *Status, needsLeader bool) facadeCall {
		return handle(func(args params.SetStatus) (params.ErrorResults, error) {
			return eachEntity(args.Entities, func(e params.EntityStatusArgs) error {
				if err := c.checkUnit(e.Tag); err != nil {
					return err
				}
				if needsLeader {
					if err := c.checkLeader(); err != nil {
						return err
					}
				}
				*status = Status{Status: e.Status, Message: e.Info, Data: e.Data}
				return nil
			})
		})
	}
	calls["Uniter.SetUnitStatus"] = set(&w.UnitStatus, false)
	calls["Uniter.SetAgentStatus"] = set(&w.AgentStatus, false)
	calls["Uniter.SetApplicationStatus"] = set(&w.AppStatus, true)
	calls["Uniter.UnitStatus"] = handle(func(params.Entities) (params.StatusResults, error) {
		return params.StatusResults{Results: []params.StatusResult{w.UnitStatus.result()}}, nil
	})
	calls["Uniter.ApplicationStatus"] = handle(func(params.Entities) (params.ApplicationStatusResults, error) {
		units := map[string]params.StatusResult{w.Unit: w.UnitStatus.result()}
		for unit, status := range w.OtherStatuses {
			units[unit] = status.result()
		}
		result := params.ApplicationStatusResult{Application: w.AppStatus.result(), Units: units}
		return params.ApplicationStatusResults{Results: []params.ApplicationStatusResult{result}}, nil
	})
}

func (s Status) result() params.StatusResult {
	status := s.Status
	if status == "" {
		status = "unknown"
	}
	return params.StatusResult{Life: life.Alive, Status: status, Info: s.Message, Data: s.Data}
}

// leadershipCalls answers leader-get and leader-set.
func (c *Controller) leadershipCalls(calls map[string]facadeCall) {
	w := c.world
	calls["Uniter.Read"] = handle(func(params.Entities) (params.GetLeadershipSettingsBulkResults, error) {
		result := params.GetLeadershipSettingsResult{Settings: maps.Clone(w.LeaderSettings)}
		return params.GetLeadershipSettingsBulkResults{Results: []params.GetLeadershipSettingsResult{result}}, nil
	})
	calls["Uniter.Merge"] = handle(func(args params.MergeLeadershipSettingsBulkParams) (params.ErrorResults, error) {
		return eachEntity(args.Params, func(p params.MergeLeadershipSettingsParam) error {
			if err := c.checkLeader(); err != nil {
				return err
			}
			w.LeaderSettings = updated(w.LeaderSettings, p.Settings)
			return nil
		})
	})
}

// updated is settings with changes, where an empty value removes the key.
func updated(settings, changes map[string]string) map[string]string {
	next := maps.Clone(settings)
	if next == nil {
		next = map[string]string{}
	}
	for key, value := range changes {
		if value == "" {
			delete(next, key)
		} else {
			next[key] = value
		}
	}
	return next
}

func oneString(s string) params.StringResults {
	return params.StringResults{Results: []params.StringResult{{Result: s}}}
}

func podSpec(spec, app string) params.StringResults {
	if spec == "" {
		return params.StringResults{Results: []params.StringResult{{Error: failed(errors.NotFoundf("k8s spec for application %s", app))}}}
	}
	return oneString(spec)
}

// eachEntity does f for each argument and collects the errors.
func eachEntity[E any](args []E, f func(E) error) (params.ErrorResults, error) {
	results := make([]params.ErrorResult, len(args))
	for i, arg := range args {
		results[i].Error = failed(f(arg))
	}
	return params.ErrorResults{Results: results}, nil
}
