package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/core/secrets"
	"github.com/juju/juju/rpc/params"
	"github.com/juju/juju/secrets/provider/juju"
)

// backendID names the controller's own backend, which keeps the content in the controller.
const backendID = "a9a1b6c0-2f7e-4c8e-9d55-0c6a9a3c4c11"

// secretCalls answers the SecretsManager facade: secrets are kept in the controller, there is no external backend.
func (c *Controller) secretCalls(calls map[string]facadeCall) {
	calls["SecretsManager.CreateSecretURIs"] = handle(func(args params.CreateSecretURIsArg) (params.StringResults, error) {
		var results []params.StringResult
		for range args.Count {
			results = append(results, params.StringResult{Result: secrets.NewURI().WithSource(c.world.Model.UUID).String()})
		}
		return params.StringResults{Results: results}, nil
	})
	calls["SecretsManager.GetSecretBackendConfigs"] = handle(func(params.SecretBackendArgs) (params.SecretBackendConfigResults, error) {
		config := params.SecretBackendConfigResult{
			ControllerUUID: backendID, ModelUUID: c.world.Model.UUID, ModelName: c.world.Model.Name,
			Config: params.SecretBackendConfig{BackendType: juju.BackendType},
		}
		return params.SecretBackendConfigResults{
			ActiveID: backendID, Results: map[string]params.SecretBackendConfigResult{backendID: config},
		}, nil
	})
	calls["SecretsManager.GetSecretMetadata"] = handle(func(struct{}) (params.ListSecretResults, error) {
		return c.ownedSecrets()
	})
	calls["SecretsManager.GetSecretContentInfo"] = handle(func(args params.GetSecretContentArgs) (params.SecretContentResults, error) {
		results := make([]params.SecretContentResult, len(args.Args))
		for i, arg := range args.Args {
			content, err := c.readSecret(arg)
			results[i] = params.SecretContentResult{Content: content, Error: failed(err)}
		}
		return params.SecretContentResults{Results: results}, nil
	})
	calls["SecretsManager.GetSecretRevisionContentInfo"] = handle(func(arg params.SecretRevisionArg) (params.SecretContentResults, error) {
		var results []params.SecretContentResult
		for _, revision := range arg.Revisions {
			content, err := c.secretRevision(arg.URI, revision)
			results = append(results, params.SecretContentResult{Content: content, Error: failed(err)})
		}
		return params.SecretContentResults{Results: results}, nil
	})
	calls["SecretsManager.SecretsRotated"] = handle(func(args params.SecretRotatedArgs) (params.ErrorResults, error) {
		return eachEntity(args.Args, func(arg params.SecretRotatedArg) error {
			_, secret, err := c.secret(arg.URI)
			if err != nil {
				return err
			}
			secret.Rotated++
			if policy := secrets.RotatePolicy(secret.Rotate); policy.WillRotate() && secret.NextRotate != nil {
				secret.NextRotate = policy.NextRotateTime(*secret.NextRotate)
			}
			return nil
		})
	})
}

// secret finds a secret by its URI.
func (c *Controller) secret(uri string) (string, *Secret, error) {
	parsed, err := secrets.ParseURI(uri)
	if err != nil {
		return "", nil, err
	}
	secret, ok := c.world.Secrets[parsed.ID]
	if !ok {
		return "", nil, errors.NotFoundf("secret %q", parsed.String())
	}
	return parsed.ID, secret, nil
}

// owns says whether the unit or its application owns the secret.
func (c *Controller) owns(secret *Secret) bool {
	return secret.Owner == c.world.Unit || secret.Owner == c.app
}

// granted says whether the secret is granted to a unit or an application. A grant ends with the relation that it is scoped to.
func (c *Controller) granted(secret *Secret, to string) bool {
	grant, ok := secret.Grants[to]
	if !ok || grant.Relation == "" {
		return ok
	}
	_, ok = c.world.Relations[grant.Relation]
	return ok
}

// mayManage checks that the unit may change the secret: its own, or as leader that of its application.
func (c *Controller) mayManage(secret *Secret) error {
	switch secret.Owner {
	case c.world.Unit:
		return nil
	case c.app:
		return c.checkLeader()
	}
	return errPerm
}

