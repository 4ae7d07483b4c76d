package builtins

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// maxURL is how long a URL may be, in bytes.
const maxURL = 64 << 10

func (n *hostNames) parseURL(in invocation) (starlark.Value, error) {
	var text string
	if err := in.unpack("url", &text); err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) (starlark.Value, error) {
		return nil, &Failure{Kind: netURLError, Message: "cannot use the URL: " + fmt.Sprintf(format, args...)}
	}
	if len(text) > maxURL {
		return bad("it has more than %d bytes", maxURL)
	}
	u, err := url.Parse(text)
	var wrapped *url.Error
	switch {
	case errors.As(err, &wrapped): // whose text has the URL, which may hold a password
		return bad("%s", strings.TrimPrefix(wrapped.Err.Error(), "net/url: "))
	case err != nil:
		return bad("%v", err)
	case u.Scheme == "":
		return bad("it has no scheme, such as https://")
	case u.Opaque == "" && u.Host == "" && strings.Contains(text, "://") && u.Scheme != "file":
		return bad("it has no host")
	}
	parsed := &parsedURL{u: u, port: starlark.None, query: starlark.NewDict(0)}
	if port := u.Port(); port != "" {
		number, err := strconv.Atoi(port)
		if err != nil || number > 65535 {
			return bad("its port %.20q is not one of 0 to 65535", port)
		}
		parsed.port = starlark.MakeInt(number)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("its query cannot be read: %v", err)
	}
	for _, name := range sortedNames(values) {
		// A new dict whose keys are strings takes them.
		_ = parsed.query.SetKey(starlark.String(name), stringList(values[name]))
	}
	parsed.query.Freeze()
	return parsed, nil
}

func (n *hostNames) quote(in invocation) (starlark.Value, error) {
	var text string
	safe := "/"
	if err := in.unpack("text", &text, byName, nil, "safe?", &safe); err != nil {
		return nil, err
	}
	const always = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	for _, c := range safe {
		if c >= 0x80 {
			return nil, fmt.Errorf("%s: safe has %q, want characters of ASCII", in.name, c)
		}
	}
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; strings.IndexByte(always, c) >= 0 || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return starlark.String(b.String()), nil
}

var urlTable = table[*parsedURL]{
	typ: "url",
	doc: "The parts of a URL. str(url) is the whole, with **** for a password.",
	members: []member[*parsedURL]{
		{name: "scheme", sig: "str", doc: "Such as \"https\", in lower case.",
			get: func(p *parsedURL) (starlark.Value, error) { return starlark.String(p.u.Scheme), nil }},
		{name: "username", sig: "str", doc: "The user, or None.",
			get: func(p *parsedURL) (starlark.Value, error) {
				if p.u.User == nil {
					return starlark.None, nil
				}
				return starlark.String(p.u.User.Username()), nil
			}},
		{name: "password", sig: "str", doc: "The password, or None.",
			get: func(p *parsedURL) (starlark.Value, error) {
				password, ok := "", false
				if p.u.User != nil {
					password, ok = p.u.User.Password()
				}
				if !ok {
					return starlark.None, nil
				}
				return starlark.String(password), nil
			}},
		{name: "host", sig: "str", doc: "The host's name or address, an IPv6 one without brackets; \"\" if there is none.",
			get: func(p *parsedURL) (starlark.Value, error) { return starlark.String(p.u.Hostname()), nil }},
		{name: "port", sig: "int", doc: "The port, or None.",
			get: func(p *parsedURL) (starlark.Value, error) { return p.port, nil }},
		{name: "path", sig: "str", doc: "The path, decoded: \"/a b\"; \"\" if there is none.",
			get: func(p *parsedURL) (starlark.Value, error) { return starlark.String(p.u.Path), nil }},
		{name: "query", sig: "dict[str, list[str]]", doc: "The values of the query by name, decoded; it cannot be changed.",
			get: func(p *parsedURL) (starlark.Value, error) { return p.query, nil }},
		{name: "fragment", sig: "str", doc: "What comes after #, decoded; \"\" if there is none.",
			get: func(p *parsedURL) (starlark.Value, error) { return starlark.String(p.u.Fragment), nil }},
	},
}

// A parsedURL is a URL in its parts.
type parsedURL struct {
	u     *url.URL
	port  starlark.Value
	query *starlark.Dict
}

var _ starlark.HasAttrs = (*parsedURL)(nil)

func (p *parsedURL) String() string {
	if _, ok := p.u.User.Password(); !ok {
		return p.u.String()
	}
	shown := *p.u
	shown.User = url.UserPassword(p.u.User.Username(), "****")
	return strings.Replace(shown.String(), "%2A%2A%2A%2A", "****", 1)
}
func (p *parsedURL) Type() string                             { return urlTable.typ }
func (p *parsedURL) Freeze()                                  {}
func (p *parsedURL) Truth() starlark.Bool                     { return true }
func (p *parsedURL) Hash() (uint32, error)                    { return starlark.String(p.u.String()).Hash() }
func (p *parsedURL) Attr(name string) (starlark.Value, error) { return urlTable.attr(p, name) }
func (p *parsedURL) AttrNames() []string                      { return urlTable.attrNames(p) }
