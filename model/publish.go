package model

import (
	"fmt"
	"maps"
	"slices"
)

// jujuKeys are what Juju itself puts into a unit's databag when the unit enters
// a relation. It does not put them back.
var jujuKeys = [...]string{"egress-subnets", "ingress-address", "private-address"}

// Publish makes the databag hold exactly data: keys that it has besides are
// removed. Those stay that keep names, which somebody else writes, and in a
// unit's databag those of Juju's own that data does not have.
//
// It returns false, and changes nothing, where nobody would see it: if this
// unit is a follower and the databag is its application's, and if the relation
// is gone or being removed. The databag of others is a
// [RelationDataAccessError].
func (b *Databag) Publish(data map[string]string, keep []string) (published bool, err error) {
	if err := b.fits(data); err != nil {
		return false, err // on a follower as on the leader
	}
	r := b.relation
	ok, reason, err := b.CanWrite()
	switch {
	case err != nil:
		return false, err
	case !ok && b.Entity != r.model.cfg.Context.AppName:
		return false, b.denied("write", reason)
	case !ok:
		return false, nil // a follower
	}
	if active, err := r.Active(); err != nil || !active {
		return false, err
	}
	current, err := b.read()
	if err != nil || r.gone {
		return false, err
	}
	changes := make(map[string]string, len(data))
	maps.Copy(changes, data)
	var undone []string
	for key := range current {
		_, stays := data[key]
		if !stays && !slices.Contains(keep, key) && (b.app || !slices.Contains(jujuKeys[:], key)) {
			changes[key] = ""
			if _, unsent := b.unsent[key]; unsent {
				undone = append(undone, key)
			}
		}
	}
	if len(undone) > 0 {
		slices.Sort(undone)
		// A charm does not fail because its log did.
		_ = r.model.Log("WARNING", fmt.Sprintf("relation.publish removes %s from the databag of %s in %s, which this hook wrote: publish it with the rest, or name it in keep.", keyList(undone), b.Entity, r.Key()))
	}
	return true, b.write(changes)
}