// ownedSecrets lists what the unit owns and, for the leader, what its application owns.
func (c *Controller) ownedSecrets() (params.ListSecretResults, error) {
	var list params.ListSecretResults
	for _, id := range slices.Sorted(maps.Keys(c.world.Secrets)) {
		secret := c.world.Secrets[id]
		if secret.Owner != c.world.Unit && (secret.Owner != c.app || !c.world.Leader) {
			continue
		}
		result := params.ListSecretResult{
			URI:              (&secrets.URI{ID: id}).WithSource(c.world.Model.UUID).String(),
			OwnerTag:         entityTag(secret.Owner).String(),
			RotatePolicy:     secret.Rotate,
			NextRotateTime:   secret.NextRotate,
			Description:      secret.Description,
			Label:            secret.Label,
			LatestRevision:   secret.Latest,
			LatestExpireTime: secret.Expire,
		}
		for _, revision := range slices.Sorted(maps.Keys(secret.Revisions)) {
			result.Revisions = append(result.Revisions, params.SecretRevision{Revision: revision})
		}
		for _, target := range slices.Sorted(maps.Keys(secret.Grants)) {
			access := params.AccessInfo{TargetTag: entityTag(target).String(), Role: secrets.RoleView}
			if rel, ok := c.world.Relations[secret.Grants[target].Relation]; ok {
				access.ScopeTag = names.NewRelationTag(c.relationKey(rel)).String()
			}
			result.Access = append(result.Access, access)
		}
		list.Results = append(list.Results, result)
	}
	return list, nil
}

// readSecret gives the content that the unit tracks, and notes what it tracks from now on.
func (c *Controller) readSecret(arg params.GetSecretContentArg) (params.SecretContentParams, error) {
	id, secret, relabel, err := c.secretToRead(arg)
	if err != nil {
		return params.SecretContentParams{}, err
	}
	if !c.owns(secret) && !c.granted(secret, c.world.Unit) && !c.granted(secret, c.app) {
		return params.SecretContentParams{}, errPerm
	}
	consumer, tracked := secret.Consumers[c.world.Unit]
	revision := consumer.Revision
	refresh := arg.Refresh || !tracked
	if refresh || arg.Peek {
		revision = secret.Latest
	}
	if refresh {
		consumer.Revision = revision
	}
	if relabel && arg.Label != "" {
		consumer.Label = arg.Label
	}
	if refresh || relabel {
		if secret.Consumers == nil {
			secret.Consumers = map[string]Consumer{}
		}
		secret.Consumers[c.world.Unit] = consumer
	}
	return content(id, secret, revision)
}

// secretToRead finds the secret of a URI or a label: an owner's label first, then a consumer's. relabel says that the label
// given with the URI is to become the consumer's.
func (c *Controller) secretToRead(arg params.GetSecretContentArg) (id string, secret *Secret, relabel bool, err error) {
	if arg.URI != "" {
		if id, secret, err = c.secret(arg.URI); err != nil {
			return "", nil, false, err
		}
		if !c.owns(secret) {
			return id, secret, arg.Label != "", nil
		}
		if arg.Label != "" && arg.Label != secret.Label && c.mayManage(secret) == nil {
			secret.Label = arg.Label
		}
		return id, secret, false, nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.world.Secrets)) {
		if secret := c.world.Secrets[id]; c.owns(secret) && secret.Label == arg.Label {
			return id, secret, false, nil
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.world.Secrets)) {
		if secret := c.world.Secrets[id]; secret.Consumers[c.world.Unit].Label == arg.Label {
			return id, secret, false, nil
		}
	}
	return "", nil, false, errors.NotFoundf("consumer label %q", arg.Label)
}

func (c *Controller) secretRevision(uri string, revision int) (params.SecretContentParams, error) {
	id, secret, err := c.secret(uri)
	if err != nil {
		return params.SecretContentParams{}, err
	}
	return content(id, secret, revision)
}

func content(id string, secret *Secret, revision int) (params.SecretContentParams, error) {
	values, ok := secret.Revisions[revision]
	if !ok {
		return params.SecretContentParams{}, errors.NotFoundf("secret revision %q", fmt.Sprintf("%s/%d", id, revision))
	}
	return params.SecretContentParams{Data: encodeContent(values)}, nil
}

// createSecret is part of a hook's commit.
func (c *Controller) createSecret(arg params.CreateSecretArg) error {
	owner, err := names.ParseTag(arg.OwnerTag)
	if err != nil {
		return err
	}
	if len(arg.Content.Data) == 0 {
		return errors.NotValidf("empty secret value")
	}
	secret := &Secret{Owner: owner.Id(), Rotate: secrets.RotateNever.String()}
	if err := c.mayManage(secret); err != nil {
		return err
	}
	if arg.URI == nil {
		return errors.NotValidf("secret without URI")
	}
	uri, err := secrets.ParseURI(*arg.URI)
	if err != nil {
		return err
	}
	if err := c.upsertSecret(secret, arg.UpsertSecretArg); err != nil {
		return err
	}
	if c.world.Secrets == nil {
		c.world.Secrets = map[string]*Secret{}
	}
	c.world.Secrets[uri.ID] = secret
	return nil
}

func (c *Controller) updateSecret(arg params.UpdateSecretArg) error {
	_, secret, err := c.secret(arg.URI)
	if err != nil {
		return err
	}
	if arg.RotatePolicy == nil && arg.Description == nil && arg.ExpireTime == nil && arg.Label == nil && len(arg.Content.Data) == 0 {
		return errors.New("at least one attribute to update must be specified")
	}
	if err := c.mayManage(secret); err != nil {
		return err
	}
	return c.upsertSecret(secret, arg.UpsertSecretArg)
}

