package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/juju/errors"

	"github.com/juju/juju/core/quota"
	mgoutils "github.com/juju/juju/mongo/utils"
	"github.com/juju/juju/rpc/params"
)

// commitCalls answers the one call with which the agent commits what a hook changed.
func (c *Controller) commitCalls(calls map[string]facadeCall) {
	calls["Uniter.CommitHookChanges"] = handle(func(args params.CommitHookChangesArgs) (params.ErrorResults, error) {
		return eachEntity(args.Args, func(changes params.CommitHookChangesArg) error {
			if err := c.commit(changes); err != nil {
				return err
			}
			c.commits++
			return nil
		})
	})
}

// commit does what a controller does, in its order: everything is prepared and checked, then secrets are written one by one,
// then the rest in one transaction. So a refusal leaves secrets that were already written, and nothing else.
func (c *Controller) commit(changes params.CommitHookChangesArg) error {
	if err := c.checkUnit(changes.Tag); err != nil {
		return err
	}
	if c.world.RefuseCommit != "" {
		return errors.New(c.world.RefuseCommit)
	}
	var apply []func() error
	if changes.UpdateNetworkInfo {
		apply = append(apply, c.refreshAddresses)
	}
	for _, settings := range changes.RelationUnitSettings {
		_, rel, err := c.relationByTag(settings.Relation, settings.Unit)
		if err != nil {
			return err
		}
		apply = append(apply, func() error { return c.writeSettings(rel, settings) })
	}
	if len(changes.OpenPorts)+len(changes.ClosePorts) > 0 {
		apply = append(apply, func() error { c.changePorts(changes.OpenPorts, changes.ClosePorts); return nil })
	}
	if state := changes.SetUnitState; state != nil && state.CharmState != nil {
		if err := checkCharmState(*state.CharmState); err != nil {
			return err
		}
		apply = append(apply, func() error { c.world.State = *state.CharmState; return nil })
	}
	for _, add := range changes.AddStorage {
		if err := c.checkStorage(add); err != nil {
			return errors.Annotatef(err, "adding storage %v for %v", add.StorageName, add.UnitTag)
		}
		apply = append(apply, func() error { c.requestStorage(add); return nil })
	}
	if spec := changes.SetPodSpec; spec != nil && spec.Spec != nil {
		apply = append(apply, func() error { c.world.PodSpec = *spec.Spec; return c.checkLeader() })
	}
	if spec := changes.SetRawK8sSpec; spec != nil && spec.Spec != nil {
		apply = append(apply, func() error { c.world.RawPodSpec = *spec.Spec; return c.checkLeader() })
	}
	if err := c.commitSecrets(changes); err != nil {
		return err
	}
	return c.transaction(apply)
}

// transaction does all or nothing.
func (c *Controller) transaction(apply []func() error) error {
	before, err := c.world.clone()
	if err != nil {
		return err
	}
	for _, f := range apply {
		if err := f(); err != nil {
			*c.world = *before
			return err
		}
	}
	return nil
}

// maxCharmState is the default of the controller option max-charm-state-size, in bytes of BSON.
const maxCharmState = 2 << 20

// checkCharmState refuses a state that is too large as a whole; its keys and values were measured by the agent already.
func checkCharmState(state map[string]string) error {
	escaped := map[string]string{}
	for key, value := range state {
		escaped[mgoutils.EscapeKey(key)] = value
	}
	checker := quota.NewBSONTotalSizeChecker(maxCharmState)
	checker.Check(escaped)
	return errors.Annotate(checker.Outcome(), "persisting charm state")
}

func (c *Controller) commitSecrets(changes params.CommitHookChangesArg) error {
	if err := joined("creating secrets", changes.SecretCreates, c.createSecret); err != nil {
		return err
	}
	if err := joined("updating secrets", changes.SecretUpdates, c.updateSecret); err != nil {
		return err
	}
	if err := joined("updating secret tracked revisions", changes.TrackLatest, c.trackLatest); err != nil {
		return err
	}
	if err := joined("granting secrets access", changes.SecretGrants, c.grantSecret); err != nil {
		return err
	}
	if err := joined("revoking secrets access", changes.SecretRevokes, c.revokeSecret); err != nil {
		return err
	}
	return joined("removing secrets", changes.SecretDeletes, c.deleteSecret)
}

// joined does f for all arguments and makes one error of those that failed.
func joined[A any](doing string, args []A, f func(A) error) error {
	var failures []string
	for _, arg := range args {
		if err := f(arg); err != nil {
			failures = append(failures, err.Error())
		}
	}
	if failures == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", doing, strings.Join(failures, "\n"))
}

func (c *Controller) writeSettings(rel *Relation, settings params.RelationUnitSettings) error {
	if rel.Data == nil {
		rel.Data = map[string]map[string]string{}
	}
	if len(settings.ApplicationSettings) > 0 {
		if err := c.checkLeader(); err != nil {
			return err
		}
		rel.Data[c.app] = updated(rel.Data[c.app], settings.ApplicationSettings)
	}
	rel.Data[c.world.Unit] = updated(rel.Data[c.world.Unit], settings.Settings)
	return nil
}

// refreshAddresses is what a committed config-changed hook makes a controller do: each relation's own databag gets the addresses
// that its endpoint has. Where the world describes no network, nothing is touched.
func (c *Controller) refreshAddresses() error {
	for _, rel := range c.world.Relations {
		network, ok := c.network(rel.Endpoint)
		if !ok {
			continue
		}
		changes := map[string]string{"private-address": "", "ingress-address": "", "egress-subnets": strings.Join(network.EgressSubnets, ",")}
		if len(network.IngressAddresses) > 0 {
			changes["private-address"] = network.IngressAddresses[0]
			changes["ingress-address"] = network.IngressAddresses[0]
		}
		if rel.Data == nil {
			rel.Data = map[string]map[string]string{}
		}
		rel.Data[c.world.Unit] = updated(rel.Data[c.world.Unit], changes)
	}
	return nil
}

func (c *Controller) changePorts(open, closed []params.EntityPortRange) {
	for _, p := range open {
		port := Port{Endpoint: p.Endpoint, Protocol: p.Protocol, From: p.FromPort, To: p.ToPort}
		if !slices.Contains(c.world.Ports, port) {
			c.world.Ports = append(c.world.Ports, port)
		}
	}
	for _, p := range closed {
		port := Port{Endpoint: p.Endpoint, Protocol: p.Protocol, From: p.FromPort, To: p.ToPort}
		c.world.Ports = slices.DeleteFunc(c.world.Ports, func(have Port) bool { return have == port })
	}
}

func (c *Controller) checkStorage(add params.StorageAddParams) error {
	if _, ok := c.charm.Meta().Storage[add.StorageName]; !ok {
		return errors.NotFoundf("storage %q", add.StorageName)
	}
	if add.Constraints.Pool != "" || add.Constraints.Size != nil {
		return errors.New("only count can be specified")
	}
	if add.Constraints.Count == nil || *add.Constraints.Count == 0 {
		return errors.New("count must be specified")
	}
	return nil
}

func (c *Controller) requestStorage(add params.StorageAddParams) {
	if c.world.StorageRequests == nil {
		c.world.StorageRequests = map[string]uint64{}
	}
	c.world.StorageRequests[add.StorageName] += *add.Constraints.Count
}
