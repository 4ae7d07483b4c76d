package main

import (
	"errors"
	"fmt"
	"net/rpc"
	"os/exec"
	"strings"

	"github.com/juju/cmd/v3"
	utilexec "github.com/juju/utils/v3/exec"

	"github.com/juju/juju/juju/sockets"
	"github.com/juju/juju/worker/uniter/runner/context"
	"github.com/juju/juju/worker/uniter/runner/jujuc"
)

// Call is one call of a hook tool: straight through the server's socket ("rpc", the default), or with Juju's jujuc ("exec").
type Call struct {
	Name  string   `json:"name"`
	Args  []string `json:"args,omitempty"`
	Stdin *string  `json:"stdin,omitempty"`
	Via   string   `json:"via,omitempty"`
	Dir   string   `json:"dir,omitempty"` // working directory; empty: the charm's
}

// CallResult is what a call gave. Error is the server's refusal to run the command at all.
type CallResult struct {
	Code   int    `json:"code"`
	Stdout string `json:"stdout"`
	Stderr string `json:"stderr"`
	Error  string `json:"error,omitempty"`
}

// errStopped is what a failing hook is reported with.
var errStopped = errors.New("exit status 1")

// runTools opens a hook's (or an action's) context, calls tools in it, and ends it as a success or a failure.
func (a *Agent) runTools(ctx *hookContext, calls []Call, fail bool) (Outcome, []CallResult, error) {
	a.log.drain()
	before := a.controller.commits
	socket := a.paths.GetJujucServerSocket(false)
	server, err := jujuc.NewServer(func(id, command string) (cmd.Command, error) {
		if id != ctx.Id() {
			return nil, fmt.Errorf("expected context id %q, got %q", ctx.Id(), id)
		}
		return jujuc.NewCommand(ctx, command)
	}, socket, "")
	if err != nil {
		return Outcome{}, nil, err
	}
	go func() { _ = server.Run() }()
	env, err := ctx.HookVars(a.paths, false, context.NewHostEnvironmenter())
	if err != nil {
		server.Close()
		return Outcome{}, nil, err
	}
	results, err := a.callTools(ctx, env, calls)
	server.Close()
	if err != nil {
		return Outcome{}, nil, err
	}
	var failure error
	outcome := Outcome{Env: env}
	if fail {
		failure, outcome.Exit = errStopped, 1
	}
	if err := ctx.Flush(ctx.name, failure); err != nil {
		outcome.Error = err.Error()
	}
	outcome.Flushed, outcome.Commits = ctx.flushed, a.controller.commits-before
	outcome.Logs, outcome.Calls = a.log.drain()
	return outcome, results, nil
}

func (a *Agent) callTools(ctx *hookContext, env []string, calls []Call) ([]CallResult, error) {
	client, err := sockets.Dial(a.paths.GetJujucClientSocket(false))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	results := make([]CallResult, len(calls))
	for i, call := range calls {
		if call.Dir == "" {
			call.Dir = a.paths.charm
		}
		if call.Via == "exec" {
			results[i], err = a.execTool(env, call)
		} else {
			results[i], err = rpcTool(client, ctx.Id(), call)
		}
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// rpcTool calls as jujuc does: first without standard input, and again with it when the tool wants it.
func rpcTool(client *rpc.Client, id string, call Call) (CallResult, error) {
	request := jujuc.Request{ContextId: id, Dir: call.Dir, CommandName: call.Name, Args: call.Args}
	var response utilexec.ExecResponse
	err := client.Call("Jujuc.Main", request, &response)
	if err != nil && err.Error() == jujuc.ErrNoStdin.Error() && call.Stdin != nil {
		request.StdinSet, request.Stdin = true, []byte(*call.Stdin)
		err = client.Call("Jujuc.Main", request, &response)
	}
	var refused rpc.ServerError
	if errors.As(err, &refused) {
		return CallResult{Code: 1, Error: refused.Error()}, nil
	}
	return CallResult{Code: response.Code, Stdout: string(response.Stdout), Stderr: string(response.Stderr)}, err
}

// execTool runs the jujuc program under the tool's name.
func (a *Agent) execTool(env []string, call Call) (CallResult, error) {
	var stdout, stderr strings.Builder
	command := &exec.Cmd{
		Path: a.program, Args: append([]string{call.Name}, call.Args...), Env: env, Dir: call.Dir, Stdout: &stdout, Stderr: &stderr,
	}
	if call.Stdin != nil {
		command.Stdin = strings.NewReader(*call.Stdin)
	}
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return CallResult{}, err
	}
	return CallResult{Code: command.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}
