package builtins

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// This file reads the .xz container (tukaani.org/xz/xz-file-format.txt) around
// LZMA2 data. The reader of package xz allocates as much memory as the data
// asks for, up to 4 GiB a block; this one no more than its limit.

const (
	xzMagic       = "\xfd7zXZ\x00"
	xzFooterMagic = "YZ"
	xzLZMA2       = 0x21 // the id of the LZMA2 filter
	maxXZBlocks   = 64   // each of them has a dictionary
)

var errXZShort = errors.New("it ends in the middle")

// decompressXZ returns the content of a stream, which has at most limit bytes.
func decompressXZ(data []byte, limit int) ([]byte, error) {
	s := &xzStream{in: bytes.NewReader(data), limit: limit}
	if err := s.readHeader(); err != nil {
		return nil, err
	}
	for {
		size, err := s.in.ReadByte()
		if err != nil {
			return nil, errXZShort
		}
		if size == 0 { // no block's header has none: the index begins
			break
		}
		if err := s.readBlock(size); err != nil {
			return nil, err
		}
	}
	if err := s.readIndex(); err != nil {
		return nil, err
	}
	if s.in.Len() > 0 {
		return nil, errors.New("something follows its end")
	}
	return s.content.Bytes(), nil
}

// An xzStream is a stream that is being read.
type xzStream struct {
	in    *bytes.Reader
	limit int

	flags   [2]byte
	check   func() hash.Hash // nil: none
	blocks  []xzBlock
	content bytes.Buffer
}

// An xzBlock holds the sizes of a block as the index repeats them.
type xzBlock struct{ unpadded, content uint64 }

func (s *xzStream) at() int64 { return s.in.Size() - int64(s.in.Len()) }

// next returns the next n bytes.
func (s *xzStream) next(n int) ([]byte, error) {
	raw := make([]byte, min(n, s.in.Len()))
	if _, err := io.ReadFull(s.in, raw); err != nil || len(raw) < n {
		return nil, errXZShort
	}
	return raw, nil
}

func (s *xzStream) readHeader() error {
	head, err := s.next(12)
	if err != nil || string(head[:6]) != xzMagic {
		return errors.New("it does not begin as the .xz format does")
	}
	s.flags = [2]byte(head[6:8])
	if binary.LittleEndian.Uint32(head[8:]) != crc32.ChecksumIEEE(s.flags[:]) {
		return errors.New("its header is damaged")
	}
	switch s.flags {
	case [2]byte{0, xz.None}:
	case [2]byte{0, xz.CRC32}:
		s.check = func() hash.Hash { return crc32.NewIEEE() }
	case [2]byte{0, xz.CRC64}:
		s.check = func() hash.Hash { return crc64.New(crc64.MakeTable(crc64.ECMA)) }
	case [2]byte{0, xz.SHA256}:
		s.check = sha256.New
	default:
		return fmt.Errorf("its check, %x, is none of CRC32, CRC64 and SHA-256", s.flags)
	}
	return nil
}

