package model

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/starcharm/starcharm/model/hooktool"
)

// Ask makes a [Model.Call] that answers in JSON, and reads the answer into
// what into points to, as [json.Unmarshal] does; numbers of an any are int64,
// *big.Int or float64. Nothing at all and null leave it alone. Another answer
// is a [HookToolError].
func (m *Model) Ask(call hooktool.Call, into any) error {
	result, err := m.Call(call)
	if err != nil {
		return err
	}
	if err := decodeInto(result.Stdout, into); err != nil {
		return nonsense(call.Name, err)
	}
	switch into := into.(type) {
	case *any:
		*into = Plain(*into)
	case *map[string]any:
		Plain(*into)
	}
	return nil
}

// CallWithSettings makes a [Model.Call] of relation-set or state-set. The
// settings go by standard input, not by arguments, which all processes can see.
func (m *Model) CallWithSettings(call hooktool.Call, settings map[string]string) error {
	for key, value := range settings {
		if key == "" || !utf8.ValidString(key) {
			return usage("%q cannot be a key for %s: it must be UTF-8 that is not empty", shorten(key), call.Name)
		}
		if !utf8.ValidString(value) {
			return usage("the value of %q for %s is not UTF-8: encode it, for instance with base64", shorten(key), call.Name)
		}
	}
	call.Args = append(slices.Clone(call.Args), "--file", "-")
	call.Stdin = flatYAML(settings)
	_, err := m.Call(call)
	return err
}

// CallWithSecret makes a [Model.Call] of secret-add or secret-set. The content,
// which is masked from then on, goes by files that only this user can read and
// that are gone afterwards. It may be nil for secret-set.
func (m *Model) CallWithSecret(call hooktool.Call, content map[string]string) (hooktool.Result, error) {
	if content != nil {
		if err := checkSecretContent(content); err != nil {
			return hooktool.Result{}, err
		}
	}
	var result hooktool.Result
	err := m.withFiles(content, func(files []string) (err error) {
		call.Args = slices.Concat(call.Args, files)
		result, err = m.Call(call)
		return err
	})
	return result, err
}

// guard makes a call fit to be made as it is given: what people will read has
// no secrets in it, and a secret's content is not in the arguments.
func (m *Model) guard(call hooktool.Call) (hooktool.Call, error) {
	switch call.Name {
	case "juju-log", "status-set", "action-log", "action-fail", "application-version-set":
		call.Args = slices.Clone(call.Args)
		for i, arg := range call.Args {
			call.Args[i] = m.Mask(arg)
		}
	case "secret-add", "secret-set":
		flag := false // its value is next
		for _, arg := range call.Args {
			key, _, pair := strings.Cut(arg, "=")
			if pair && !flag && !strings.HasPrefix(arg, "-") && !strings.HasSuffix(key, "#file") {
				return call, usage("cannot run %s with the value of %q as an argument, which all processes can see: give it as %s#file=PATH", call.Name, shorten(key), shorten(key))
			}
			flag = strings.HasPrefix(arg, "--") && arg != "--" && !pair
		}
	}
	return call, nil
}

// hideAnswer has the secrets in an answer masked from now on.
func (m *Model) hideAnswer(tool string, answer []byte) {
	if tool != "secret-get" && tool != "credential-get" || len(answer) > maxHidden {
		return
	}
	if tool == "secret-get" {
		// One value comes as it is, whatever that would mean in YAML.
		m.hide(map[string]string{"": strings.TrimSuffix(string(answer), "\n")})
	}
	var document yaml.Node // JSON is YAML
	if yaml.Unmarshal(answer, &document) != nil || len(document.Content) == 0 {
		return
	}
	secrets := map[string]string{}
	root := document.Content[0]
	switch {
	case tool == "credential-get":
		for _, credential := range under(root, "credential") {
			for _, attributes := range slices.Concat(under(credential, "attrs"), under(credential, "attributes")) {
				eachScalar(attributes, func(key, value string) { secrets[key] = value })
			}
		}
	case root.Kind == yaml.ScalarNode:
		secrets[""] = root.Value
	default:
		eachScalar(root, func(key, value string) { secrets[key] = value })
	}
	m.hide(secrets)
}

// maxHidden is the largest answer, in bytes, that is searched for secrets; Juju's
// secrets have up to 1 MiB in base64.
const maxHidden = 16 << 20

// under returns what a YAML mapping has under a key.
func under(mapping *yaml.Node, key string) []*yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1 : i+2]
		}
	}
	return nil
}

// eachScalar calls f for the scalars of a YAML mapping.
func eachScalar(mapping *yaml.Node, f func(key, value string)) {
	if mapping.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if value := mapping.Content[i+1]; value.Kind == yaml.ScalarNode {
			f(mapping.Content[i].Value, value.Value)
		}
	}
}

// FlatResults returns the results of an action as action-set takes them: nested
// maps with dots in their keys, values as text; see [Model.SetActionResults].
func FlatResults(results map[string]any) ([]string, error) {
	flat := make(map[string]string)
	if err := flattenResults(flat, "", results, 0); err != nil {
		return nil, err
	}
	args := make([]string, 0, len(flat))
	for key, value := range flat {
		args = append(args, fmt.Sprintf("%s=%s", key, value))
	}
	slices.Sort(args)
	return args, nil
}
