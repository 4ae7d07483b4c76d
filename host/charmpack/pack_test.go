package charmpack_test

import (
	"archive/zip"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/starcharm/starcharm/host/charmpack"
)

const metadata = "name: web\nsummary: A web server.\ndescription: It serves.\n"

// charmDir writes a charm with these files besides its metadata and script.
func charmDir(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"charmcraft.yaml": metadata, "src/charm.star": "x = 1\n"} {
		write(t, filepath.Join(dir, name), text)
	}
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t *testing.T, path, text string) {
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
}

func pack(t *testing.T, dir string) (*charmpack.Packed, error) {
	return charmpack.Pack(t.Context(), charmpack.Options{
		Dir: dir, Runtime: elfProgram(t, amd64), Output: filepath.Join(t.TempDir(), "x.charm"), Version: "1.0",
	})
}

// members are the names of what is packed besides the program and the metadata.
func members(t *testing.T, p *charmpack.Packed) []string {
	var names []string
	for _, m := range p.Files {
		if m.Name != "dispatch" && m.Name != "metadata.yaml" && m.Name != "manifest.yaml" {
			names = append(names, m.Name)
		}
	}
	return names
}

// TestSameBytes packs the same files at other times, with other modes and
// owners' bits, from another place.
func TestSameBytes(t *testing.T) {
	files := map[string]string{"b.txt": "b", "a/c.txt": "c", "a.txt": "a", "run.sh": "#!/bin/sh\n"}
	var sums []string
	for i := range 2 {
		dir := charmDir(t, files)
		require.NoError(t, os.Chmod(filepath.Join(dir, "run.sh"), os.FileMode(0o700|i*0o055)))
		require.NoError(t, os.Chmod(filepath.Join(dir, "a.txt"), os.FileMode(0o600|i*0o044)))
		then := time.Now().Add(-time.Duration(i) * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(dir, "b.txt"), then, then))
		packed, err := pack(t, dir)
		require.NoError(t, err)
		sums = append(sums, packed.SHA256)

		archive, err := zip.OpenReader(packed.File)
		require.NoError(t, err)
		defer archive.Close()
		var listed []string
		for _, f := range archive.File {
			listed = append(listed, f.Mode().String()+" "+f.Name)
			assert.Equal(t, "1980-01-01", f.Modified.UTC().Format(time.DateOnly))
		}
		assert.Equal(t, []string{
			"-rw-r--r-- a.txt", "-rw-r--r-- a/c.txt", "-rw-r--r-- b.txt", "-rwxr-xr-x dispatch", "-rw-r--r-- manifest.yaml",
			"-rw-r--r-- metadata.yaml", "-rwxr-xr-x run.sh", "-rw-r--r-- src/charm.star",
		}, listed)
		content, err := archive.Open("a/c.txt")
		require.NoError(t, err)
		text, err := io.ReadAll(content)
		require.NoError(t, err)
		assert.Equal(t, "c", string(text))
	}
	assert.Equal(t, sums[0], sums[1])
}

func TestLeftOut(t *testing.T) {
	files := map[string]string{
		".git/config": "", ".hidden": "", "tests/charm_test.star": "", "src/charm_test.star": "", "build/x": "", "old.charm": "", "doc/older.charm": "",
		"lib/build/x": "", "lib/tests/x": "", "lib/.cache/x": "", "lib/__pycache__/x.pyc": "", "README.md": "", "doc/a.md": "", "doc/b.md": "",
	}
	packed, err := pack(t, charmDir(t, files))
	require.NoError(t, err)
	assert.Equal(t, []string{"README.md", "doc/a.md", "doc/b.md", "lib/build/x", "lib/tests/x", "src/charm.star"}, members(t, packed))

	files[".jujuignore"] = "# what units need not\n\n/doc/*\n!/doc/b.md\n!/tests/\nREADME.*\nlib/**/x\n\\!odd\n"
	files["!odd"] = ""
	packed, err = pack(t, charmDir(t, files))
	require.NoError(t, err)
	assert.Equal(t, []string{"doc/b.md", "src/charm.star"}, members(t, packed))

	for pattern, told := range map[string]string{
		"!":      ".jujuignore:1: there is no pattern behind the exclamation mark",
		"a\n[a/": `.jujuignore:2: "[a" is no pattern: * stands for anything in a name, ? for a character, [a-z] for one of them`,
	} {
		_, err := pack(t, charmDir(t, map[string]string{".jujuignore": pattern}))
		assert.EqualError(t, err, told)
	}
}

// TestOutputIsNotPacked packs twice into the charm's own directory.
func TestOutputIsNotPacked(t *testing.T) {
	dir := charmDir(t, nil)
	o := charmpack.Options{Dir: dir, Runtime: elfProgram(t, amd64), Output: filepath.Join(dir, "src", "out")}
	first, err := charmpack.Pack(t.Context(), o)
	require.NoError(t, err)
	again, err := charmpack.Pack(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, first.SHA256, again.SHA256)
	left, err := os.ReadDir(filepath.Join(dir, "src"))
	require.NoError(t, err)
	assert.Len(t, left, 2, "a temporary file is left")
}

