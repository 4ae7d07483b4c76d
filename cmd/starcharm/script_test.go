package main

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The scripts in testdata/script are whole little charms with commands and
// their exact output. Besides the commands of testscript, they have
//
//	charm DIR         makes DIR a charm as Juju installs it: its dispatch is this program
//	tools             puts hook tools on PATH; see below
//	agent halfway     makes an agent's socket that hangs up in the middle of an answer
//	terminate PROGRAM runs a program, stops it with SIGTERM when it waits in a hook tool, and tells on stdout how it ended
//	program FILE ARCH makes FILE a program for amd64 or arm64, of which there is but the header
//	unpack FILE DIR   unpacks a .charm
//	lines FILE LINE…  checks that FILE has just these lines
//
// and EXAMPLES names the folder of the examples. The hook tools answer with
// what the script's file tools/NAME holds, and with nothing if there is none;
// tools/NAME.missing takes the tool away, tools/NAME.fail makes it fail with that
// on stderr, tools/NAME.wait lets it wait for terminate, once. Calls go to the file
// calls, lines of the log to the file log, and security events, without their
// dates, to the file security.

var update = flag.Bool("update", false, "write the output that is compared in the scripts anew")

// toolsVariable names the folder of the script's tools/ to the hook tools.
const toolsVariable = "SCRIPT_TOOLS"

// toolNames are the hook tools that scripts have.
var toolNames = [...]string{
	"action-get", "action-set", "application-version-set", "config-get", "is-leader", "juju-log", "relation-get",
	"relation-ids", "relation-list", "relation-set", "secret-get", "state-get", "state-set", "status-set",
}

func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	switch dir := os.Getenv(toolsVariable); {
	case strings.HasSuffix(name, ".test"):
		testscript.Main(m, nil)
	case dir != "" && filepath.Base(filepath.Dir(mustExecutable())) == "hooktools":
		os.Exit(hookTool(dir, name))
	default:
		os.Exit(run())
	}
}

// mustExecutable is the path by which this program was started, links and all.
func mustExecutable() string {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		panic(err)
	}
	return path
}

func TestScript(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			bin := filepath.Join(env.WorkDir, ".bin")
			if err := os.Mkdir(bin, 0o777); err != nil {
				return err
			}
			env.Setenv("PATH", bin+":"+env.Getenv("PATH"))
			env.Setenv("EXAMPLES", examples)
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("NO_COLOR", "1")
			return os.Symlink(program, filepath.Join(bin, "starcharm"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"charm": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.Symlink(program, filepath.Join(ts.MkAbs(args[0]), "dispatch")))
				ts.Setenv("JUJU_CHARM_DIR", ts.MkAbs(args[0]))
			},
			"unpack": func(ts *testscript.TestScript, _ bool, args []string) {
				archive, err := zip.OpenReader(ts.MkAbs(args[0]))
				ts.Check(err)
				defer archive.Close()
				ts.Check(os.CopyFS(ts.MkAbs(args[1]), archive))
			},
			"program": func(ts *testscript.TestScript, _ bool, args []string) {
				machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[args[1]]
				header, err := binary.Append(nil, binary.LittleEndian, elf.Header64{
					Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
					Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Shentsize: 64,
				})
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), header, 0o755))
			},
			"tools":     func(ts *testscript.TestScript, _ bool, _ []string) { putTools(ts, program) },
			"agent":     func(ts *testscript.TestScript, _ bool, _ []string) { hangUp(ts) },
			"terminate": func(ts *testscript.TestScript, _ bool, args []string) { terminate(ts, args) },
			"lines": func(ts *testscript.TestScript, _ bool, args []string) {
				if got, want := ts.ReadFile(args[0]), strings.Join(args[1:], "\n")+"\n"; got != want {
					ts.Fatalf("%s has\n%swant\n%s", args[0], got, want)
				}
			},
		},
	})
}

// putTools puts the hook tools of a script on PATH.
func putTools(ts *testscript.TestScript, program string) {
	answers := ts.MkAbs("tools")
	bin := ts.MkAbs("hooktools")
	ts.Check(os.MkdirAll(answers, 0o777))
	ts.Check(os.MkdirAll(bin, 0o777))
	for _, name := range toolNames {
		if _, err := os.Stat(filepath.Join(answers, name+".missing")); err == nil {
			continue
		}
		ts.Check(os.Symlink(program, filepath.Join(bin, name)))
	}
	ts.Check(unix.Mkfifo(filepath.Join(answers, ".waiting"), 0o600))
	ts.Setenv(toolsVariable, answers)
	ts.Setenv("PATH", bin+":"+ts.Getenv("PATH"))
}

