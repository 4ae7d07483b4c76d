package builtins

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"

	"go.starlark.net/starlark"
)

// maxShake is how long a digest of hashlib.shake_256 may be, in bytes.
const maxShake = 1024

var hashlibTable = table[struct{}]{
	typ: "hashlib",
	doc: "Digests, in one go: `hashlib.sha256(text).hexdigest()`. A str is taken as its UTF-8. md5 and sha1 tell files apart; they are not for security.",
	members: []member[struct{}]{
		{name: "sha256", sig: "(data: str | bytes = \"\") -> digest", doc: "The SHA-256 digest of data.", call: hashOf("sha256", sha256.New)},
		{name: "sha512", sig: "(data: str | bytes = \"\") -> digest", doc: "The SHA-512 digest of data.", call: hashOf("sha512", sha512.New)},
		{name: "sha1", sig: "(data: str | bytes = \"\") -> digest", doc: "The SHA-1 digest of data.", call: hashOf("sha1", sha1.New)},
		{name: "md5", sig: "(data: str | bytes = \"\") -> digest", doc: "The MD5 digest of data.", call: hashOf("md5", md5.New)},
		{name: "shake_256", sig: "(data: str | bytes, length: int) -> digest", doc: "The SHAKE256 digest of data, length bytes long, 1 to 1024; `hashlib.shake_256(data, 8).hexdigest()` has 16 digits.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var data starlark.Value
				var length int
				if err := in.unpack("data", &data, "length", &length); err != nil {
					return nil, err
				}
				raw, err := rawBytes(in.name, "data", data)
				if err != nil {
					return nil, err
				}
				if length < 1 || length > maxShake {
					return nil, fmt.Errorf("%s: for parameter length: got %d, want 1 to %d bytes", in.name, length, maxShake)
				}
				return &digest{"shake_256", string(sha3.SumSHAKE256(raw, length))}, nil
			}},
		{name: "blake2b", sig: "(data: str | bytes, digest_size: int = 64) -> digest", doc: "The BLAKE2b digest of data, digest_size bytes long, 1 to 64.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var data starlark.Value
				size := maxBlake2b
				if err := in.unpack("data", &data, "digest_size?", &size); err != nil {
					return nil, err
				}
				raw, err := rawBytes(in.name, "data", data)
				if err != nil {
					return nil, err
				}
				if size < 1 || size > maxBlake2b {
					return nil, fmt.Errorf("%s: for parameter digest_size: got %d, want 1 to %d bytes", in.name, size, maxBlake2b)
				}
				return &digest{"blake2b", string(blake2b(raw, size))}, nil
			}},
		{name: "hmac_sha256", sig: "(key: str | bytes, data: str | bytes) -> digest", doc: "The message authentication code of data under key (RFC 2104) with SHA-256.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var key, data starlark.Value
				if err := in.unpack("key", &key, "data", &data); err != nil {
					return nil, err
				}
				rawKey, err := rawBytes(in.name, "key", key)
				if err != nil {
					return nil, err
				}
				raw, err := rawBytes(in.name, "data", data)
				if err != nil {
					return nil, err
				}
				return newDigest("hmac_sha256", hmac.New(sha256.New, rawKey), raw), nil
			}},
	},
}

// newHashlib returns module hashlib.
func newHashlib() starlark.Value { return &module[struct{}]{table: &hashlibTable} }

func hashOf(name string, algorithm func() hash.Hash) func(struct{}, invocation) (starlark.Value, error) {
	return func(_ struct{}, in invocation) (starlark.Value, error) {
		var data starlark.Value = starlark.String("")
		if err := in.unpack("data?", &data); err != nil {
			return nil, err
		}
		raw, err := rawBytes(in.name, "data", data)
		if err != nil {
			return nil, err
		}
		return newDigest(name, algorithm(), raw), nil
	}
}

var digestTable = table[*digest]{
	typ: "digest",
	doc: "The digest of some data. It takes no further data; equal digests are compared by their hexdigest().",
	members: []member[*digest]{
		{name: "name", sig: "str", doc: "The algorithm, for instance \"sha256\".",
			get: func(d *digest) (starlark.Value, error) { return starlark.String(d.name), nil }},
		{name: "hexdigest", sig: "() -> str", doc: "The digest in lower-case hexadecimal.",
			call: func(d *digest, in invocation) (starlark.Value, error) {
				return starlark.String(hex.EncodeToString([]byte(d.sum))), in.none()
			}},
		{name: "digest", sig: "() -> bytes", doc: "The digest itself.",
			call: func(d *digest, in invocation) (starlark.Value, error) {
				return starlark.Bytes(d.sum), in.none()
			}},
	},
}

// A digest is immutable: unlike Python's it takes no further data.
type digest struct{ name, sum string }

func newDigest(name string, h hash.Hash, data []byte) *digest {
	h.Write(data) // never fails, says hash.Hash
	return &digest{name, string(h.Sum(nil))}
}

func (d *digest) String() string        { return "<digest " + d.name + ">" }
func (d *digest) Type() string          { return digestTable.typ }
func (d *digest) Freeze()               {}
func (d *digest) Truth() starlark.Bool  { return true }
func (d *digest) Hash() (uint32, error) { return starlark.String(d.sum).Hash() }
func (d *digest) AttrNames() []string   { return digestTable.attrNames(d) }
func (d *digest) Attr(name string) (starlark.Value, error) {
	return digestTable.attr(d, name)
}
