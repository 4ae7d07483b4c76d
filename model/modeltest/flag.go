package modeltest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// flagSet parses flags as Juju's commands do (gnuflag): -r 1, -r1, --app,
// --app=true, --format json, --format=json, anywhere among the arguments up
// to --.
type flagSet struct {
	flags []*flag
}

type flag struct {
	names  []string
	isBool bool
	set    func(value string) error
}

// value declares a flag with an argument.
func (f *flagSet) value(set func(value string) error, names ...string) {
	f.flags = append(f.flags, &flag{names: names, set: set})
}

// text declares a flag whose argument is kept as it is.
func (f *flagSet) text(value *string, names ...string) {
	f.value(func(text string) error {
		*value = text
		return nil
	}, names...)
}

// boolean declares a flag that is on when it is given.
func (f *flagSet) boolean(value *bool, names ...string) {
	f.flags = append(f.flags, &flag{names: names, isBool: true, set: func(text string) error {
		on, err := strconv.ParseBool(text)
		*value = on
		return err
	}})
}

func (f *flagSet) find(name string) *flag {
	for _, flag := range f.flags {
		if slices.Contains(flag.names, name) {
			return flag
		}
	}
	return nil
}

// dashed is the flag as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// parse returns the arguments that are no flags. help is set when the help
// text is asked for.
func (f *flagSet) parse(args []string) (rest []string, help bool, err error) {
	for len(args) > 0 {
		arg := shift(&args)
		switch {
		case arg == "--":
			return append(rest, args...), false, nil
		case strings.HasPrefix(arg, "--"):
			name, value, given := strings.Cut(arg[2:], "=")
			if name == "" {
				return nil, false, fmt.Errorf("empty option in argument %q", arg)
			}
			if name == "help" {
				return nil, true, nil
			}
			err = f.apply(name, value, given, &args)
		case strings.HasPrefix(arg, "-") && arg != "-":
			help, err = f.parseShort(arg[1:], &args)
		default:
			rest = append(rest, arg)
		}
		if help || err != nil {
			return nil, help, err
		}
	}
	return rest, false, nil
}

// parseShort parses -a, -ab, -rVALUE and -r VALUE.
func (f *flagSet) parseShort(letters string, args *[]string) (help bool, err error) {
	for letters != "" {
		_, size := utf8.DecodeRuneInString(letters)
		name := letters[:size]
		letters = letters[size:]
		if name == "h" {
			return true, nil
		}
		if flag := f.find(name); flag != nil && letters != "" && (!flag.isBool || letters[0] == '=') {
			return false, f.apply(name, letters, true, args)
		}
		if err := f.apply(name, "", false, args); err != nil {
			return false, err
		}
	}
	return false, nil
}

// apply sets a flag, from the next argument if it needs one.
func (f *flagSet) apply(name, value string, given bool, args *[]string) error {
	flag := f.find(name)
	if flag == nil {
		return fmt.Errorf("option provided but not defined: %s", dashed(name))
	}
	switch {
	case given:
	case flag.isBool:
		value = "true"
	case len(*args) == 0:
		return fmt.Errorf("option needs an argument: %s", dashed(name))
	default:
		value = shift(args)
	}
	if err := flag.set(value); err != nil {
		return fmt.Errorf("invalid value %q for option %s: %w", value, dashed(name), err)
	}
	return nil
}

// describe lists the flags.
func (f *flagSet) describe(w io.Writer) {
	for _, flag := range f.flags {
		names := make([]string, len(flag.names))
		for i, name := range flag.names {
			names[i] = dashed(name)
		}
		fmt.Fprintln(w, "  "+strings.Join(names, ", "))
	}
}

// parsePairs reads key=value arguments.
func parsePairs(args []string, allowEmpty bool) (map[string]string, error) {
	pairs := make(map[string]string, len(args))
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" || (value == "" && !allowEmpty) {
			return nil, fmt.Errorf("expected %q, got %q", "key=value", arg)
		}
		if _, twice := pairs[key]; twice {
			return nil, fmt.Errorf("key %q specified more than once", key)
		}
		pairs[key] = value
	}
	return pairs, nil
}

var errNotLeader = errors.New("this unit is not the leader")

// splitList splits a,b.
func splitList(text string) []string { return strings.Split(text, ",") }
