package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
	"github.com/starcharm/starcharm/host/charminit"
	"github.com/starcharm/starcharm/host/charmtest"
	"github.com/starcharm/starcharm/host/check"
	"github.com/starcharm/starcharm/host/manual"
	"github.com/starcharm/starcharm/host/simulate"
	"github.com/starcharm/starcharm/model"
)

// This file completes what is typed in a shell, with the names of the charm at
// hand. Whatever goes wrong is not told: there is nothing to complete with then.

// completionTime is how long a completion may take that loads a charm.
const completionTime = 2 * time.Second

const noFiles = cobra.ShellCompDirectiveNoFileComp

// addCompletions adds to all commands what their arguments and flags can be.
func addCompletions(root *cobra.Command) {
	arguments := map[string]cobra.CompletionFunc{
		"doc": completeNames, "fmt": fixed(cobra.ShellCompDirectiveFilterFileExt, "star"), "plan": completeEvents, "run": completeEvents,
	}
	flags := map[string]cobra.CompletionFunc{
		"arch":        fixed(noFiles, model.Architectures()...),
		"check":       nothing,
		"dir":         fixed(cobra.ShellCompDirectiveFilterDirs),
		"charm":       fixed(cobra.ShellCompDirectiveFilterDirs),
		"ignore":      completeRules,
		"kind":        fixed(noFiles, charminit.Kinds()...),
		"param":       completeParams,
		"pebble":      fixed(noFiles, "real", "simulated"),
		"relation-id": completeRelations,
		"run":         completeTests,
		"secret-id":   completeSecrets,
		"set":         completeOptions,
		"state":       fixed(cobra.ShellCompDirectiveFilterFileExt, "yaml", "yml"),
	}
	for _, cmd := range root.Commands() {
		cmd.ValidArgsFunction = nothing
		if complete := arguments[cmd.Name()]; complete != nil {
			cmd.ValidArgsFunction = complete
		}
		for name, complete := range flags {
			if cmd.Flags().Lookup(name) != nil {
				cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, complete))
			}
		}
	}
}

func nothing(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, noFiles
}

// fixed completes with values that are always the same.
func fixed(directive cobra.ShellCompDirective, values ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if directive != noFiles {
			return values, directive
		}
		return beginning(typed, values), directive
	}
}

// beginning are the completions that go on with what was typed.
func beginning(typed string, completions []cobra.Completion) []cobra.Completion {
	var found []cobra.Completion
	for _, c := range completions {
		if strings.HasPrefix(c, typed) {
			found = append(found, c)
		}
	}
	return found
}

// described is a completion with a text beside it.
func described(name, text string) cobra.Completion {
	line, _, _ := strings.Cut(text, "\n")
	return cobra.CompletionWithDesc(host.Printable(name), host.Printable(line))
}

// charmAtHand is the metadata of the charm that --charm names; an empty one if
// there is none.
func charmAtHand(cmd *cobra.Command) *model.Metadata {
	dir := "."
	if flag := cmd.Flags().Lookup("charm"); flag != nil {
		dir = flag.Value.String()
	}
	if files, err := host.DirFS(dir); err == nil {
		if meta, _ := model.ReadMetadata(files); meta != nil { // mistakes in it are told elsewhere
			return meta
		}
	}
	return &model.Metadata{}
}

func completeEvents(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return beginning(typed, describedEvents(charmAtHand(cmd))), noFiles
}

// describedEvents are the events of a charm with what is said of them.
func describedEvents(meta *model.Metadata) []cobra.Completion {
	var found []cobra.Completion
	for _, name := range simulate.EventNames(meta) {
		def, ok := meta.Event(strings.ReplaceAll(name, "-", "_"))
		switch {
		case !ok:
		case def.Kind == model.Action && meta.Actions[def.Subject].Description != "":
			found = append(found, described(name, meta.Actions[def.Subject].Description))
		default:
			found = append(found, described(name, def.Kind.Doc()))
		}
	}
	return found
}

func completeOptions(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	options := charmAtHand(cmd).Options
	key, _, value := strings.Cut(typed, "=")
	if value {
		if o := options[key]; o != nil && o.Type == "boolean" {
			return beginning(typed, []string{key + "=false", key + "=true"}), noFiles
		}
		return nil, noFiles
	}
	var found []cobra.Completion
	for _, name := range slices.Sorted(maps.Keys(options)) {
		found = append(found, described(name+"=", options[name].Description))
	}
	return beginning(typed, found), noFiles | cobra.ShellCompDirectiveNoSpace
}

func completeParams(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 0 || strings.Contains(typed, "=") {
		return nil, noFiles
	}
	name, _ := simulate.ParseEventName(args[0])
	action := charmAtHand(cmd).Actions[name]
	if action == nil {
		return nil, noFiles
	}
	var found []cobra.Completion
	for _, name := range slices.Sorted(maps.Keys(action.Parameters)) {
		schema, _ := action.Parameters[name].(map[string]any)
		text, _ := schema["description"].(string)
		found = append(found, described(name+"=", text))
	}
	return beginning(typed, found), noFiles | cobra.ShellCompDirectiveNoSpace
}

// stateAtHand is the state that a command begins with; an empty one if there is
// none.
func stateAtHand(cmd *cobra.Command) *simulate.State {
	flags := cmd.Flags()
	if state, _, err := startingState(flags.Lookup("charm").Value.String(), flags.Lookup("state").Value.String()); err == nil && state != nil {
		return state
	}
	return &simulate.State{}
}

func completeRelations(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var found []cobra.Completion
	for _, r := range stateAtHand(cmd).Juju.Relations {
		found = append(found, described(fmt.Sprint(r.ID), strings.TrimSuffix(r.Endpoint+" "+r.RemoteApp, " ")))
	}
	return beginning(typed, found), noFiles
}

func completeSecrets(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var found []cobra.Completion
	for _, s := range stateAtHand(cmd).Juju.Secrets {
		found = append(found, described(s.ID, s.Label))
	}
	return beginning(typed, found), noFiles
}

func completeRules(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var found []cobra.Completion
	for _, r := range check.Rules() {
		found = append(found, described(r.Name, r.Doc))
	}
	return beginning(typed, found), noFiles
}

// completeTests completes with the names of tests, without those of their files.
func completeTests(cmd *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	suite, err := charmtest.Load(ctx, cmd.Flags().Lookup("charm").Value.String(), charmtest.Options{
		Timeout: completionTime, MaxSteps: 10_000_000, Jobs: 1,
	})
	if err != nil {
		return nil, noFiles
	}
	var found []cobra.Completion
	for _, full := range suite.Names() {
		file, name, _ := strings.Cut(full, ":")
		found = append(found, described(regexp.QuoteMeta(name), file))
	}
	return beginning(typed, found), noFiles
}

// completeNames completes with what the manual knows, and the events of the
// charm at hand.
func completeNames(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	m, err := manual.New()
	if len(args) > 0 || err != nil {
		return nil, noFiles
	}
	var found []cobra.Completion
	for _, item := range m.Beginning(typed) {
		found = append(found, described(item.Name, item.Text))
	}
	for _, e := range beginning(typed, describedEvents(charmAtHand(cmd))) {
		if name, _, _ := strings.Cut(e, "\t"); typed != "" && !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, name+"\t") }) {
			found = append(found, e)
		}
	}
	return found, noFiles
}
