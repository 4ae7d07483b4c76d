package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/juju/charm/v12"
	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/core/life"
	"github.com/juju/juju/rpc/params"
)

// relationCalls answers what concerns relations and their databags.
func (c *Controller) relationCalls(calls map[string]facadeCall) {
	calls["Uniter.Relation"] = handle(func(args params.RelationUnits) (params.RelationResults, error) {
		results := make([]params.RelationResult, len(args.RelationUnits))
		for i, arg := range args.RelationUnits {
			id, _, err := c.relationByTag(arg.Relation, arg.Unit)
			if err == nil {
				results[i], err = c.relationResult(id)
			}
			results[i].Error = failed(err)
		}
		return params.RelationResults{Results: results}, nil
	})
	calls["Uniter.RelationById"] = handle(func(args params.RelationIds) (params.RelationResults, error) {
		results := make([]params.RelationResult, len(args.RelationIds))
		for i, id := range args.RelationIds {
			result, err := c.relationResult(strconv.Itoa(id))
			result.Error = failed(err)
			results[i] = result
		}
		return params.RelationResults{Results: results}, nil
	})
	calls["Uniter.ReadSettings"] = handle(func(args params.RelationUnits) (params.SettingsResults, error) {
		results := make([]params.SettingsResult, len(args.RelationUnits))
		for i, arg := range args.RelationUnits {
			_, rel, err := c.relationByTag(arg.Relation, arg.Unit)
			if err == nil {
				results[i].Settings = bag(rel, c.world.Unit)
			}
			results[i].Error = failed(err)
		}
		return params.SettingsResults{Results: results}, nil
	})
	calls["Uniter.ReadLocalApplicationSettings"] = handle(func(arg params.RelationUnit) (params.SettingsResult, error) {
		_, rel, err := c.relationByTag(arg.Relation, arg.Unit)
		if err != nil {
			return params.SettingsResult{}, err
		}
		// The followers of an application see its databag in peer relations alone.
		if !c.isPeer(rel) && !c.world.Leader {
			return params.SettingsResult{}, errPerm
		}
		return params.SettingsResult{Settings: bag(rel, c.app)}, nil
	})
	calls["Uniter.ReadRemoteSettings"] = handle(func(args params.RelationUnitPairs) (params.SettingsResults, error) {
		results := make([]params.SettingsResult, len(args.RelationUnitPairs))
		for i, arg := range args.RelationUnitPairs {
			settings, err := c.remoteSettings(arg)
			results[i] = params.SettingsResult{Settings: settings, Error: failed(err)}
		}
		return params.SettingsResults{Results: results}, nil
	})
	calls["Uniter.SetRelationStatus"] = handle(func(args params.RelationStatusArgs) (params.ErrorResults, error) {
		return eachEntity(args.Args, func(arg params.RelationStatusArg) error {
			rel, ok := c.world.Relations[strconv.Itoa(arg.RelationId)]
			if !ok {
				return errors.NotFoundf("relation %d", arg.RelationId)
			}
			if err := c.checkLeader(); err != nil {
				return err
			}
			rel.Status = string(arg.Status)
			return nil
		})
	})
}

// remoteSettings reads a databag of the other side. Settings of units that left stay readable; a unit or an
// application that is no part of the relation is refused, and so is the agent's own unit.
func (c *Controller) remoteSettings(arg params.RelationUnitPair) (params.Settings, error) {
	_, rel, err := c.relationByTag(arg.Relation, arg.LocalUnit)
	if err != nil {
		return nil, err
	}
	tag, err := names.ParseTag(arg.RemoteUnit)
	if err != nil {
		return nil, errPerm
	}
	switch tag := tag.(type) {
	case names.ApplicationTag:
		if tag.Id() != c.remoteApp(rel) {
			return nil, errPerm
		}
		return bag(rel, tag.Id()), nil
	case names.UnitTag:
		app, _ := names.UnitApplication(tag.Id())
		if tag == c.tag || app != c.remoteApp(rel) {
			return nil, errPerm
		}
		if _, known := rel.Data[tag.Id()]; !known && !slices.Contains(rel.Members, tag.Id()) {
			return nil, errors.Annotatef(errors.NotFoundf("unit %q: settings", tag.Id()),
				"cannot read settings for unit %q in relation %q", tag.Id(), c.relationKey(rel))
		}
		return bag(rel, tag.Id()), nil
	}
	return nil, errPerm
}

// bag is a copy of a databag, never nil.
func bag(rel *Relation, owner string) params.Settings {
	settings := params.Settings{}
	maps.Copy(settings, rel.Data[owner])
	return settings
}

// relationByTag finds the relation of a tag, for the agent's own unit only.
func (c *Controller) relationByTag(relation, unit string) (string, *Relation, error) {
	tag, err := names.ParseRelationTag(relation)
	if err != nil {
		return "", nil, errPerm
	}
	for id, rel := range c.world.Relations {
		if c.relationKey(rel) == tag.Id() {
			return id, rel, c.checkUnit(unit)
		}
	}
	return "", nil, errPerm
}

func (c *Controller) relationResult(id string) (params.RelationResult, error) {
	rel, ok := c.world.Relations[id]
	if !ok {
		return params.RelationResult{}, errors.NotFoundf("relation %s", id)
	}
	number, err := strconv.Atoi(id)
	if err != nil {
		return params.RelationResult{}, fmt.Errorf("relation id %q is not a number", id)
	}
	meta, ok := c.charm.Meta().CombinedRelations()[rel.Endpoint]
	if !ok && rel.Endpoint == "juju-info" {
		meta, ok = charm.Relation{Name: "juju-info", Role: charm.RoleProvider, Interface: "juju-info", Scope: charm.ScopeGlobal}, true
	}
	if !ok {
		return params.RelationResult{}, errors.NotFoundf("application %q endpoint %q", c.app, rel.Endpoint)
	}
	relLife := life.Alive
	if rel.Life != "" {
		relLife = life.Value(rel.Life)
	}
	return params.RelationResult{
		Id:               number,
		Key:              c.relationKey(rel),
		Life:             relLife,
		Suspended:        rel.Suspended,
		Endpoint:         params.Endpoint{ApplicationName: c.app, Relation: params.NewCharmRelation(meta)},
		OtherApplication: c.remoteApp(rel),
	}, nil
}

func (c *Controller) isPeer(rel *Relation) bool {
	_, peer := c.charm.Meta().Peers[rel.Endpoint]
	return peer
}

// remoteApp is the application at the other end, which in a peer relation is the unit's own.
func (c *Controller) remoteApp(rel *Relation) string {
	if c.isPeer(rel) {
		return c.app
	}
	return rel.RemoteApp
}

// relationKey is the relation's key as Juju writes it: the requirer's endpoint first, a peer's alone.
func (c *Controller) relationKey(rel *Relation) string {
	own := c.app + ":" + rel.Endpoint
	if c.isPeer(rel) {
		return own
	}
	remote := rel.RemoteEndpoint
	if remote == "" {
		remote = rel.Endpoint
	}
	other := rel.RemoteApp + ":" + remote
	if _, requirer := c.charm.Meta().Requires[rel.Endpoint]; requirer {
		return own + " " + other
	}
	return other + " " + own
}