// readBlock reads a block whose header's first byte was size.
func (s *xzStream) readBlock(size byte) error {
	if len(s.blocks) == maxXZBlocks {
		return fmt.Errorf("it has more than %d blocks", maxXZBlocks)
	}
	start := s.at() - 1
	rest, err := s.next(int(size)*4 + 3)
	if err != nil {
		return err
	}
	header := append([]byte{size}, rest...)
	fields, sum := header[1:len(header)-4], header[len(header)-4:]
	if binary.LittleEndian.Uint32(sum) != crc32.ChecksumIEEE(header[:len(header)-4]) {
		return errors.New("a block's header is damaged")
	}
	dictionary, err := xzDictionary(fields)
	if err != nil {
		return err
	}
	before := s.content.Len()
	// What is farther back than the limit is no part of the content.
	r, err := lzma.Reader2Config{DictCap: int(min(dictionary, int64(max(s.limit, lzma.MinDictCap))))}.NewReader2(s.in)
	if err != nil {
		return fmt.Errorf("a block is damaged: %w", err)
	}
	if _, err := io.Copy(&s.content, io.LimitReader(r, int64(s.limit-before)+1)); err != nil {
		return fmt.Errorf("a block is damaged: %w", err)
	}
	if s.content.Len() > s.limit {
		return fmt.Errorf("it has more than %d bytes of content", s.limit)
	}
	unpadded := s.at() - start
	if err := s.skipPadding(unpadded); err != nil {
		return err
	}
	if s.check != nil {
		h := s.check()
		h.Write(s.content.Bytes()[before:])
		told, err := s.next(h.Size())
		if err != nil {
			return err
		}
		got := h.Sum(nil)
		if h.Size() < sha256.Size { // the CRCs are written in little endian
			for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
				got[i], got[j] = got[j], got[i]
			}
		}
		if !bytes.Equal(told, got) {
			return errors.New("its content does not fit its checksum")
		}
		unpadded += int64(h.Size())
	}
	s.blocks = append(s.blocks, xzBlock{uint64(unpadded), uint64(s.content.Len() - before)})
	return nil
}

// xzDictionary is the size of the dictionary that the fields of a block's
// header ask for. LZMA2 is the only filter that is understood.
func xzDictionary(fields []byte) (int64, error) {
	r := bytes.NewReader(fields)
	flags, err := r.ReadByte()
	if err != nil || flags&0x3f != 0 {
		return 0, errors.New("a block has filters besides LZMA2")
	}
	for _, present := range []byte{0x40, 0x80} { // the sizes of the block and of its content
		if flags&present != 0 {
			if _, err := binary.ReadUvarint(r); err != nil {
				return 0, errXZShort
			}
		}
	}
	filter := make([]byte, 3)
	if _, err := io.ReadFull(r, filter); err != nil {
		return 0, errXZShort
	}
	if filter[0] != xzLZMA2 || filter[1] != 1 {
		return 0, errors.New("a block has a filter that is not LZMA2")
	}
	size, err := lzma.DecodeDictCap(filter[2])
	if err != nil {
		return 0, fmt.Errorf("a block is damaged: %w", err)
	}
	return size, nil
}

// skipPadding reads the zeros that bring n bytes to a multiple of four.
func (s *xzStream) skipPadding(n int64) error {
	padding, err := s.next(int(-n & 3))
	if err != nil {
		return err
	}
	if len(bytes.Trim(padding, "\x00")) > 0 {
		return errors.New("its padding is damaged")
	}
	return nil
}

// readIndex reads the index, whose first byte was read, and the footer.
func (s *xzStream) readIndex() error {
	start := s.at() - 1
	count, err := binary.ReadUvarint(s.in)
	if err != nil || count != uint64(len(s.blocks)) {
		return errors.New("its index is damaged")
	}
	for _, b := range s.blocks {
		unpadded, err := binary.ReadUvarint(s.in)
		content, err2 := binary.ReadUvarint(s.in)
		if err != nil || err2 != nil || (xzBlock{unpadded, content}) != b {
			return errors.New("its index is damaged")
		}
	}
	if err := s.skipPadding(s.at() - start); err != nil {
		return err
	}
	size := s.at() - start
	raw := make([]byte, size)
	if _, err := s.in.ReadAt(raw, start); err != nil {
		return errXZShort
	}
	rest, err := s.next(4 + 12)
	if err != nil {
		return err
	}
	footer := rest[4:]
	switch {
	case binary.LittleEndian.Uint32(rest) != crc32.ChecksumIEEE(raw):
		return errors.New("its index is damaged")
	case binary.LittleEndian.Uint32(footer) != crc32.ChecksumIEEE(footer[4:10]),
		(int64(binary.LittleEndian.Uint32(footer[4:]))+1)*4 != size+4,
		[2]byte(footer[8:10]) != s.flags, string(footer[10:]) != xzFooterMagic:
		return errors.New("its footer is damaged")
	}
	return nil
}
