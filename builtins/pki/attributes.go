package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attributes are what a request asks to be certified.
type Attributes struct {
	CommonName, UniqueID, Organization, OrganizationalUnit, EmailAddress string
	CountryName, StateOrProvinceName, LocalityName                       string
	// SANsDNS, SANsIP and SANsOID are sorted, without doubles, and written in
	// one way, after normalize.
	SANsDNS, SANsIP, SANsOID []string
	// SANsEmail are read only: a certificate has the e-mail address of its
	// subject there.
	SANsEmail []string
}

// Object identifiers of the attributes of a name, and of what they are written as.
var (
	oidCommonName         = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidUniqueID           = asn1.ObjectIdentifier{2, 5, 4, 45}
	oidOrganization       = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOrganizationalUnit = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidEmailAddress       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	oidCountryName        = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidStateOrProvince    = asn1.ObjectIdentifier{2, 5, 4, 8}
	oidLocality           = asn1.ObjectIdentifier{2, 5, 4, 7}
	oidSANs               = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// A subjectField is one attribute of a subject's name.
type subjectField struct {
	oid   asn1.ObjectIdentifier
	name  string
	value *string
	tag   int
	most  int // characters
}

// fields are those of the subject, in the order in which they are written.
func (a *Attributes) fields() []subjectField {
	return []subjectField{
		{oidCommonName, "common_name", &a.CommonName, asn1.TagUTF8String, 64},
		{oidUniqueID, "unique_id", &a.UniqueID, asn1.TagUTF8String, 256},
		{oidOrganization, "organization", &a.Organization, asn1.TagUTF8String, 256},
		{oidOrganizationalUnit, "organizational_unit", &a.OrganizationalUnit, asn1.TagUTF8String, 256},
		{oidEmailAddress, "email_address", &a.EmailAddress, asn1.TagIA5String, 255},
		{oidCountryName, "country_name", &a.CountryName, asn1.TagPrintableString, 2},
		{oidStateOrProvince, "state_or_province_name", &a.StateOrProvinceName, asn1.TagUTF8String, 256},
		{oidLocality, "locality_name", &a.LocalityName, asn1.TagUTF8String, 256},
	}
}

// maxNames is how many alternative names of a kind a request may have.
const maxNames = 1000

// Normalize checks the attributes, and writes them in the one way in which they
// are compared.
func (a *Attributes) Normalize() error {
	for _, f := range a.fields() {
		if !utf8.ValidString(*f.value) || strings.ContainsFunc(*f.value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return invalid("%s has a control character, or is not UTF-8", f.name)
		}
		if n := utf8.RuneCountInString(*f.value); n > f.most {
			return invalid("%s has %d characters, want at most %d", f.name, n, f.most)
		}
	}
	if c := a.CountryName; c != "" && (len(c) != 2 || strings.Trim(strings.ToUpper(c), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		return invalid("country_name is %q, want the two letters of a country, such as \"GB\"", c)
	}
	if e := a.EmailAddress; e != "" && (!isASCII(e) || strings.Count(e, "@") != 1 || strings.Contains(e, " ")) {
		return invalid("email_address is %q, want one such as \"ops@example.com\"", e)
	}
	var err error
	if a.SANsDNS, err = normalNames("sans_dns", a.SANsDNS, func(name string) (string, error) {
		if name == "" || len(name) > 253 || !isASCII(name) || strings.ContainsAny(name, " \t\r\n\x00/@") {
			return "", invalid("sans_dns has %q, want a DNS name in ASCII of at most 253 characters", shorten(name))
		}
		return name, nil
	}); err != nil {
		return err
	}
	if a.SANsIP, err = normalNames("sans_ip", a.SANsIP, func(name string) (string, error) {
		address, err := netip.ParseAddr(name)
		if err != nil || address.Zone() != "" {
			return "", invalid("sans_ip has %q, want an IP address", shorten(name))
		}
		return address.Unmap().String(), nil
	}); err != nil {
		return err
	}
	a.SANsOID, err = normalNames("sans_oid", a.SANsOID, func(name string) (string, error) {
		oid, err := x509.ParseOID(name)
		if err != nil || len(name) > 256 {
			return "", invalid("sans_oid has %q, want an object identifier such as \"1.3.6.1.4.1.55738\"", shorten(name))
		}
		return oid.String(), nil
	})
	return err
}

func normalNames(what string, names []string, normal func(string) (string, error)) ([]string, error) {
	if len(names) > maxNames {
		return nil, invalid("%s has %d names, want at most %d", what, len(names), maxNames)
	}
	var all []string
	for _, name := range names {
		n, err := normal(name)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

func shorten(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// Equal says whether two ask for the same; of the unique identifier, which is
// made up, only whether there is one counts. Both are normal.
func (a *Attributes) Equal(b *Attributes) bool {
	mine, others := a.fields(), b.fields()
	for i, f := range mine {
		if f.value != &a.UniqueID && *f.value != *others[i].value {
			return false
		}
	}
	return (a.UniqueID != "") == (b.UniqueID != "") && slices.Equal(a.SANsDNS, b.SANsDNS) &&
		slices.Equal(a.SANsIP, b.SANsIP) && slices.Equal(a.SANsOID, b.SANsOID)
}

// named says whether the attributes name anything.
func (a *Attributes) named() bool {
	return a.CommonName != "" || len(a.SANsDNS) > 0 || len(a.SANsIP) > 0 || len(a.SANsOID) > 0
}

// A nameAttribute is one of the sets of one that make up a name.
type nameAttribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type nameAttributeSET []nameAttribute // the name tells encoding/asn1 that it is a set

// subject is the name in DER.
func (a *Attributes) subject() ([]byte, error) {
	name := []nameAttributeSET{}
	for _, f := range a.fields() {
		if *f.value != "" {
			name = append(name, nameAttributeSET{{f.oid, asn1.RawValue{Tag: f.tag, Bytes: []byte(*f.value)}}})
		}
	}
	return asn1.Marshal(name)
}

// Tags of the kinds of alternative names.
const (
	tagEmail = 1
	tagDNS   = 2
	tagIP    = 7
	tagOID   = 8
)

// sans is the extension with the alternative names, nil if there are none.
func (a *Attributes) sans() (*pkix.Extension, error) {
	var names []asn1.RawValue
	add := func(tag int, content []byte) {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: content})
	}
	for _, name := range a.SANsEmail {
		add(tagEmail, []byte(name))
	}
	for _, name := range a.SANsDNS {
		add(tagDNS, []byte(name))
	}
	for _, name := range a.SANsIP {
		address, err := netip.ParseAddr(name)
		if err != nil {
			return nil, err
		}
		add(tagIP, address.AsSlice())
	}
	for _, name := range a.SANsOID {
		oid, err := x509.ParseOID(name)
		if err != nil {
			return nil, err
		}
		content, err := oid.MarshalBinary()
		if err != nil {
			return nil, err
		}
		add(tagOID, content)
	}
	if len(names) == 0 {
		return nil, nil
	}
	der, err := asn1.Marshal(names)
	return &pkix.Extension{Id: oidSANs, Value: der}, err
}

// readAttributes reads a subject and an extension with alternative names.
func readAttributes(what string, subject pkix.Name, extensions []pkix.Extension) (Attributes, error) {
	var a Attributes
	fields := a.fields()
	for _, attribute := range subject.Names {
		for _, f := range fields {
			if !attribute.Type.Equal(f.oid) || *f.value != "" {
				continue
			}
			switch value := attribute.Value.(type) {
			case string:
				*f.value = strings.ToValidUTF8(value, "\uFFFD")
			case asn1.BitString:
				*f.value = strings.ToValidUTF8(string(value.Bytes), "\uFFFD")
			}
		}
	}
	for _, extension := range extensions {
		if !extension.Id.Equal(oidSANs) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return a, unreadable("cannot read the %s: its alternative names are damaged", what)
		}
		for _, name := range names {
			if name.Class != asn1.ClassContextSpecific {
				continue
			}
			switch name.Tag {
			case tagEmail:
				a.SANsEmail = append(a.SANsEmail, strings.ToValidUTF8(string(name.Bytes), "\uFFFD"))
			case tagDNS:
				a.SANsDNS = append(a.SANsDNS, strings.ToValidUTF8(string(name.Bytes), "\uFFFD"))
			case tagIP:
				if address, ok := netip.AddrFromSlice(name.Bytes); ok {
					a.SANsIP = append(a.SANsIP, address.Unmap().String())
				}
			case tagOID:
				var oid x509.OID
				if oid.UnmarshalBinary(name.Bytes) == nil {
					a.SANsOID = append(a.SANsOID, oid.String())
				}
			}
		}
	}
	for _, names := range []*[]string{&a.SANsDNS, &a.SANsIP, &a.SANsOID, &a.SANsEmail} {
		slices.Sort(*names)
		*names = slices.Compact(*names)
	}
	return a, nil
}
