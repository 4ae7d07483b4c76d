package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host"
)

func dispatchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "dispatch",
		Short: "Run the hook or action that the JUJU_* environment tells of",
		Long: `Run the hook or action that the JUJU_* environment tells of, as Juju does
when this program is the charm's dispatch. JUJU_DISPATCH_PATH names the event
(hooks/config-changed), JUJU_CHARM_DIR the charm; without it, the charm is in
the current directory.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env := environment()
			if code := host.RunHook(cmd.Context(), env, ".", cmd.ErrOrStderr(), debugger(env)); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
}

// dispatch runs the hook when the program itself is the charm's dispatch.
func dispatch(ctx context.Context) int {
	env := environment()
	dir := filepath.Dir(os.Args[0])
	if folder := filepath.Base(dir); folder == "hooks" || folder == "actions" {
		// Juju without dispatch runs hooks/NAME and says so in the environment
		// of newer versions only.
		if env["JUJU_DISPATCH_PATH"] == "" {
			env["JUJU_DISPATCH_PATH"] = folder + "/" + filepath.Base(os.Args[0])
		}
		dir = filepath.Dir(dir)
	}
	return host.RunHook(ctx, env, dir, os.Stderr, debugger(env))
}

// environment is the process's environment as a map.
func environment() map[string]string {
	env := map[string]string{}
	for _, kv := range os.Environ() {
		if name, value, ok := strings.Cut(kv, "="); ok {
			env[name] = value
		}
	}
	return env
}