// upsertSecret writes what is given. Content makes a new revision, even when it is the same: 3.5.1 does not compare.
func (c *Controller) upsertSecret(secret *Secret, arg params.UpsertSecretArg) error {
	if arg.Label != nil && *arg.Label != secret.Label {
		for _, other := range c.world.Secrets {
			if other != secret && other.Owner == secret.Owner && other.Label == *arg.Label && *arg.Label != "" {
				return errors.AlreadyExistsf("secret with label %q", *arg.Label)
			}
		}
		secret.Label = *arg.Label
	}
	if len(arg.Content.Data) > 0 {
		values, err := decodeContent(arg.Content.Data)
		if err != nil {
			return err
		}
		secret.Latest++
		if secret.Revisions == nil {
			secret.Revisions = map[int]Content{}
		}
		secret.Revisions[secret.Latest] = values
		secret.Expire = nil
	}
	if arg.Description != nil {
		secret.Description = *arg.Description
	}
	if arg.RotatePolicy != nil {
		if arg.RotatePolicy.WillRotate() && secret.NextRotate == nil {
			secret.NextRotate = arg.RotatePolicy.NextRotateTime(time.Now())
		} else if !arg.RotatePolicy.WillRotate() {
			secret.NextRotate = nil
		}
		secret.Rotate = arg.RotatePolicy.String()
	}
	if arg.ExpireTime != nil {
		secret.Expire = arg.ExpireTime
		if arg.ExpireTime.IsZero() {
			secret.Expire = nil
		}
	}
	return nil
}

func (c *Controller) deleteSecret(arg params.DeleteSecretArg) error {
	id, secret, err := c.secret(arg.URI)
	if err != nil {
		return err
	}
	if err := c.mayManage(secret); err != nil {
		return err
	}
	for _, revision := range arg.Revisions {
		if _, ok := secret.Revisions[revision]; !ok {
			return errors.NotFoundf("secret revision %q", fmt.Sprintf("%s/%d", id, revision))
		}
		delete(secret.Revisions, revision)
	}
	if len(arg.Revisions) == 0 || len(secret.Revisions) == 0 {
		delete(c.world.Secrets, id)
	}
	return nil
}

// grantSecret lets the subjects see a secret while the relation that is its scope lives.
func (c *Controller) grantSecret(arg params.GrantRevokeSecretArg) error {
	_, secret, err := c.secret(arg.URI)
	if err != nil {
		return err
	}
	if err := c.mayManage(secret); err != nil {
		return err
	}
	for _, subject := range arg.SubjectTags {
		tag, err := names.ParseTag(subject)
		if err != nil {
			return err
		}
		relation, rel, err := c.relationByTag(arg.ScopeTag, c.tag.String())
		if err != nil {
			return errors.Annotatef(errors.Annotate(err, "invalid scope reference"), "cannot change access to %q for %q", arg.URI, subject)
		}
		if rel.Life != "" && rel.Life != "alive" {
			return errors.Annotatef(errors.Errorf("cannot grant access to secret in scope of %q which is not alive", arg.ScopeTag),
				"cannot change access to %q for %q", arg.URI, subject)
		}
		if secret.Grants == nil {
			secret.Grants = map[string]Grant{}
		}
		if had, ok := secret.Grants[tag.Id()]; ok && had.Relation != relation {
			return errors.Annotatef(errors.New("cannot change secret permission scope"), "cannot change access to %q for %q", arg.URI, subject)
		}
		secret.Grants[tag.Id()] = Grant{Relation: relation}
	}
	return nil
}

func (c *Controller) revokeSecret(arg params.GrantRevokeSecretArg) error {
	_, secret, err := c.secret(arg.URI)
	if err != nil {
		return err
	}
	if err := c.mayManage(secret); err != nil {
		return err
	}
	for _, subject := range arg.SubjectTags {
		tag, err := names.ParseTag(subject)
		if err != nil {
			return err
		}
		delete(secret.Grants, tag.Id())
	}
	return nil
}

// trackLatest makes the unit track the newest revision.
func (c *Controller) trackLatest(uri string) error {
	_, err := c.readSecret(params.GetSecretContentArg{URI: uri, Refresh: true})
	return err
}

func encodeContent(values Content) map[string]string {
	encoded := make(map[string]string, len(values))
	for key, value := range values {
		encoded[key] = base64.StdEncoding.EncodeToString([]byte(value))
	}
	return encoded
}

func decodeContent(encoded map[string]string) (Content, error) {
	values := make(Content, len(encoded))
	for key, value := range encoded {
		raw, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return nil, err
		}
		values[key] = string(raw)
	}
	return values, nil
}

func entityTag(name string) names.Tag {
	if names.IsValidUnit(name) {
		return names.NewUnitTag(name)
	}
	return names.NewApplicationTag(name)
}
