package builtins

import (
	"bytes"
	"fmt"

	"github.com/ulikunitz/xz"
	"go.starlark.net/starlark"
)

// maxDecompressed is how much lzma.decompress returns, in bytes, so that a
// small text of somebody else cannot fill the memory.
const maxDecompressed = 16 << 20

// Kinds of failure of module lzma.
var lzmaError = &Kind{Name: "lzma.LZMAError"}

var lzmaTable = table[struct{}]{
	typ: "lzma",
	doc: "Compression in the .xz format, as Python's lzma has it by default: `base64.encode(lzma.compress(text))`, `str(lzma.decompress(base64.decode_bytes(text)))`.",
	members: []member[struct{}]{
		{name: "compress", sig: "(data: str | bytes) -> bytes", doc: "Compresses data, a str as its UTF-8. The same data gives the same bytes, though not those of another program that compresses.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var data starlark.Value
				if err := in.unpack("data", &data); err != nil {
					return nil, err
				}
				raw, err := rawBytes(in.name, "data", data)
				if err != nil {
					return nil, err
				}
				packed, err := compressXZ(raw)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", in.name, err)
				}
				return starlark.Bytes(packed), nil
			}},
		{name: "decompress", sig: "(data: bytes, default = <fail>) -> bytes", doc: "The content of data, one stream in the .xz format. What is none, is damaged, or has more than 16 MiB of content gives default if there is one, otherwise the failure lzma.LZMAError.",
			call: func(_ struct{}, in invocation) (starlark.Value, error) {
				var data, fallback starlark.Value
				if err := in.unpack("data", &data, "default?", &fallback); err != nil {
					return nil, err
				}
				packed, ok := data.(starlark.Bytes)
				if !ok {
					return nil, fmt.Errorf("%s: for parameter data: got %s, want bytes", in.name, data.Type())
				}
				raw, err := decompressXZ([]byte(packed), maxDecompressed)
				switch {
				case err == nil:
					return starlark.Bytes(raw), nil
				case fallback != nil:
					return fallback, nil
				}
				return nil, &Failure{Kind: lzmaError, Message: "cannot decompress the data: " + err.Error(), Err: err}
			}},
		{name: "LZMAError", sig: "kind", doc: "The failure when data is not what lzma.compress makes.",
			get: func(struct{}) (starlark.Value, error) { return lzmaError, nil }},
	},
}

// newLZMA returns module lzma.
func newLZMA() starlark.Value { return &module[struct{}]{table: &lzmaTable} }

// compressXZ returns data as one stream of one block, which a reader needs no
// more memory for than the data's size calls for.
func compressXZ(data []byte) ([]byte, error) {
	dictionary := 64 << 10
	for dictionary < len(data) && dictionary < 8<<20 {
		dictionary <<= 1
	}
	var packed bytes.Buffer
	w, err := xz.WriterConfig{DictCap: dictionary, CheckSum: xz.CRC64}.NewWriter(&packed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
