package builtins

import (
	"errors"
	"fmt"
	gotime "time"

	"go.starlark.net/lib/time"
	"go.starlark.net/starlark"

	"github.com/starcharm/starcharm/builtins/pki"
)

// This file has what crypto does with private keys, certificate signing
// requests and certificates, and their types.

// Kinds of failure of module crypto.
var (
	cryptoError       = &Kind{Name: "crypto.CryptoError"}
	cryptoParseError  = &Kind{Name: "crypto.ParseError", Parent: cryptoError}
	cryptoVerifyError = &Kind{Name: "crypto.VerificationError", Parent: cryptoError}
)

const (
	dnsSig      = "sans_dns: list[str] = [], sans_ip: list[str] = [], sans_oid: list[str] = [], organization: str = None, organizational_unit: str = None, email_address: str = None, country_name: str = None, state_or_province_name: str = None, locality_name: str = None"
	validityDoc = " validity is a second to 100 years from now."
	year        = 365 * 24 * gotime.Hour
)

// certificateMembers are the members of module crypto that are about
// certificates.
func certificateMembers() []member[*randomSource] {
	kind := func(k *Kind) func(*randomSource) (starlark.Value, error) {
		return func(*randomSource) (starlark.Value, error) { return k, nil }
	}
	return []member[*randomSource]{
		{name: "generate_private_key", sig: "(kind: str = \"rsa\", *, bits: int = 2048, curve: str = \"p256\", format: str = \"traditional\") -> str", doc: "A new private key: \"rsa\" of 2048, 3072 or 4096 bits, \"ecdsa\" on the curve \"p256\", \"p384\" or \"p521\", or \"ed25519\". Its form is the traditional one of its kind, PKCS #1 for RSA, SEC 1 for ECDSA and PKCS #8 for Ed25519, or \"pkcs8\" for all.",
			call: (*randomSource).generatePrivateKey},
		{name: "generate_csr", sig: "(key: str, common_name: str = None, *, " + dnsSig + ", unique_id: str = None) -> str", doc: "A certificate signing request for a private key. One of common_name, of up to 64 characters, sans_dns, sans_ip and sans_oid is needed. unique_id becomes the subject's x500UniqueIdentifier. What makes no request is the failure CryptoError.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var keyText string
				var a requestedAttributes
				var id optionalText
				if err := in.unpack(append(append([]any{"key", &keyText}, a.pairs()...), "unique_id??", &id)...); err != nil {
					return nil, err
				}
				attributes, err := a.plain(in)
				if err != nil {
					return nil, err
				}
				attributes.UniqueID = string(id)
				key, err := r.key(keyText)
				if err != nil {
					return nil, err
				}
				request, err := pki.NewRequest(key, attributes)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				return starlark.String(request.PEM), nil
			}},
		{name: "generate_ca", sig: "(key: str, common_name: str, *, " + dnsSig + ", validity: time.duration = 87600h) -> str", doc: "The certificate of an authority that vouches for itself, for a private key." + validityDoc,
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var keyText string
				var a requestedAttributes
				validity := time.Duration(10 * year)
				if err := in.unpack(append(append([]any{"key", &keyText}, a.pairs()...), "validity?", &validity)...); err != nil {
					return nil, err
				}
				attributes, err := a.plain(in)
				if err != nil {
					return nil, err
				}
				key, err := r.key(keyText)
				if err != nil {
					return nil, err
				}
				return newCertificateText(pki.NewAuthority(key, attributes, r.signing(validity, true)))
			}},
		{name: "generate_certificate", sig: "(csr: str, ca: str, ca_key: str, *, validity: time.duration = 8760h, is_ca: bool = False) -> str", doc: "The certificate that a request asks for, signed by the authority whose certificate and private key these are. The subject and the alternative names are those of the request; extensions that it asks for besides are left out. It ends with the authority's certificate at the latest. A request that is not signed by its own key, and an authority that has expired, are the failure VerificationError, a key that is not the authority's is CryptoError." + validityDoc,
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var csr, ca, keyText string
				validity, isCA := time.Duration(year), false
				if err := in.unpack("csr", &csr, "ca", &ca, "ca_key", &keyText, byName, nil, "validity?", &validity, "is_ca?", &isCA); err != nil {
					return nil, err
				}
				request, err := pki.ParseRequest(csr)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				authority, err := pki.ParseCertificate(ca)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				key, err := r.key(keyText)
				if err != nil {
					return nil, err
				}
				return newCertificateText(pki.Issue(request, authority, key, r.signing(validity, isCA)))
			}},
		{name: "parse_certificate", sig: "(pem: str) -> certificate", doc: "Reads the first certificate of a text.",
			call: func(_ *randomSource, in invocation) (starlark.Value, error) {
				text, err := pemText(in)
				if err != nil {
					return nil, err
				}
				c, err := pki.ParseCertificate(text)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				return &certificate{c}, nil
			}},
		{name: "parse_csr", sig: "(pem: str) -> certificate_request", doc: "Reads a certificate signing request. Its signature is not looked at.",
			call: func(_ *randomSource, in invocation) (starlark.Value, error) {
				text, err := pemText(in)
				if err != nil {
					return nil, err
				}
				request, err := pki.ParseRequest(text)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				return &certificateRequest{request}, nil
			}},
		{name: "parse_private_key", sig: "(pem: str) -> private_key", doc: "Reads a private key that is not encrypted, in any of the forms that generate_private_key makes. It is masked from then on.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				text, err := pemText(in)
				if err != nil {
					return nil, err
				}
				key, err := r.key(text)
				if err != nil {
					return nil, err
				}
				return &privateKey{key, r.hidden(key.PEM())}, nil
			}},
		{name: "matches", sig: "(a: str, b: str) -> bool", doc: "Whether two texts have the same public key: each is a certificate, a request or a private key. `matches(certificate, key)` says whether the certificate is for the key.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var texts [2]string
				if err := in.unpack("a", &texts[0], "b", &texts[1]); err != nil {
					return nil, err
				}
				var holders [2]pki.Holder
				for i, text := range texts {
					var err error
					if holders[i], err = pki.ParseHolder(text); err != nil {
						return nil, cryptoFailure(err)
					}
				}
				return starlark.Bool(pki.SameKey(holders[0], holders[1])), nil
			}},
		{name: "split_chain", sig: "(pem: str) -> list[str]", doc: "The certificates of a text of up to 1 MiB, in its order, 1 to 100 of them.",
			call: func(_ *randomSource, in invocation) (starlark.Value, error) {
				text, err := pemText(in)
				if err != nil {
					return nil, err
				}
				return chainTexts(pki.SplitChain(text))
			}},
		{name: "order_chain", sig: "(leaf: str, others: list[str]) -> list[str]", doc: "The certificate leaf, then the one of others that signed it, and so on, up to one that nobody else of others signed. Those that do not belong to it are left out.",
			call: func(_ *randomSource, in invocation) (starlark.Value, error) {
				var text string
				var others starlark.Value
				if err := in.unpack("leaf", &text, "others", &others); err != nil {
					return nil, err
				}
				leaf, err := pki.ParseCertificate(text)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				rest, err := certificatesOf(in, "others", others)
				if err != nil {
					return nil, err
				}
				return chainTexts(pki.OrderChain(leaf, rest))
			}},
		{name: "verify_chain", sig: "(leaf: str, chain: list[str], roots: list[str], *, host: str = None) -> None", doc: "Nothing, if the certificate leaf leads by some of chain to one of roots, and they are valid now and, if host is given, leaf is for this DNS name or address. Otherwise the failure VerificationError, whose message says which certificate and why.",
			call: func(r *randomSource, in invocation) (starlark.Value, error) {
				var text string
				var chain, roots starlark.Value
				var host optionalText
				if err := in.unpack("leaf", &text, "chain", &chain, "roots", &roots, byName, nil, "host??", &host); err != nil {
					return nil, err
				}
				leaf, err := pki.ParseCertificate(text)
				if err != nil {
					return nil, cryptoFailure(err)
				}
				between, err := certificatesOf(in, "chain", chain)
				if err != nil {
					return nil, err
				}
				trusted, err := certificatesOf(in, "roots", roots)
				if err != nil {
					return nil, err
				}
				return starlark.None, cryptoFailure(pki.VerifyChain(leaf, between, trusted, string(host), r.machine.Now()))
			}},
		{name: "CryptoError", sig: "kind", doc: "The family of the failures of this module, and what was asked for makes no key, request or certificate.", get: kind(cryptoError)},
		{name: "ParseError", sig: "kind", doc: "A text is not the key, request or certificate that it should be.", get: kind(cryptoParseError)},
		{name: "VerificationError", sig: "kind", doc: "A signature or a chain does not hold.", get: kind(cryptoVerifyError)},
	}
}

