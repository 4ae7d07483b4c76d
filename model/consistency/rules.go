package consistency

// Rules are all rules, in the manual's order. A number stays that of its rule.
func Rules() []Rule {
	return []Rule{
		// Containers
		{ID: "SC001", Says: "A container is one of the metadata's.", Cure: "Add it to containers of charmcraft.yaml, or mend its name."},
		{ID: "SC002", Says: "There is one container of a name.", Cure: "Use state.put(container), which takes the place of the other."},
		{ID: "SC003", Says: "A check has a CheckInfo only if it is in the container's plan.", Cure: "Add it to checks of a layer."},
		{ID: "SC004", Says: "A CheckInfo has the level that the plan says, or none.", Cure: "Give both the same level."},
		{ID: "SC005", Says: "A CheckInfo has the startup that the plan says.", Cure: "Give both the same startup."},
		{ID: "SC006", Says: "A CheckInfo has the threshold that the plan says.", Cure: "Give both the same threshold."},
		{ID: "SC008", Says: "A service with a status is in the plan.", Cure: "Add it to services of a layer.", Note: true},
		// Config
		{ID: "SC010", Says: "An option is one of the metadata's.", Cure: "Add it to config of charmcraft.yaml, or mend its name."},
		{ID: "SC011", Says: "An option's value is of its type: a bool is no int, and an int may stand for a float.", Cure: "Give a value of the option's type."},
		{ID: "SC012", Says: "An option of the type secret holds a secret's id, or nothing.", Cure: "Use the id of a testing.Secret."},
		{ID: "SC013", Says: "An option of the type secret needs Juju 3.4.", Cure: "Set juju_version of the Context."},
		// Resources
		{ID: "SC015", Says: "A resource is one of the metadata's.", Cure: "Add it to resources of charmcraft.yaml, or mend its name."},
		{ID: "SC016", Says: "There is one resource of a name.", Cure: "Use state.put(resource), which takes the place of the other."},
		// Relations
		{ID: "SC020", Says: "A relation's endpoint is one of the metadata's.", Cure: "Add it to requires, provides or peers of charmcraft.yaml, or mend its name."},
		{ID: "SC021", Says: "Relations have different ids.", Cure: "Leave the ids out, or state.put(relation) in the place of the other."},
		{ID: "SC022", Says: "A PeerRelation is one of an endpoint below peers, and no other is.", Cure: "Use testing.PeerRelation for peers, testing.Relation for requires and provides."},
		{ID: "SC023", Says: "The peers of a unit are other units.", Cure: "The unit's own data are local_unit_data."},
		{ID: "SC024", Says: "A relation has the interface that the metadata says.", Cure: "Leave interface out."},
		{ID: "SC025", Says: "An endpoint has no more relations than its limit, and one below peers has one.", Cure: "Drop a relation, or raise limit in charmcraft.yaml."},
		{ID: "SC026", Says: "A relation of scope container has one remote unit at most: the one beside this.", Cure: "Use testing.SubordinateRelation."},
		{ID: "SC027", Says: "A subordinate is there because of a relation of scope container.", Cure: "Add that relation to the State.", Note: true},
		// Secrets
		{ID: "SC030", Says: "A secret's id is secret: and 20 characters.", Cure: "Leave id out."},
		{ID: "SC031", Says: "Secrets have different ids.", Cure: "Leave the ids out, or state.put(secret) in the place of the other."},
		{ID: "SC032", Says: "A secret's owner is unit or app, or nothing for another's.", Cure: "Set owner to one of these."},
		{ID: "SC033", Says: "A secret has content.", Cure: "Give it at least one key."},
		{ID: "SC034", Says: "A secret's keys have three characters or more: lower case letters, digits and hyphens, from a letter to a letter or digit.", Cure: "Rename the key.", Note: true},
		{ID: "SC035", Says: "A secret is granted to relations that there are.", Cure: "Add the relation to the State, or mend its id."},
		{ID: "SC036", Says: "The secrets of one owner have different labels.", Cure: "Give each its own label."},
		{ID: "SC037", Says: "Secrets need Juju 3.0.3.", Cure: "Set juju_version of the Context.", Note: true},
		{ID: "SC038", Says: "Only another's secret is denied.", Cure: "Leave denied out, or owner."},
		// Storages, networks, ports
		{ID: "SC040", Says: "A storage is one of the metadata's.", Cure: "Add it to storage of charmcraft.yaml, or mend its name."},
		{ID: "SC041", Says: "The instances of a storage have different numbers.", Cure: "Give each its index."},
		{ID: "SC042", Says: "A storage has no more instances than the metadata allows.", Cure: "Drop one, or raise multiple.range in charmcraft.yaml."},
		{ID: "SC043", Says: "A storage has as many instances as the metadata asks for.", Cure: "Add them to storages; ctx.state() has them.", Note: true},
		{ID: "SC045", Says: "A network is one of an endpoint, an extra binding or juju-info.", Cure: "Add the binding to charmcraft.yaml, or mend its name."},
		{ID: "SC046", Says: "There is one network of a binding.", Cure: "Use state.put(network), which takes the place of the other."},
		{ID: "SC047", Says: "A port is one that Juju can open.", Cure: "Use testing.TCPPort(80), testing.UDPPort(53) or testing.ICMPPort()."},
		{ID: "SC048", Says: "The ranges of open ports of a protocol do not overlap.", Cure: "Drop one of them."},
		// The unit and its model
		{ID: "SC050", Says: "A status is active, blocked, error, maintenance, unknown or waiting.", Cure: "Use model.ActiveStatus() and the like."},
		{ID: "SC051", Says: "The number of planned units is not negative.", Cure: "Leave planned_units out."},
		{ID: "SC052", Says: "The number of planned units is that of the unit and its peers.", Cure: "Leave planned_units out, or add the peers to the PeerRelation.", Note: true},
		{ID: "SC053", Says: "A model on Kubernetes tells its cloud since Juju 3.6.10.", Cure: "Set juju_version of the Context, or the Model's type."},
		{ID: "SC054", Says: "Only a trusted application is told its cloud.", Cure: "Use testing.Context(app_trusted = True).", Note: true},
		{ID: "SC055", Says: "The charm's assumes hold.", Cure: "Set juju_version of the Context, or the Model's type."},
		{ID: "SC056", Says: "A deferred event is one that the charm has.", Cure: "Make it with ctx.on.….deferred(handler).", Note: true},
		{ID: "SC057", Says: "What a deferred event is about is still there.", Cure: "Add it to the State.", Note: true},
		// The event
		{ID: "SC060", Says: "What an event is about is in the State.", Cure: "Add it: state.put(…)."},
		{ID: "SC061", Says: "What an event is about is as it is in the State.", Cure: "Make the event of the State's: state.relation(…), state.container(…).", Note: true},
		{ID: "SC062", Says: "The notice of an event is in its container.", Cure: "Add it to notices of the Container."},
		{ID: "SC063", Says: "The check of an event is in its container.", Cure: "Add it to checks of a layer, and to check_infos of the Container."},
		{ID: "SC064", Says: "The container of an event can be connected to.", Cure: "Use testing.Container(…, can_connect = True).", Note: true},
		{ID: "SC065", Says: "A check that failed is down, and one that recovered is up.", Cure: "Set status of the CheckInfo.", Note: true},
		{ID: "SC066", Says: "An event says which of several remote units it is about.", Cure: "Give it remote_unit.", Note: true},
		{ID: "SC067", Says: "The unit that departs is one of the relation's, or this one.", Cure: "Mend departing_unit, or add the unit to remote_units_data or peers_data."},
		{ID: "SC068", Says: "A unit that was elected is the leader.", Cure: "Use testing.State(leader = True)."},
		{ID: "SC069", Says: "Of a secret that the application owns, Juju tells the leader.", Cure: "Use testing.State(leader = True)."},
		{ID: "SC070", Says: "The revision that an event is about is one that the secret has or had.", Cure: "Mend revision."},
		{ID: "SC071", Says: "When a relation is created, its remote units have written nothing yet.", Cure: "Run relation_joined or relation_changed, or set remote_units_data = {}.", Note: true},
		{ID: "SC072", Says: "This version of Juju has such an event.", Cure: "Set juju_version of the Context."},
		{ID: "SC073", Says: "An event of a container is one on Kubernetes.", Cure: "Leave the Model's type out."},
		{ID: "SC074", Says: "An action's parameters are those of its schema.", Cure: "Mend the parameters, or params of the action in charmcraft.yaml."},
	}
}
