package check

import (
	"slices"

	"github.com/starcharm/starcharm/host"
)

// A Rule is one thing that is looked for.
type Rule struct {
	Name     string        `json:"name"`
	Severity host.Severity `json:"severity"`
	// Listing: only with Options.Listing.
	Listing bool `json:"listing,omitempty"`
	// Doc says what breaks the rule, and what comes of it.
	Doc string `json:"doc"`
}

const (
	bad  = host.SeverityError
	warn = host.SeverityWarning
)

// rules are all of them, in the order of the manual. Each has a fixture in
// testdata/NAME.txtar.
var rules = [...]Rule{
	{Name: "syntax", Severity: bad, Doc: "A file that is not Starlark, or not the Starlark of charms."},
	{Name: "no-script", Severity: bad, Doc: "A charm that has neither src/charm.star nor charm.star, or one that cannot be read."},
	{Name: "unknown-name", Severity: bad, Doc: "A name that is neither defined in the file, nor loaded, nor there without load()."},
	{Name: "unknown-load", Severity: bad, Doc: "A load() of a file that is not there, or of a name that the file does not have, or files that load each other."},
	{Name: "load-failure", Severity: bad, Doc: "A top level that fails when it is run, as it would in every hook."},
	{Name: "unknown-attribute", Severity: bad, Doc: "An attribute or method that a value does not have; of an event, one that no event has for which the handler is registered."},
	{Name: "read-only-attribute", Severity: bad, Doc: "An assignment to an attribute that cannot be assigned to."},
	{Name: "unknown-argument", Severity: bad, Doc: "A keyword argument that a function does not take."},
	{Name: "wrong-argument", Severity: bad, Doc: "An argument too many, one that is missing, or one of a wrong type."},
	{Name: "wrong-format", Severity: bad, Doc: "A format with more or fewer values than it wants, in `format % values` or in a log message."},
	{Name: "method-not-called", Severity: bad, Doc: "A method without brackets where its result is meant: `if model.unit.is_leader:` is always true."},

	{Name: "unknown-event", Severity: bad, Doc: "An event that the charm cannot meet."},
	{Name: "unknown-endpoint", Severity: bad, Doc: "The name of an endpoint that the metadata does not have."},
	{Name: "unknown-option", Severity: bad, Doc: "The name of an option, or a field of a schema for options, that the metadata does not have."},
	{Name: "unknown-container", Severity: bad, Doc: "The name of a container that the metadata does not have."},
	{Name: "unknown-action", Severity: bad, Doc: "The name of an action that the metadata does not have."},
	{Name: "unknown-parameter", Severity: bad, Doc: "A parameter, or a field of a schema for parameters, that the action does not have."},
	{Name: "unknown-storage", Severity: bad, Doc: "The name of a storage that the metadata does not have."},
	{Name: "unknown-resource", Severity: bad, Doc: "The name of a resource that the metadata does not have."},
	{Name: "unknown-template", Severity: bad, Doc: "A template that the charm's folder templates does not have."},
	{Name: "unknown-layer-key", Severity: bad, Doc: "A key in a layer, or in one of its services, checks and log targets, that Pebble does not know."},

	{Name: "handler-signature", Severity: bad, Doc: "A handler that cannot be called with an event alone, a lambda, or something that is no function."},
	{Name: "cannot-defer", Severity: bad, Doc: "A defer() of an event that cannot be deferred, or in a reconciler."},
	{Name: "never-fires", Severity: bad, Doc: "An observer that nothing registers when the charm loads, of an event that the Jujus which the charm assumes do not have, or of one that nothing emits."},
	{Name: "library-sets-status", Severity: bad, Doc: "A status that is set in a handler of a library instance, or in a file that makes such instances: what a unit shows is the charm's to decide."},
	{Name: "unobserved-handler", Severity: warn, Doc: "A function that looks like a handler, and that nothing registers or calls."},
	{Name: "unobserved-action", Severity: warn, Doc: "An action that no handler is registered for: it ends at once, without a result."},
	{Name: "unused-endpoint", Severity: warn, Doc: "An endpoint that no script mentions."},
	{Name: "unused-option", Severity: warn, Doc: "An option that no script mentions."},
	{Name: "unused-load", Severity: warn, Doc: "A name that is loaded and not used."},
	{Name: "unused-variable", Severity: warn, Doc: "A local variable that is assigned and not used. One whose name starts with _ may be."},
	{Name: "uncaught-call", Severity: warn, Doc: "A call inside the function that catch() is given, `catch(container.exec(command).wait_output)`: it runs before catch() does, which does not catch its failure."},
	{Name: "unchecked-failure", Severity: warn, Doc: "A failure that catch() returned and nobody looks at. If it does not matter, call it _."},
	{Name: "unreachable-code", Severity: warn, Doc: "Statements behind one that always leaves."},
	{Name: "unused-ignore", Severity: warn, Doc: "A `# check: ignore=RULE` that silences nothing."},

	{Name: "overridden-status", Severity: warn, Doc: "A status other than MaintenanceStatus that a handler sets directly in a charm whose statuses are collected: at the end of the hook, the collected one takes its place."},
	{Name: "secret-in-log", Severity: warn, Doc: "A secret's content in a log message, a status, or an action's result or message."},
	{Name: "unstable-databag", Severity: warn, Doc: "A value in a databag that is another one each time, such as the time or a random one: every hook wakes up all related units."},
	{Name: "relative-command", Severity: warn, Listing: true, Doc: "A command without the path of its program: what runs depends on PATH."},
	{Name: "unpinned-version", Severity: warn, Doc: "An `apt-get install` of a package without a version, or `snap install` without a channel or revision: units that were made at other times run other things."},
}

// Rules are all rules, those of the metadata too, in the order of the manual.
func Rules() []Rule {
	all := rules[:]
	return slices.Concat(all, metadataRules())
}

func rulesByName() map[string]Rule {
	byName := map[string]Rule{}
	for _, r := range Rules() {
		byName[r.Name] = r
	}
	return byName
}

func ruleNames() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}
