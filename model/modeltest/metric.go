package modeltest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/model"
)

// Metric is a measurement that a collect-metrics hook has made.
type Metric struct {
	Key, Value string
	Labels     map[string]string
}

func metricTools() []tool {
	return []tool{{name: "add-metric", use: "key1=value1 [key2=value2 ...]", prepare: prepareAddMetric}}
}

func prepareAddMetric(h *Hook, c *invocation) (func([]string) error, func() error) {
	labels := ""
	var metrics, labelled map[string]string
	c.flags.text(&labels, "l", "labels")
	parse := func(args []string) (err error) {
		if len(args) == 0 {
			return errors.New("no metrics specified")
		}
		if metrics, err = parsePairs(args, false); err != nil {
			return fmt.Errorf("invalid metrics: %w", err)
		}
		if labels != "" {
			if labelled, err = parsePairs(strings.FieldsFunc(labels, func(r rune) bool { return r == ',' }), false); err != nil {
				return fmt.Errorf("invalid labels: %w", err)
			}
		}
		return nil
	}
	return parse, func() error {
		for _, key := range keys(metrics) {
			if strings.HasPrefix(key, "juju") {
				return fmt.Errorf("%s uses a reserved prefix", key)
			}
			if err := h.metricError(metrics[key]); err != nil {
				return fmt.Errorf("cannot record metric: %w", err)
			}
			h.metrics = append(h.metrics, Metric{Key: key, Value: metrics[key], Labels: labelled})
		}
		return nil
	}
}

// metricError says why a value cannot be recorded.
func (h *Hook) metricError(value string) error {
	switch h.plan.def.Kind {
	case model.CollectMetrics:
	case model.MeterStatusChanged:
		return errRestricted
	default:
		return errors.New("metrics not allowed in this context")
	}
	switch number, err := strconv.ParseFloat(value, 64); {
	case err != nil:
		return fmt.Errorf("invalid value type: expected float, got %q", value)
	case len(value) > maxMetric:
		return errors.New("metric value is too large")
	case number < 0:
		return fmt.Errorf("invalid value: value must be greater or equal to zero, got %v", number)
	}
	return nil
}

// maxMetric is how long, in bytes, a metric's value may be.
const maxMetric = 30