// cryptoFailure is the failure for an error of pki.
func cryptoFailure(err error) error {
	var e *pki.Error
	if !errors.As(err, &e) {
		return err
	}
	kinds := map[pki.Problem]*Kind{pki.Invalid: cryptoError, pki.Unreadable: cryptoParseError, pki.Untrusted: cryptoVerifyError}
	return &Failure{Kind: kinds[e.Problem], Message: e.Message, Err: err}
}

// key reads a private key, which is masked from now on.
func (r *randomSource) key(text string) (*pki.Key, error) {
	key, err := pki.ParseKey(text)
	if err != nil {
		return nil, cryptoFailure(err)
	}
	r.hide(text)
	return key, nil
}

func (r *randomSource) generatePrivateKey(in invocation) (starlark.Value, error) {
	kind, bits, curve, format := "rsa", 2048, "p256", "traditional"
	if err := in.unpack("kind?", &kind, byName, nil, "bits?", &bits, "curve?", &curve, "format?", &format); err != nil {
		return nil, err
	}
	if format != "traditional" && format != "pkcs8" {
		return nil, fmt.Errorf("%s: format is %q, want \"traditional\" or \"pkcs8\"", in.name, format)
	}
	var key *pki.Key
	var err error
	switch kind {
	case "rsa":
		key, err = pki.GenerateRSA(bits, r.machine.GenerateRSA)
	case "ecdsa":
		key, err = pki.GenerateECDSA(curve, r.machine.Random())
	case "ed25519":
		key, err = pki.GenerateEd25519(r.machine.Random())
	default:
		return nil, fmt.Errorf("%s: kind is %q, want \"rsa\", \"ecdsa\" or \"ed25519\"", in.name, kind)
	}
	if err != nil {
		return nil, cryptoFailure(err)
	}
	if format == "pkcs8" {
		return starlark.String(r.hidden(key.PKCS8())), nil
	}
	return starlark.String(r.hidden(key.PEM())), nil
}

