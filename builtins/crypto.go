package builtins

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"unicode/utf8"

	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/machine"
)

const (
	maxRandomBytes    = 64 << 10
	maxPasswordLength = 4096
	maxAlphabet       = 256 // what one random byte can tell apart

	lettersAndDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
)

var cryptoTable = table[*randomSource]{
	typ: "crypto",
	doc: "Random values, private keys and certificates: `load(\"@std//crypto.star\", \"random_password\", \"generate_private_key\")`. What is random comes from the machine's secure source; in a simulation from `seed` of the state, the same on every run, keys and certificates included. Random values and private keys are masked in logs, statuses and the messages of actions as secrets are, for the rest of the hook. Keys, certificates and requests are PEM text without white space around it: `\"\\n\".join(chain)` puts several into a file. Signatures are with SHA-256, or Ed25519. A text that is not what it should be, has more than 64 KiB or a key other than RSA of up to 8192 bits, ECDSA or Ed25519 is the failure ParseError.",
	members: append([]member[*randomSource]{
		{name: "random_bytes", sig: "(n: int) -> bytes", doc: "n random bytes, 1 to 65536.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var n int
				if err := in.unpack("n", &n); err != nil {
					return nil, err
				}
				raw, err := r.take(in, "n", n)
				if err != nil {
					return nil, err
				}
				return starlark.Bytes(r.hidden(string(raw))), nil
			}},
		{name: "random_token", sig: "(nbytes: int = 32, *, encoding: str = \"urlsafe\") -> str", doc: "nbytes random bytes, 1 to 65536, as text: \"urlsafe\" is base64 of letters, digits, - and _ without padding, \"hex\" is in lower case.",
			call: (*randomSource).token},
		{name: "random_password", sig: "(length: int = 24, *, alphabet: str = None) -> str", doc: "length random characters, 1 to 4096, each of the alphabet with the same chance: letters and digits of ASCII, or the 2 to 256 different characters given.",
			call: (*randomSource).password},
		{name: "uuid4", sig: "() -> str", doc: "A random UUID, version 4, in lower case. It is not masked.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				raw, err := r.take(in, "n", 16)
				if err != nil {
					return nil, err
				}
				raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
				return starlark.String(fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])), nil
			}},
	}, certificateMembers()...),
}

// newCrypto returns what @std//crypto.star is made of. hide has a value masked.
func newCrypto(m machine.Machine, hide func(value string)) starlark.Value {
	return &module[*randomSource]{table: &cryptoTable, self: &randomSource{m, hide}}
}

// A randomSource makes random values.
type randomSource struct {
	machine machine.Machine
	hide    func(value string)
}

// hidden is the value, which is masked from now on.
func (r *randomSource) hidden(value string) string {
	r.hide(value)
	return value
}

// take takes n bytes; name is the argument's.
func (r *randomSource) take(in invocation, name string, n int) ([]byte, error) {
	if n < 1 || n > maxRandomBytes {
		return nil, fmt.Errorf("%s: %s is %d, want 1 to %d", in.name, name, n, maxRandomBytes)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(r.machine.Random(), raw); err != nil {
		return nil, fmt.Errorf("%s: cannot get random bytes: %w", in.name, err)
	}
	return raw, nil
}

func (r *randomSource) token(in invocation) (starlark.Value, error) {
	n, encoding := 32, "urlsafe"
	if err := in.unpack("nbytes?", &n, byName, nil, "encoding?", &encoding); err != nil {
		return nil, err
	}
	var encode func([]byte) string
	switch encoding {
	case "urlsafe":
		encode = base64.RawURLEncoding.EncodeToString
	case "hex":
		encode = hex.EncodeToString
	default:
		return nil, fmt.Errorf("%s: encoding is %q, want \"urlsafe\" or \"hex\"", in.name, encoding)
	}
	raw, err := r.take(in, "nbytes", n)
	if err != nil {
		return nil, err
	}
	return starlark.String(r.hidden(encode(raw))), nil
}

func (r *randomSource) password(in invocation) (starlark.Value, error) {
	length, alphabet := 24, lettersAndDigits
	if err := in.unpack("length?", &length, byName, nil, "alphabet??", &alphabet); err != nil {
		return nil, err
	}
	if length < 1 || length > maxPasswordLength {
		return nil, fmt.Errorf("%s: length is %d, want 1 to %d", in.name, length, maxPasswordLength)
	}
	if !utf8.ValidString(alphabet) {
		return nil, fmt.Errorf("%s: alphabet is not UTF-8", in.name)
	}
	characters := []rune(alphabet)
	if len(characters) < 2 || len(characters) > maxAlphabet {
		return nil, fmt.Errorf("%s: alphabet has %d characters, want 2 to %d", in.name, len(characters), maxAlphabet)
	}
	seen := map[rune]bool{}
	for _, c := range characters {
		if seen[c] {
			return nil, fmt.Errorf("%s: alphabet has %q twice, which would come more often than the others", in.name, c)
		}
		seen[c] = true
	}
	// Bytes from the last incomplete turn through the alphabet on are thrown
	// away: they would favour its beginning.
	fair := 256 - 256%len(characters)
	password := make([]rune, 0, length)
	for len(password) < length {
		raw, err := r.take(in, "length", length-len(password))
		if err != nil {
			return nil, err
		}
		for _, b := range raw {
			if int(b) < fair {
				password = append(password, characters[int(b)%len(characters)])
			}
		}
	}
	return starlark.String(r.hidden(string(password))), nil
}