func TestLinksAndOthers(t *testing.T) {
	dir := charmDir(t, map[string]string{"real.txt": "real"})
	require.NoError(t, os.Symlink("../real.txt", filepath.Join(dir, "src", "link.txt")))
	packed, err := pack(t, dir)
	require.NoError(t, err)
	archive, err := zip.OpenReader(packed.File)
	require.NoError(t, err)
	defer archive.Close()
	file, err := archive.Open("src/link.txt")
	require.NoError(t, err)
	text, err := io.ReadAll(file)
	require.NoError(t, err)
	assert.Equal(t, "real", string(text))

	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "secret")
	for target, told := range map[string]string{
		secret:       "cannot pack x, a link to " + secret + ": it leads out of the charm; put the file there, or leave the link out with .jujuignore",
		"../../etc":  "cannot pack x, a link to ../../etc: it leads out of the charm; put the file there, or leave the link out with .jujuignore",
		"nothing":    "cannot pack x, a link to nothing: there is no such file; put the file there, or leave the link out with .jujuignore",
		"src":        "cannot pack x: it is a link to a directory; put the directory there, or leave the link out with .jujuignore",
		"x":          "cannot pack x, a link to x: it leads back to itself; put the file there, or leave the link out with .jujuignore",
		"src/../../": "cannot pack x, a link to src/../../: it leads out of the charm; put the file there, or leave the link out with .jujuignore",
	} {
		dir := charmDir(t, nil)
		require.NoError(t, os.Symlink(target, filepath.Join(dir, "x")))
		_, err := pack(t, dir)
		assert.EqualError(t, err, told)
	}

	dir = charmDir(t, nil)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666))
	_, err = pack(t, dir)
	assert.EqualError(t, err, "cannot pack pipe: it is neither a file nor a directory; leave it out with .jujuignore")

	dir = charmDir(t, nil)
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, ".jujuignore"), 0o666))
	_, err = pack(t, dir)
	assert.EqualError(t, err, "cannot read .jujuignore: it is not a regular file")
}

func TestTooMuch(t *testing.T) {
	dir := charmDir(t, map[string]string{"big": ""})
	require.NoError(t, os.Truncate(filepath.Join(dir, "big"), 1<<30))
	_, err := pack(t, dir)
	assert.EqualError(t, err, "cannot pack more than 512 MiB, and big comes on top of that; leave out with .jujuignore what a unit does not need")

	_, err = pack(t, charmDir(t, map[string]string{"a\nb": ""}))
	assert.EqualError(t, err, `cannot pack "a\nb": its name has characters that are unsafe in an archive; rename it, or leave it out with .jujuignore`)

	_, err = pack(t, charmDir(t, map[string]string{"dispatch": ""}))
	assert.EqualError(t, err, "the charm has a dispatch of its own, where the program goes; remove it")
}

func TestProgram(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	write(t, text, "#!/bin/sh\n")
	for _, c := range []struct{ runtime, arch, platforms, told string }{
		{elfProgram(t, elf.EM_AARCH64), "", "", ""},
		{elfProgram(t, elf.EM_AARCH64), "arm64", "platforms: {amd64: , arm64: }\n", ""},
		{elfProgram(t, elf.EM_AARCH64), "", "platforms: {any: {build-on: [amd64], build-for: [all]}}\n", ""},
		{elfProgram(t, elf.EM_AARCH64), "amd64", "", "cannot use PROGRAM as dispatch: it is for arm64, not for amd64; name another with --runtime"},
		{elfProgram(t, elf.EM_AARCH64), "", "platforms: {amd64: }\n", "cannot use PROGRAM as dispatch: it is for arm64, and the charm for amd64; name another with --runtime"},
		{elfProgram(t, amd64), "arm64", "platforms: {\"ubuntu@22.04:amd64\": }\n", "the charm is for amd64, not for arm64; add it under platforms"},
		{elfProgram(t, amd64), "x86", "", "there is no architecture x86; there are amd64, arm64, ppc64el, riscv64, s390x"},
		{elfProgram(t, elf.EM_MIPS), "", "", "cannot use PROGRAM as dispatch: its architecture, EM_MIPS, is none that Juju knows"},
		{elfProgram(t, amd64, elf.PT_INTERP), "", "", "cannot use PROGRAM as dispatch: it needs libraries that units may not have; build it with CGO_ENABLED=0"},
		{text, "", "", "cannot use PROGRAM as dispatch: it is no program for Linux; name one with --runtime"},
		{t.TempDir(), "", "", "cannot use PROGRAM as dispatch: it is not a regular file"},
	} {
		dir := charmDir(t, map[string]string{"charmcraft.yaml": metadata + c.platforms})
		_, err := charmpack.Pack(t.Context(), charmpack.Options{Dir: dir, Runtime: c.runtime, Arch: c.arch, DryRun: true})
		if c.told == "" {
			assert.NoError(t, err)
			continue
		}
		assert.EqualError(t, err, strings.ReplaceAll(c.told, "PROGRAM", c.runtime))
	}
}

// TestNothingIsLeft packs what changes in between, and has no charm to show.
func TestNothingIsLeft(t *testing.T) {
	dir := charmDir(t, nil)
	out := t.TempDir()
	unreadable := filepath.Join(dir, "closed")
	write(t, unreadable, "x")
	require.NoError(t, os.Chmod(unreadable, 0))
	if os.Getuid() == 0 {
		require.NoError(t, os.Remove(unreadable))
		require.NoError(t, os.Symlink("/proc/self/mem", unreadable))
	}
	_, err := charmpack.Pack(t.Context(), charmpack.Options{Dir: dir, Runtime: elfProgram(t, amd64), Output: out})
	assert.ErrorContains(t, err, "cannot pack closed")
	left, err := os.ReadDir(out)
	require.NoError(t, err)
	assert.Empty(t, left)
}