func (r *randomSource) signing(validity time.Duration, isCA bool) pki.Signing {
	return pki.Signing{Random: r.machine.Random(), Now: r.machine.Now(), Validity: gotime.Duration(validity), IsCA: isCA}
}

// requestedAttributes are the arguments that say what a certificate is for.
type requestedAttributes struct {
	commonName, organization, organizationalUnit, email, country, state, locality optionalText

	dns, ip, oid starlark.Value
}

// pairs are the arguments for unpack; the common name may come by its place.
func (a *requestedAttributes) pairs() []any {
	return []any{
		"common_name??", &a.commonName, byName, nil, "sans_dns??", &a.dns, "sans_ip??", &a.ip, "sans_oid??", &a.oid,
		"organization??", &a.organization, "organizational_unit??", &a.organizationalUnit, "email_address??", &a.email,
		"country_name??", &a.country, "state_or_province_name??", &a.state, "locality_name??", &a.locality,
	}
}

func (a *requestedAttributes) plain(in invocation) (pki.Attributes, error) {
	plain := pki.Attributes{
		CommonName: string(a.commonName), Organization: string(a.organization), OrganizationalUnit: string(a.organizationalUnit),
		EmailAddress: string(a.email), CountryName: string(a.country), StateOrProvinceName: string(a.state), LocalityName: string(a.locality),
	}
	for _, names := range []struct {
		name  string
		value starlark.Value
		to    *[]string
	}{{"sans_dns", a.dns, &plain.SANsDNS}, {"sans_ip", a.ip, &plain.SANsIP}, {"sans_oid", a.oid, &plain.SANsOID}} {
		if names.value == nil {
			continue
		}
		var err error
		if *names.to, err = stringsOf(in, names.name, names.value); err != nil {
			return plain, err
		}
	}
	return plain, nil
}

func pemText(in invocation) (string, error) {
	var text string
	err := in.unpack("pem", &text)
	return text, err
}

func newCertificateText(c *pki.Certificate, err error) (starlark.Value, error) {
	if err != nil {
		return nil, cryptoFailure(err)
	}
	return starlark.String(c.PEM), nil
}

func chainTexts(chain []*pki.Certificate, err error) (starlark.Value, error) {
	if err != nil {
		return nil, cryptoFailure(err)
	}
	var texts []string
	for _, c := range chain {
		texts = append(texts, c.PEM)
	}
	return stringList(texts), nil
}

