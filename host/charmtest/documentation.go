package charmtest

import "github.com/starcharm/starcharm/builtins"

// Documentation describes everything that only tests can use, in the manual's
// order.
func Documentation() []builtins.TypeDoc {
	module := func(d builtins.TypeDoc) builtins.TypeDoc {
		d.Module = true
		return d
	}
	docs := []builtins.TypeDoc{
		module(testingTable.Document()), module(expectTable.Document()),
		contextTable.Document(), factoryTable.Document(), eventTable.Document(), outcomeTable.Document(), execCallTable.Document(), processCallTable.Document(), runningTable.Document(),
		componentTable.Document(),
		simulationTable.Document(), simAppTable.Document(), simUnitTable.Document(), simRelationTable.Document(), simActionTable.Document(),
	}
	for _, k := range kinds {
		docs = append(docs, k.document())
	}
	return docs
}

// document describes a kind: its fields, and what follows from them.
func (k *kind) document() builtins.TypeDoc {
	d := builtins.TypeDoc{Name: k.name, Doc: k.doc}
	for _, f := range k.fields {
		d.Members = append(d.Members, builtins.MemberDoc{Name: f.name, Signature: f.sig, Doc: f.doc})
	}
	if k.derived != nil {
		d.Members = append(d.Members, k.derived.Document().Members...)
	}
	return d
}
