package pebble_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/starcharm/starcharm/pebble"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// calls are all methods that talk to the daemon.
func calls() map[string]func(ctx context.Context, c *pebble.Client) error {
	wait := pebble.WaitOptions{Timeout: 5 * time.Second, Delay: time.Millisecond}
	names := []string{"a"}
	identities := map[string]*pebble.Identity{"a": {Access: "read", Local: &pebble.LocalIdentity{UserID: 0}}}
	layer, err := pebble.Parse[pebble.Layer]([]byte(`{services: {a: {override: replace, command: a, startup: enabled}}}`))
	if err != nil {
		panic(err)
	}
	type call = func(ctx context.Context, c *pebble.Client) error
	return map[string]call{
		"SystemInfo": func(ctx context.Context, c *pebble.Client) error { _, err := c.SystemInfo(ctx); return err },
		"Health": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Health(ctx, pebble.HealthOptions{})
			return err
		},
		"Metrics":    func(ctx context.Context, c *pebble.Client) error { _, err := c.Metrics(ctx); return err },
		"SendSignal": func(ctx context.Context, c *pebble.Client) error { return c.SendSignal(ctx, "SIGHUP", names) },
		"Changes": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Changes(ctx, pebble.ChangesOptions{})
			return err
		},
		"Change": func(ctx context.Context, c *pebble.Client) error { _, err := c.Change(ctx, "1"); return err },
		"AbortChange": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.AbortChange(ctx, "1")
			return err
		},
		"WaitChange": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.WaitChange(ctx, "1", wait)
			return err
		},
		"Services": func(ctx context.Context, c *pebble.Client) error { _, err := c.Services(ctx); return err },
		"Start": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Start(ctx, names, wait)
			return err
		},
		"Stop": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Stop(ctx, names, wait)
			return err
		},
		"Restart": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Restart(ctx, names, wait)
			return err
		},
		"Replan": func(ctx context.Context, c *pebble.Client) error { _, err := c.Replan(ctx, wait); return err },
		"Autostart": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Autostart(ctx, wait)
			return err
		},
		"Plan": func(ctx context.Context, c *pebble.Client) error { _, err := c.Plan(ctx); return err },
		"AddLayer": func(ctx context.Context, c *pebble.Client) error {
			return c.AddLayer(ctx, "a", layer, pebble.AddLayerOptions{})
		},
		"Ensure": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Ensure(ctx, pebble.EnsureOptions{Label: "a", Layer: layer, Timeout: wait.Timeout})
			return err
		},
		"Checks": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Checks(ctx, pebble.ChecksOptions{})
			return err
		},
		"StartChecks": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.StartChecks(ctx, names)
			return err
		},
		"StopChecks": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.StopChecks(ctx, names)
			return err
		},
		"RefreshCheck": func(ctx context.Context, c *pebble.Client) error {
			_, _, err := c.RefreshCheck(ctx, "a")
			return err
		},
		"Notify": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Notify(ctx, pebble.NotifyOptions{Type: "custom", Key: "a.b/c"})
			return err
		},
		"Notice": func(ctx context.Context, c *pebble.Client) error { _, err := c.Notice(ctx, "1"); return err },
		"Notices": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Notices(ctx, pebble.NoticesOptions{})
			return err
		},
		"Identities":    func(ctx context.Context, c *pebble.Client) error { _, err := c.Identities(ctx); return err },
		"AddIdentities": func(ctx context.Context, c *pebble.Client) error { return c.AddIdentities(ctx, identities) },
		"UpdateIdentities": func(ctx context.Context, c *pebble.Client) error {
			return c.UpdateIdentities(ctx, identities)
		},
		"ReplaceIdentities": func(ctx context.Context, c *pebble.Client) error {
			return c.ReplaceIdentities(ctx, identities)
		},
		"RemoveIdentities": func(ctx context.Context, c *pebble.Client) error { return c.RemoveIdentities(ctx, names) },
		"ListFiles": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.ListFiles(ctx, "/x", pebble.ListFilesOptions{})
			return err
		},
		"Stat": func(ctx context.Context, c *pebble.Client) error { _, err := c.Stat(ctx, "/x"); return err },
		"MakeDir": func(ctx context.Context, c *pebble.Client) error {
			return c.MakeDir(ctx, "/x", pebble.MakeDirOptions{})
		},
		"RemovePath": func(ctx context.Context, c *pebble.Client) error {
			return c.RemovePath(ctx, "/x", pebble.RemoveOptions{})
		},
		"Push": func(ctx context.Context, c *pebble.Client) error {
			return c.Push(ctx, "/x", strings.NewReader("x"), pebble.PushOptions{})
		},
		"Pull": func(ctx context.Context, c *pebble.Client) error {
			f, err := c.Pull(ctx, "/x")
			if err == nil {
				defer f.Close()
				_, err = io.Copy(io.Discard, f)
			}
			return err
		},
		"PullFiles": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.PullFiles(ctx, []string{"/x", "/y"}, func(_ string, content io.Reader) error {
				_, err := io.Copy(io.Discard, content)
				return err
			})
			return err
		},
		"PullPath": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.PullPath(ctx, []string{"/x"}, target{})
			return err
		},
		"PushPath": func(ctx context.Context, c *pebble.Client) error {
			files := fstest.MapFS{"x": {Data: []byte("x")}}
			_, err := c.PushPath(ctx, []pebble.PushSource{{FS: files, Name: "x", As: "x", Path: "x"}}, "/x", pebble.Owner{})
			return err
		},
		"Logs": func(ctx context.Context, c *pebble.Client) error {
			_, err := c.Logs(ctx, pebble.LogsOptions{})
			return err
		},
		"FollowLogs": func(ctx context.Context, c *pebble.Client) error {
			return c.FollowLogs(ctx, pebble.LogsOptions{}, func(*pebble.LogEntry) error { return nil })
		},
		"Exec": func(ctx context.Context, c *pebble.Client) error {
			p, err := c.Exec(ctx, pebble.ExecOptions{Command: []string{"true"}})
			if err == nil {
				_, _, err = p.Output()
			}
			return err
		},
	}
}

