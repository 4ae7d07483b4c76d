package plan

import (
	"maps"
	"slices"

	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
)

// masker returns what masks the values of all secrets of the world before and
// after the hook, and what else is confidential to the hook.
func masker(o *simulate.Outcome) func(string) string {
	var values []string
	for _, s := range []*simulate.State{o.Before, o.State} {
		for _, secret := range s.Juju.Secrets {
			values = slices.AppendSeq(values, maps.Values(secret.TrackedContent))
			values = slices.AppendSeq(values, maps.Values(secret.LatestContent))
		}
	}
	known := model.MaskValues(values)
	return func(text string) string {
		if o.Mask != nil {
			text = o.Mask(text)
		}
		return known(text)
	}
}
