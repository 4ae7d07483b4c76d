package bench

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/starcharm/starcharm/builtins"
	"github.com/starcharm/starcharm/host"
)

// section is 20 lines of a charm as people write them.
const section = `
def layer_%[1]d(config, dsn):
    """Returns the layer of service %[1]d."""
    environment = {
        "PORT": str(config["port"] + %[1]d),
        "HOST": config.get("host", "localhost"),
        "DSN": dsn or "sqlite:///var/lib/app/%[1]d.db",
    }
    command = "/usr/bin/app --instance %[1]d"
    for name, value in sorted(environment.items()):
        if not value:
            log.warning("nothing is set for {}".format(name))
            continue
        command += " --{}={}".format(name.lower(), value)
    return {
        "summary": "service %[1]d",
        "services": {"app-%[1]d": {"override": "replace", "command": command, "startup": "enabled"}},
        "ready": [line for line in command.split(" ") if line.startswith("--")],
    }
`

// sectionLines are the lines of a section; fileLines those of a file.
const (
	sectionLines = 20
	fileLines    = 500
)

// bigCharm generates a charm of about that many lines, in files of up to
// fileLines, and returns how many there are.
func bigCharm(lines int) (fstest.MapFS, int) {
	fsys := files("", 0)
	total, entry := 0, &strings.Builder{}
	for file := 0; file*fileLines < lines; file++ {
		var text strings.Builder
		text.WriteString("\"\"\"Layers.\"\"\"\n")
		first := file * fileLines / sectionLines
		for i := range min(fileLines, lines-file*fileLines) / sectionLines {
			fmt.Fprintf(&text, section, first+i)
		}
		name := fmt.Sprintf("layers_%d.star", file)
		fmt.Fprintf(entry, "load(%q, \"layer_%d\")\n", name, first)
		fsys["src/"+name] = &fstest.MapFile{Data: []byte(text.String())}
		total += strings.Count(text.String(), "\n")
	}
	entry.WriteString("\n" + noopScript)
	fsys["src/charm.star"] = &fstest.MapFile{Data: []byte(entry.String())}
	return fsys, total + strings.Count(entry.String(), "\n")
}

// BenchmarkLoad reads and compiles charms. Times are of one line.
func BenchmarkLoad(b *testing.B) {
	for _, lines := range []int{200, 1000, 5000} {
		b.Run(fmt.Sprintf("lines=%d", lines), func(b *testing.B) {
			fsys, total := bigCharm(lines)
			known := map[string]bool{}
			for _, name := range builtins.Names() {
				known[name] = true
			}
			compare(b,
				contestant{name: "load", units: total, run: func() error {
					_, err := host.Load(fsys)
					return err
				}},
				contestant{name: "bare", units: total, run: func() error {
					for name, file := range fsys {
						if !strings.HasSuffix(name, ".star") {
							continue
						}
						_, _, err := starlark.SourceProgramOptions(&syntax.FileOptions{Recursion: true}, name, file.Data, func(s string) bool { return known[s] })
						if err != nil {
							return err
						}
					}
					return nil
				}},
			)
		})
	}
}
