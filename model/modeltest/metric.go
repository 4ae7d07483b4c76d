package modeltest

import (
	"errors"
	"fmt"

	"github.com/starcharm/starcharm/model"
)

// Metric is a measurement that a collect-metrics hook has made.
type Metric struct {
	Key, Value string
	Labels     map[string]string
}

func metricTools() []tool {
	return []tool{{name: "add-metric", use: "key1=value1 [key2=value2 ...]", until: [3]int{3, 6, 0}, prepare: prepareAddMetric}}
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
			if labelled, err = parsePairs(splitList(labels), false); err != nil {
				return fmt.Errorf("invalid labels: %w", err)
			}
		}
		return nil
	}
	return parse, func() error {
		if h.plan.def.Kind != model.CollectMetrics {
			return errors.New("cannot record metric: metrics not allowed in this context")
		}
		for _, key := range keys(metrics) {
			h.metrics = append(h.metrics, Metric{Key: key, Value: metrics[key], Labels: labelled})
		}
		return nil
	}
}
