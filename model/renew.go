package model

// Renew has the model ask Juju anew: it remembers nothing of what it read and
// did, as at the beginning of a hook, and what was written to databags and not
// sent is gone. Relations, databags and secrets stay the values they are, and
// the values of secrets stay masked.
func (m *Model) Renew() {
	fresh := New(m.ctx, m.cfg)
	fresh.relations, fresh.secrets, fresh.secretsByID = m.relations, m.secrets, m.secretsByID
	fresh.masker, fresh.secretValues = m.masker, m.secretValues
	for _, r := range m.relations {
		r.gone, r.listed = false, false
		r.units, r.app, r.remote = nil, nil, nil
		for _, bag := range r.databags {
			bag.data, bag.unsent = nil, nil
			bag.size, bag.stale, bag.queued = 0, false, false
		}
	}
	for _, s := range m.secrets {
		*s.facts = secretFacts{}
	}
	for _, facts := range m.secretsByID {
		*facts = secretFacts{}
	}
	*m = *fresh
}
