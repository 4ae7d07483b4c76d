package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs are the contestants that are processes, built as releases are.
type programs struct {
	starcharm string
	hello     string // writes hello
	tool      string // a hook tool that does nothing but the RPC
	peak      string // runs its arguments and prints their peak memory in KiB
}

const helloSource = `package main

import "os"

func main() { os.Stdout.WriteString("hello\n") }
`

const toolSource = `package main

import (
	"net/rpc"
	"os"
	"path/filepath"
)

type Request struct {
	ContextId, Dir, CommandName string
	Args                        []string
	StdinSet                    bool
	Stdin                       []byte
	Token                       string
}

type Response struct {
	Code           int
	Stdout, Stderr []byte
}

func main() {
	client, err := rpc.Dial(os.Getenv("JUJU_AGENT_SOCKET_NETWORK"), os.Getenv("JUJU_AGENT_SOCKET_ADDRESS"))
	if err != nil {
		panic(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	var response Response
	err = client.Call("Jujuc.Main", Request{ContextId: os.Getenv("JUJU_CONTEXT_ID"), Dir: dir, CommandName: filepath.Base(os.Args[0]), Args: os.Args[1:]}, &response)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(response.Stdout)
	os.Stderr.Write(response.Stderr)
	os.Exit(response.Code)
}
`

// A process inherits the peak of the one that started it, so that one is small.
const peakSource = `package main

import (
	"os"
	"strconv"
	"syscall"
)

func main() {
	null, err := syscall.Open(os.DevNull, syscall.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	pid, err := syscall.ForkExec(os.Args[1], os.Args[1:], &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, uintptr(null), 2}})
	if err != nil {
		panic(err)
	}
	var status syscall.WaitStatus
	var usage syscall.Rusage
	if _, err := syscall.Wait4(pid, &status, 0, &usage); err != nil {
		panic(err)
	}
	os.Stdout.WriteString(strconv.FormatInt(usage.Maxrss, 10))
	os.Exit(status.ExitStatus())
}
`

// builder builds the programs when they are first asked for.
type builder struct {
	dir   string // temporary; empty: nothing was built
	build func() (*programs, error)
}

func newBuilder() *builder {
	b := &builder{}
	b.build = sync.OnceValues(func() (_ *programs, err error) {
		if b.dir, err = os.MkdirTemp("", "starcharm-bench-"); err != nil {
			return nil, err
		}
		return buildPrograms(b.dir)
	})
	return b
}

// theBuilder is shared by all benchmarks, and emptied by [TestMain].
var theBuilder = newBuilder()

func buildPrograms(dir string) (*programs, error) {
	p := &programs{}
	for _, build := range []struct {
		path         *string
		name, source string
	}{
		{&p.starcharm, "starcharm", ""},
		{&p.hello, "hello", helloSource},
		{&p.tool, "tool", toolSource},
		{&p.peak, "peak", peakSource},
	} {
		from := "github.com/starcharm/starcharm/cmd/starcharm"
		if build.source != "" {
			from = filepath.Join(dir, build.name+".go")
			if err := os.WriteFile(from, []byte(build.source), 0o600); err != nil {
				return nil, err
			}
		}
		*build.path = filepath.Join(dir, build.name)
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", *build.path, from)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if output, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", build.name, err, output)
		}
	}
	return p, nil
}

// built builds the programs, once.
func built(b testing.TB) *programs {
	b.Helper()
	p, err := theBuilder.build()
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// TestMain is also the process that [BenchmarkPhases] measures.
func TestMain(m *testing.M) {
	if os.Getenv(phasesVariable) != "" {
		if err := phases(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	if theBuilder.dir != "" {
		os.RemoveAll(theBuilder.dir)
	}
	os.Exit(code)
}