// certificatesOf reads a list of certificates.
func certificatesOf(in invocation, name string, v starlark.Value) ([]*pki.Certificate, error) {
	texts, err := stringsOf(in, name, v)
	if err != nil {
		return nil, err
	}
	var all []*pki.Certificate
	for _, text := range texts {
		c, err := pki.ParseCertificate(text)
		if err != nil {
			return nil, cryptoFailure(err)
		}
		all = append(all, c)
	}
	return all, nil
}

// attributeMembers are those of what has a subject and alternative names.
func attributeMembers[T any](attributes func(T) *pki.Attributes) []member[T] {
	text := func(name, doc string, get func(*pki.Attributes) string) member[T] {
		return member[T]{name: name, sig: "str", doc: doc, get: func(v T) (starlark.Value, error) { return textOrNone(get(attributes(v))), nil }}
	}
	names := func(name, doc string, get func(*pki.Attributes) []string) member[T] {
		return member[T]{name: name, sig: "list[str]", doc: doc, get: func(v T) (starlark.Value, error) {
			return stringList(get(attributes(v))), nil
		}}
	}
	return []member[T]{
		text("common_name", "The subject's common name, or None.", func(a *pki.Attributes) string { return a.CommonName }),
		text("organization", "The subject's organization, or None.", func(a *pki.Attributes) string { return a.Organization }),
		text("organizational_unit", "The subject's organizational unit, or None.", func(a *pki.Attributes) string { return a.OrganizationalUnit }),
		text("email_address", "The subject's e-mail address, or None.", func(a *pki.Attributes) string { return a.EmailAddress }),
		text("country_name", "The two letters of the subject's country, or None.", func(a *pki.Attributes) string { return a.CountryName }),
		text("state_or_province_name", "The subject's state or province, or None.", func(a *pki.Attributes) string { return a.StateOrProvinceName }),
		text("locality_name", "The subject's locality, or None.", func(a *pki.Attributes) string { return a.LocalityName }),
		text("unique_id", "The subject's x500UniqueIdentifier, or None.", func(a *pki.Attributes) string { return a.UniqueID }),
		names("sans_dns", "The DNS names among the alternative names, sorted.", func(a *pki.Attributes) []string { return a.SANsDNS }),
		names("sans_ip", "The addresses among the alternative names, sorted as text.", func(a *pki.Attributes) []string { return a.SANsIP }),
		names("sans_oid", "The object identifiers among the alternative names, sorted as text.", func(a *pki.Attributes) []string { return a.SANsOID }),
		names("sans_email", "The e-mail addresses among the alternative names, sorted.", func(a *pki.Attributes) []string { return a.SANsEmail }),
	}
}

