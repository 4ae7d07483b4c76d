package model

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

var metricKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$`) })

// AddMetrics reports metrics in a collect-metrics hook; a [VersionError] from
// Juju 3.6.11 on, which has none.
func (m *Model) AddMetrics(values map[string]float64, labels map[string]string) error {
	var args, pairs []string
	for _, label := range slices.Sorted(maps.Keys(labels)) {
		value := labels[label]
		if !metricKey().MatchString(label) {
			return usage("%q cannot be the name of a metric's label: use letters, digits, dashes and underscores, with a letter in front", shorten(label))
		}
		if value == "" || strings.ContainsAny(value, ",=") {
			return usage("the label %q of a metric cannot be %q: it must not be empty, and have neither comma nor equals sign", label, shorten(value))
		}
		pairs = append(pairs, label+"="+value)
	}
	if len(pairs) > 0 {
		args = append(args, "--labels", strings.Join(pairs, ","))
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values[name]
		if !metricKey().MatchString(name) {
			return usage("%q cannot be the name of a metric: use letters, digits, dashes and underscores, with a letter in front", shorten(name))
		}
		if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
			return usage("the metric %q cannot be %v: it must be a finite number that is not negative", name, value)
		}
		args = append(args, name+"="+strconv.FormatFloat(value, 'f', -1, 64))
	}
	if len(values) == 0 {
		return nil
	}
	_, err := m.run("add-metric", nil, args...)
	return err
}
