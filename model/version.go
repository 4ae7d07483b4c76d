package model

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a version of Juju, such as 3.6.11 or 4.1-beta2. The zero Version
// is an unknown one: every gate is closed for it.
type Version struct {
	Major, Minor, Patch, Build int
	// Tag is "beta" in 4.1-beta2, whose Patch is 2; it is empty for releases.
	Tag string
}

// ParseVersion reads MAJOR.MINOR[.PATCH|-TAGPATCH][.BUILD].
func ParseVersion(text string) (Version, error) {
	if len(text) > maxNearest {
		return Version{}, fmt.Errorf("%d bytes are not a Juju version such as 3.6.11 or 4.1-beta2", len(text))
	}
	p := versionParser{rest: text}
	var v Version
	v.Major = p.number()
	p.skip(".")
	v.Minor = p.number()
	if p.rest != "" {
		if strings.HasPrefix(p.rest, "-") {
			p.skip("-")
			v.Tag = p.take('a', 'z')
		} else {
			p.skip(".")
		}
		v.Patch = p.number()
	}
	if p.rest != "" {
		p.skip(".")
		v.Build = p.number()
	}
	if p.bad || p.rest != "" {
		return Version{}, fmt.Errorf("%q is not a Juju version such as 3.6.11 or 4.1-beta2", text)
	}
	return v, nil
}

// versionParser eats a version from the left. (Every hook parses one, so it is
// not left to a regular expression that would have to be compiled first.)
type versionParser struct {
	rest string
	bad  bool
}

// take returns the bytes from low to high at the front; none is bad.
func (p *versionParser) take(low, high byte) string {
	n := 0
	for n < len(p.rest) && low <= p.rest[n] && p.rest[n] <= high {
		n++
	}
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	p.bad = p.bad || n == 0
	return taken
}

// number takes one to nine digits.
func (p *versionParser) number() int {
	digits := p.take('0', '9')
	n, _ := strconv.Atoi(digits)
	p.bad = p.bad || len(digits) > 9
	return n
}

func (p *versionParser) skip(prefix string) {
	rest, ok := strings.CutPrefix(p.rest, prefix)
	p.rest = rest
	p.bad = p.bad || !ok
}

// String returns the text that [ParseVersion] reads.
func (v Version) String() string {
	text := fmt.Sprintf("%d.%d", v.Major, v.Minor)
	if v.Tag != "" {
		text += fmt.Sprintf("-%s%d", v.Tag, v.Patch)
	} else {
		text += fmt.Sprintf(".%d", v.Patch)
	}
	if v.Build > 0 {
		text += fmt.Sprintf(".%d", v.Build)
	}
	return text
}

// Compare returns -1, 0 or 1 as v is older than, the same as or newer than w.
// A tagged version is older than every release of the same minor version.
func (v Version) Compare(w Version) int {
	tagged := func(v Version) int {
		if v.Tag != "" {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(v.Major, w.Major),
		cmp.Compare(v.Minor, w.Minor),
		cmp.Compare(tagged(v), tagged(w)),
		cmp.Compare(v.Tag, w.Tag),
		cmp.Compare(v.Patch, w.Patch),
		cmp.Compare(v.Build, w.Build),
	)
}

// AtLeast tells whether v has what came with the given release. A tagged
// version counts as patch 0 of its minor version: 4.0-beta1 has what came with
// 4.0.0, 3.0-rc3 lacks what came with 3.0.3.
func (v Version) AtLeast(major, minor, patch int) bool {
	if v.Tag != "" {
		v.Patch = 0
	}
	return cmp.Or(cmp.Compare(v.Major, major), cmp.Compare(v.Minor, minor), cmp.Compare(v.Patch, patch)) >= 0
}

// HasAppData tells whether applications have databags: 2.7.0.
func (v Version) HasAppData() bool { return v.AtLeast(2, 7, 0) }

// IsDispatchAware tells whether Juju runs the charm's dispatch: 2.8.0.
func (v Version) IsDispatchAware() bool { return v.AtLeast(2, 8, 0) }

// HasControllerStorage tells whether there are state-get and state-set: 2.8.0.
func (v Version) HasControllerStorage() bool { return v.AtLeast(2, 8, 0) }

// HasSecrets tells whether there are secrets that work: 3.0.3.
func (v Version) HasSecrets() bool { return v.AtLeast(3, 0, 3) }

// SupportsOpenPortOnK8s tells whether open-port works on Kubernetes: 3.0.3.
func (v Version) SupportsOpenPortOnK8s() bool { return v.AtLeast(3, 0, 3) }

// SupportsExecServiceContext tells whether the Pebble that comes with this
// Juju can run a command in a service's context: 3.1.6, but not 3.2.0.
func (v Version) SupportsExecServiceContext() bool {
	if v.Major == 3 && v.Minor == 2 && !v.AtLeast(3, 2, 1) {
		return false
	}
	return v.AtLeast(3, 1, 6)
}

// SupportsPebbleLogForwarding tells whether Pebble forwards logs: 3.4.0.
func (v Version) SupportsPebbleLogForwarding() bool { return v.AtLeast(3, 4, 0) }

// SupportsPebbleIdentities tells whether Pebble has identities: 3.6.4.
func (v Version) SupportsPebbleIdentities() bool { return v.AtLeast(3, 6, 4) }

// SupportsPebbleMetrics tells whether Pebble has metrics: 3.6.4.
func (v Version) SupportsPebbleMetrics() bool { return v.AtLeast(3, 6, 4) }

// RefusesExtraActionParams tells whether an action that does not say
// otherwise refuses parameters that it does not declare: 4.0.0.
func (v Version) RefusesExtraActionParams() bool { return v.AtLeast(4, 0, 0) }
