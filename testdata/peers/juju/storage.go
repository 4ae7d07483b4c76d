package main

import (
	"maps"
	"slices"

	"github.com/juju/errors"
	"github.com/juju/names/v5"

	"github.com/juju/juju/core/life"
	"github.com/juju/juju/rpc/params"
	"github.com/juju/juju/storage"
)

// storageCalls answers what concerns storage attachments.
func (c *Controller) storageCalls(calls map[string]facadeCall) {
	calls["Uniter.UnitStorageAttachments"] = handle(func(params.Entities) (params.StorageAttachmentIdsResults, error) {
		var result params.StorageAttachmentIdsResult
		for _, id := range slices.Sorted(maps.Keys(c.world.Storages)) {
			result.Result.Ids = append(result.Result.Ids, params.StorageAttachmentId{
				StorageTag: names.NewStorageTag(id).String(), UnitTag: c.tag.String(),
			})
		}
		return params.StorageAttachmentIdsResults{Results: []params.StorageAttachmentIdsResult{result}}, nil
	})
	calls["Uniter.StorageAttachments"] = handle(func(args params.StorageAttachmentIds) (params.StorageAttachmentResults, error) {
		results := make([]params.StorageAttachmentResult, len(args.Ids))
		for i, id := range args.Ids {
			attachment, err := c.storageAttachment(id)
			results[i] = params.StorageAttachmentResult{Result: attachment, Error: failed(err)}
		}
		return params.StorageAttachmentResults{Results: results}, nil
	})
}

func (c *Controller) storageAttachment(id params.StorageAttachmentId) (params.StorageAttachment, error) {
	tag, err := names.ParseStorageTag(id.StorageTag)
	if err != nil {
		return params.StorageAttachment{}, err
	}
	if err := c.checkUnit(id.UnitTag); err != nil {
		return params.StorageAttachment{}, err
	}
	instance, ok := c.world.Storages[tag.Id()]
	if !ok {
		return params.StorageAttachment{}, errors.NotFoundf("storage attachment %q on %q", tag.Id(), c.world.Unit)
	}
	if instance.Location == "" {
		return params.StorageAttachment{}, errors.NotProvisionedf("storage attachment %q on %q", tag.Id(), c.world.Unit)
	}
	kind := storage.StorageKindFilesystem
	if instance.Kind == storage.StorageKindBlock.String() {
		kind = storage.StorageKindBlock
	}
	attachmentLife := life.Alive
	if instance.Life != "" {
		attachmentLife = life.Value(instance.Life)
	}
	return params.StorageAttachment{
		StorageTag: tag.String(), OwnerTag: c.tag.String(), UnitTag: c.tag.String(),
		Kind: params.StorageKind(kind), Location: instance.Location, Life: attachmentLife,
	}, nil
}
