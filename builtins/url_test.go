package builtins

import (
	"errors"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine/machinetest"
)

// FuzzURL: whatever a text is, it is a URL, whose parts can be read, or the
// failure net.URLError; and what quote writes is read as the text again.
func FuzzURL(f *testing.F) {
	for _, text := range []string{"http://me:x@db:80/a%20b?x=1#y", "HTTPS://[::1]", "mailto:a@b", "http://a:b", "%zz", "a b/ö\x00\xff", "file:///srv"} {
		f.Add(text)
	}
	m, err := machinetest.New(machinetest.State{})
	require.NoError(f, err)
	module := newNet(f.Context(), m).(starlark.HasAttrs)
	call := func(t *testing.T, function, text string) (starlark.Value, error) {
		fn, err := module.Attr(function)
		require.NoError(t, err)
		return starlark.Call(&starlark.Thread{}, fn, starlark.Tuple{starlark.String(text)}, nil)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := call(t, "parse_url", text)
		if err != nil {
			var failure *Failure
			require.True(t, errors.As(err, &failure), err)
			require.Equal(t, netURLError, failure.Kind)
		} else {
			u := v.(*parsedURL)
			for _, name := range u.AttrNames() {
				part, err := u.Attr(name)
				require.NoError(t, err)
				require.NotNil(t, part)
			}
			_ = u.String()
		}
		quoted, err := call(t, "quote", text)
		require.NoError(t, err)
		back, err := url.PathUnescape(string(quoted.(starlark.String)))
		require.NoError(t, err)
		require.Equal(t, text, back)
	})
}
