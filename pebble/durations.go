package pebble

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"gopkg.in/yaml.v3"
)

// Duration is a length of time in a layer or plan, written as Go writes it
// ("1m30s"). "60s" and "1m0s" are the same Duration.
type Duration time.Duration

// ParseDuration parses a number with a unit, or several ("300ms", "1.5h",
// "2h45m"). A number without a unit is an error, as it is for Pebble.
func ParseDuration(text string) (Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		// The daemon's own words.
		return 0, fmt.Errorf("invalid duration %q", text)
	}
	return Duration(d), nil
}

// String returns d as Pebble writes it: "1m0s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalYAML writes d as [Duration.String] does.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }

// UnmarshalYAML reads d from a scalar.
func (d *Duration) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return errors.New("duration must be a YAML string")
	}
	parsed, err := ParseDuration(node.Value)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// seconds writes a timeout as the API takes it. It rounds up to milliseconds,
// because "0.000s" would mean to wait without end.
func seconds(d time.Duration) string {
	ms := max(1, math.Ceil(float64(d)/float64(time.Millisecond)))
	return strconv.FormatFloat(ms/1000, 'f', 3, 64) + "s"
}