var certificateTable = table[*certificate]{
	typ: "certificate",
	doc: "A certificate that crypto.parse_certificate has read.",
	members: append([]member[*certificate]{
		{name: "pem", sig: "str", doc: "The certificate as text, written in the usual way.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.String(c.c.PEM), nil }},
		{name: "subject", sig: "str", doc: "The subject's name as RFC 2253 writes it, for people.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.String(c.c.Subject), nil }},
		{name: "issuer", sig: "str", doc: "The issuer's name as RFC 2253 writes it, for people.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.String(c.c.Issuer), nil }},
		{name: "serial", sig: "str", doc: "The serial number in lower-case hexadecimal.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.String(c.c.Serial), nil }},
		{name: "not_before", sig: "time.time", doc: "From when it is valid.",
			get: func(c *certificate) (starlark.Value, error) { return time.Time(c.c.NotBefore), nil }},
		{name: "not_after", sig: "time.time", doc: "Until when it is valid.",
			get: func(c *certificate) (starlark.Value, error) { return time.Time(c.c.NotAfter), nil }},
		{name: "is_ca", sig: "bool", doc: "Whether it is the certificate of an authority.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.Bool(c.c.IsCA), nil }},
		{name: "fingerprint", sig: "str", doc: "The SHA-256 of the certificate in lower-case hexadecimal.",
			get: func(c *certificate) (starlark.Value, error) { return starlark.String(c.c.Fingerprint), nil }},
	}, attributeMembers(func(c *certificate) *pki.Attributes { return &c.c.Attributes })...),
}

// A certificate is immutable.
type certificate struct{ c *pki.Certificate }

func (c *certificate) String() string        { return "<certificate " + c.c.Subject + ">" }
func (c *certificate) Type() string          { return certificateTable.typ }
func (c *certificate) Freeze()               {}
func (c *certificate) Truth() starlark.Bool  { return true }
func (c *certificate) Hash() (uint32, error) { return starlark.String(c.c.PEM).Hash() }
func (c *certificate) AttrNames() []string   { return certificateTable.attrNames(c) }
func (c *certificate) Attr(name string) (starlark.Value, error) {
	return certificateTable.attr(c, name)
}

var certificateRequestTable = table[*certificateRequest]{
	typ: "certificate_request",
	doc: "A certificate signing request that crypto.parse_csr has read.",
	members: append([]member[*certificateRequest]{
		{name: "pem", sig: "str", doc: "The request as text, written in the usual way.",
			get: func(r *certificateRequest) (starlark.Value, error) { return starlark.String(r.r.PEM), nil }},
		{name: "critical_extensions", sig: "list[str]", doc: "The object identifiers of the extensions that it says are critical, the alternative names apart.",
			get: func(r *certificateRequest) (starlark.Value, error) { return stringList(r.r.CriticalExtensions), nil }},
		{name: "verify", sig: "()", doc: "Nothing, if it is signed by its own key; otherwise the failure VerificationError.",
			call: func(r *certificateRequest, in invocation) (starlark.Value, error) {
				if err := in.none(); err != nil {
					return nil, err
				}
				return starlark.None, cryptoFailure(r.r.Check())
			}},
		{name: "asks_for", sig: "(common_name: str = None, *, " + dnsSig + ", unique_id: bool = False) -> bool", doc: "Whether it asks for exactly these attributes, and no critical extensions besides. Of a unique_id, only whether there is one counts; orders and the ways to write an address do not.",
			call: func(r *certificateRequest, in invocation) (starlark.Value, error) {
				var a requestedAttributes
				var unique bool
				if err := in.unpack(append(a.pairs(), "unique_id?", &unique)...); err != nil {
					return nil, err
				}
				attributes, err := a.plain(in)
				if err != nil {
					return nil, err
				}
				if err := attributes.Normalize(); err != nil {
					return nil, cryptoFailure(err)
				}
				if unique {
					attributes.UniqueID = "any"
				}
				return starlark.Bool(attributes.Equal(&r.r.Attributes) && len(r.r.CriticalExtensions) == 0), nil
			}},
	}, attributeMembers(func(r *certificateRequest) *pki.Attributes { return &r.r.Attributes })...),
}

// A certificateRequest is immutable.
type certificateRequest struct{ r *pki.Request }

func (r *certificateRequest) String() string {
	return fmt.Sprintf("<certificate_request %q>", r.r.CommonName)
}
func (r *certificateRequest) Type() string          { return certificateRequestTable.typ }
func (r *certificateRequest) Freeze()               {}
func (r *certificateRequest) Truth() starlark.Bool  { return true }
func (r *certificateRequest) Hash() (uint32, error) { return starlark.String(r.r.PEM).Hash() }
func (r *certificateRequest) AttrNames() []string   { return certificateRequestTable.attrNames(r) }
func (r *certificateRequest) Attr(name string) (starlark.Value, error) {
	return certificateRequestTable.attr(r, name)
}

var privateKeyTable = table[*privateKey]{
	typ: "private_key",
	doc: "A private key that crypto.parse_private_key has read.",
	members: []member[*privateKey]{
		{name: "kind", sig: "str", doc: "\"rsa\", \"ecdsa\" or \"ed25519\".",
			get: func(k *privateKey) (starlark.Value, error) { return starlark.String(k.key.Kind), nil }},
		{name: "bits", sig: "int", doc: "The size of an RSA key or of an ECDSA key's curve; 256 for Ed25519.",
			get: func(k *privateKey) (starlark.Value, error) { return starlark.MakeInt(k.key.Bits), nil }},
		{name: "pem", sig: "str", doc: "The key as text, in the traditional form of its kind; masked.",
			get: func(k *privateKey) (starlark.Value, error) { return starlark.String(k.pem), nil }},
	},
}

// A privateKey is immutable, and shows nothing of itself.
type privateKey struct {
	key *pki.Key
	pem string
}

func (k *privateKey) String() string                           { return "<private_key " + k.key.Kind + ">" }
func (k *privateKey) Type() string                             { return privateKeyTable.typ }
func (k *privateKey) Freeze()                                  {}
func (k *privateKey) Truth() starlark.Bool                     { return true }
func (k *privateKey) Hash() (uint32, error)                    { return 0, errors.New("unhashable: private_key") }
func (k *privateKey) AttrNames() []string                      { return privateKeyTable.attrNames(k) }
func (k *privateKey) Attr(name string) (starlark.Value, error) { return privateKeyTable.attr(k, name) }
