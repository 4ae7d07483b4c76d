package builtins

// Renew has the builtins ask anew, as at the beginning of a hook: see
// [model.Model.Renew]. Values that scripts have stay what they are.
func (h *Hook) Renew() {
	h.Model.Renew()
	h.Collected = nil
	for _, r := range h.relations {
		r.bags = nil
	}
	for _, s := range h.Framework.stored {
		clear(s.read)
	}
}