// hookTool is a hook tool of a script; it returns the exit code.
func hookTool(dir, name string) int {
	var stdin []byte
	if args := strings.Join(os.Args[1:], " "); strings.HasSuffix(args, "--file -") {
		stdin, _ = io.ReadAll(os.Stdin)
	}
	switch {
	case name == "juju-log" && os.Args[2] == "TRACE":
		_, event, _ := strings.Cut(os.Args[4], `"level":`) // after the date
		record(dir, "security", event+"\n")
	case name == "juju-log":
		record(dir, "log", fmt.Sprintf("%s %s\n", os.Args[2], strings.Join(os.Args[4:], " ")))
	default:
		record(dir, "calls", strings.TrimSpace(fmt.Sprintf("%s %s %s", name, strings.Join(os.Args[1:], " "), bytes.TrimSpace(stdin)))+"\n")
	}
	if os.Remove(filepath.Join(dir, name+".wait")) == nil {
		if waiting, err := os.OpenFile(filepath.Join(dir, ".waiting"), os.O_WRONLY, 0); err == nil {
			_, _ = fmt.Fprintln(waiting, name)
			_ = waiting.Close()
		}
		if _, err := os.Stat(filepath.Join(dir, name+".hang")); err == nil {
			select {}
		}
	}
	if message, err := os.ReadFile(filepath.Join(dir, name+".fail")); err == nil {
		_, _ = os.Stderr.Write(message)
		return 1
	}
	if answer, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
		_, _ = os.Stdout.Write(answer)
	}
	return 0
}

// record appends to a file of the script.
func record(dir, file, text string) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(dir), file), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	_, _ = f.WriteString(text)
}

// terminate runs a program and sends it SIGTERM, or SIGINT after -int, when one
// of its hook tools waits.
func terminate(ts *testscript.TestScript, args []string) {
	var sent os.Signal = syscall.SIGTERM
	if args[0] == "-int" {
		sent, args = syscall.SIGINT, args[1:]
	}
	cmd := exec.Command(ts.MkAbs(args[0]), args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", toolsVariable, "JUJU_CHARM_DIR", "JUJU_DISPATCH_PATH", "JUJU_UNIT_NAME", "JUJU_VERSION"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	// Opened for both, so that this does not wait for a writer that never comes.
	waiting, err := os.OpenFile(filepath.Join(ts.Getenv(toolsVariable), ".waiting"), os.O_RDWR|syscall.O_NONBLOCK, 0)
	ts.Check(err)
	defer waiting.Close()
	ts.Check(waiting.SetReadDeadline(time.Now().Add(time.Minute)))
	ts.Check(cmd.Start())
	if _, err := waiting.Read(make([]byte, 64)); err != nil {
		ts.Check(errors.Join(err, cmd.Process.Kill(), cmd.Wait()))
	}
	ts.Check(cmd.Process.Signal(sent))
	end := "exit status 0"
	if err := cmd.Wait(); err != nil {
		end = err.Error()
	}
	_, err = fmt.Fprintf(ts.Stdout(), "%s%s\n", output.String(), end)
	ts.Check(err)
}

// hangUp listens where an agent would, and closes each connection in the
// middle of its first answer.
func hangUp(ts *testscript.TestScript) {
	dir, err := os.MkdirTemp("", "agent")
	ts.Check(err)
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	ts.Check(err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = conn.Write([]byte{40, 1, 2, 3}) // a message of 40 bytes, of which 3 come
			_ = conn.Close()
		}
	}()
	ts.Defer(func() {
		_ = listener.Close()
		<-done
		_ = os.RemoveAll(dir)
	})
	ts.Setenv("JUJU_AGENT_SOCKET_ADDRESS", path)
	ts.Setenv("JUJU_AGENT_SOCKET_NETWORK", "unix")
	ts.Setenv("JUJU_CONTEXT_ID", "web/0-install-1")
}