// goWords are what only who knows Go can read.
var goWords = regexp.MustCompile(`dial |unix|\bEOF\b|json:|Unmarshal|yaml:|context|deadline|net/http|http:|multipart:|mime:|strconv|websocket: |failed to|unmarshal|invalid character|pipe|malformed (HTTP|MIME|chunk)|i/o|bufio|closed network|pebble\.[A-Z]|Go |uint|int64|struct|%!`)

func TestMisbehavingDaemon(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	const form = "HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=b\r\n"
	const lines = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"
	hang := func(sent string) func(net.Conn) {
		return func(conn net.Conn) {
			defer conn.Close()
			reader := bufio.NewReader(conn)
			if _, err := http.ReadRequest(reader); err == nil {
				io.WriteString(conn, sent)
			}
			// The client ends it.
			io.Copy(io.Discard, reader)
		}
	}
	for name, test := range map[string]struct {
		serve func(net.Conn)
		// kind is "" where it differs between the calls, some of which may
		// even take it for an answer.
		kind pebble.Kind
	}{
		"closes at once":         {func(conn net.Conn) { conn.Close() }, pebble.ConnectionError},
		"closes after request":   {reply(""), pebble.ConnectionError},
		"never answers":          {hang(""), pebble.TimeoutError},
		"stops in the header":    {hang("HTTP/1.1 200 OK\r\nContent-"), pebble.TimeoutError},
		"stops in the body":      {hang(ok + "Content-Length: 100\r\n\r\n{"), pebble.TimeoutError},
		"closes in the body":     {reply(ok + "Content-Length: 100\r\n\r\n{"), pebble.ConnectionError},
		"not HTTP":               {reply("220 mail.example.com ESMTP\r\n"), pebble.ProtocolError},
		"binary":                 {reply("\x00\x01\x02\xff\r\n\r\n"), pebble.ProtocolError},
		"bad chunks":             {reply(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"), pebble.ProtocolError},
		"endless header":         {reply("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"), pebble.ProtocolError},
		"endless body":           {reply(ok + "\r\n" + strings.Repeat(" ", 17<<20)), pebble.ProtocolError},
		"HTML":                   {reply("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>"), pebble.ProtocolError},
		"HTML error":             {reply("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n\r\n<html>"), pebble.APIError},
		"not JSON":               {reply(ok + "\r\n{nope"), pebble.ProtocolError},
		"JSON that ends early":   {reply(ok + "\r\n" + `{"type":`), pebble.ProtocolError},
		"JSON too deep":          {reply(ok + "\r\n" + strings.Repeat("[", 1<<20)), pebble.ProtocolError},
		"JSON of another shape":  {reply(ok + "\r\n[1, 2]"), pebble.ProtocolError},
		"no type":                {reply(ok + "\r\n{}"), pebble.ProtocolError},
		"no result":              {reply(ok + "\r\n" + `{"type":"sync"}`), ""},
		"type a list":            {reply(ok + "\r\n" + `{"type":[]}`), pebble.ProtocolError},
		"result a list":          {reply(ok + "\r\n" + `{"type":"sync","result":[1]}`), ""},
		"result of lists":        {reply(ok + "\r\n" + `{"type":"sync","result":[[]]}`), ""},
		"result of null":         {reply(ok + "\r\n" + `{"type":"sync","result":[null]}`), ""},
		"result a number":        {reply(ok + "\r\n" + `{"type":"sync","result":1.5}`), ""},
		"result a string":        {reply(ok + "\r\n" + `{"type":"sync","result":"x: [y"}`), ""},
		"result an object":       {reply(ok + "\r\n" + `{"type":"sync","result":{"a":{"b":1}}}`), ""},
		"members of other types": {reply(ok + "\r\n" + `{"type":"sync","result":{"id":1,"version":[],"healthy":"yes","spawn-time":"noon","changed":1}}`), ""},
		"times that are none":    {reply(ok + "\r\n" + `{"type":"sync","result":[{"id":"1","name":"a","path":"/x","type":"file","permissions":"rwx","current-since":"noon","spawn-time":1,"last-occurred":"noon","last-modified":{}}]}`), ""},
		"async with nothing":     {reply("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\r\n" + `{"type":"async"}`), pebble.ProtocolError},
		"async for ever":         {reply("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n\r\n" + `{"type":"async","change":"1","result":{"task-id":"1"}}`), ""},
		"error without message":  {reply("HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n\r\n" + `{"type":"error"}`), pebble.APIError},
		"error of another shape": {reply("HTTP/1.1 500 Oh\r\nContent-Type: application/json\r\n\r\n" + `{"type":"error","result":[1]}`), pebble.APIError},
		"form of garbage":        {reply(form + "\r\n" + "garbage"), pebble.ProtocolError},
		"form that ends early":   {reply(form + "\r\n" + "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"/x\"\r\n\r\nabc"), ""},
		"form with a bad header": {reply(form + "\r\n" + "--b\r\nContent-Disposition: ;;;\r\n\r\nabc\r\n--b--\r\n"), pebble.ProtocolError},
		"form with bad JSON":     {reply(form + "\r\n" + "--b\r\nContent-Disposition: form-data; name=\"response\"\r\n\r\n<html>\r\n--b--\r\n"), pebble.ProtocolError},
		"lines of garbage":       {reply(lines + "\r\n" + "garbage\n"), pebble.ProtocolError},
		"lines of other types":   {reply(lines + "\r\n" + `{"time":"noon","service":1}` + "\n"), pebble.ProtocolError},
		"line without end":       {reply(lines + "\r\n" + strings.Repeat("x", 18<<20)), pebble.ProtocolError},
		"a websocket":            {reply("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nxx"), pebble.ProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := 20 * time.Second
			if test.kind == pebble.TimeoutError {
				patience = 100 * time.Millisecond
			}
			path := listen(t, test.serve)
			for method, call := range calls() {
				t.Run(method, func(t *testing.T) {
					client := pebble.New(pebble.Config{SocketPath: path, Timeout: patience, IdleTimeout: patience})
					defer client.Close()
					ctx := context.Background()
					if method == "FollowLogs" && test.kind == pebble.TimeoutError {
						// It waits for lines as long as it is told to.
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, patience)
						defer cancel()
					}
					begin := time.Now()
					err := call(ctx, client)
					assert.Less(t, time.Since(begin), 15*time.Second)
					if err == nil && test.kind == "" {
						return
					}
					require.Error(t, err)
					kind := test.kind
					if kind == "" || method == "PullPath" || method == "PushPath" {
						kind = pebble.RootError
					}
					assert.True(t, pebble.IsKind(err, kind), "%#v", err)
					assert.NotRegexp(t, goWords, strings.ReplaceAll(err.Error(), filepath.Dir(path), ""))
				})
			}
		})
	}
}
