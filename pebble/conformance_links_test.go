package pebble_test

import (
	"bytes"
	"context"
	"io"

	"github.com/starcharm/starcharm/pebble"
	"github.com/starcharm/starcharm/pebble/pebbletest"
)

// linkCases have files that no request makes.
func linkCases() []conformanceCase {
	ctx := context.Background()
	link := func(target string) *pebbletest.File {
		return &pebbletest.File{Kind: pebble.TypeSymlink, Target: target}
	}
	cases := []conformanceCase{
		{name: "links/list", run: func(w *world) {
			w.list("$DIR", pebble.ListFilesOptions{})
			w.list("$DIR", pebble.ListFilesOptions{Pattern: "to-*"})
			for _, path := range []string{"to-file", "to-dir", "dangling", "loop", "pipe", "to-pipe"} {
				w.list("$DIR/"+path, pebble.ListFilesOptions{})
				w.list("$DIR/"+path, pebble.ListFilesOptions{Itself: true})
			}
		}},
		{name: "links/pull", run: func(w *world) {
			for _, path := range []string{"to-file", "to-dir", "dangling", "loop", "pipe", "to-pipe", "to-file/x"} {
				w.pull("$DIR/" + path)
			}
		}},
		{name: "links/push", run: func(w *world) {
			for _, path := range []string{"to-file", "dangling", "to-dir", "pipe", "made/by/to-dir", "to-dir/x"} {
				w.push("$DIR/"+path, "new", pebble.PushOptions{MakeDirs: path == "made/by/to-dir"})
			}
			w.pull("$DIR/file")
			w.list("$DIR", pebble.ListFilesOptions{})
		}},
		{name: "links/make-dir", run: func(w *world) {
			for _, path := range []string{"to-file", "to-dir", "dangling", "loop"} {
				w.mkdir("$DIR/"+path, pebble.MakeDirOptions{})
				w.mkdir("$DIR/"+path, pebble.MakeDirOptions{MakeParents: true})
				w.mkdir("$DIR/"+path+"/x", pebble.MakeDirOptions{MakeParents: true})
			}
		}},
		{name: "links/remove", run: func(w *world) {
			for _, path := range []string{"to-file", "to-dir", "dangling", "loop", "pipe"} {
				w.remove("$DIR/"+path, path == "to-dir")
			}
			w.list("$DIR", pebble.ListFilesOptions{})
			w.pull("$DIR/file")
		}},
	}
	for i := range cases {
		cases[i].files = map[string]*pebbletest.File{
			"file": {Content: "content"}, "to-file": link("file"), "to-dir": link("."), "dangling": link("nothing"), "loop": link("loop"),
			"pipe": {Kind: pebble.TypeNamedPipe}, "to-pipe": link("pipe"),
		}
	}
	return append(cases, conformanceCase{name: "files/megabyte", run: func(w *world) {
		content := make([]byte, 1<<20+7)
		for i := range content {
			content[i] = byte(i * i >> 3)
		}
		w.result("push", nil, w.client.Push(ctx, w.dir+"/large", bytes.NewReader(content), pebble.PushOptions{}))
		file, err := w.client.Pull(ctx, w.dir+"/large")
		if err != nil {
			w.result("pull", nil, err)
			return
		}
		defer file.Close()
		back, err := io.ReadAll(file)
		w.result("pull gives it back", bytes.Equal(content, back), err)
	}})
}
