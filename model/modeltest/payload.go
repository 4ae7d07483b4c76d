package modeltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Payload is what the unit has registered under a class. There is one of each
// class: another registration takes its place.
type Payload struct {
	Type   string   `yaml:"type"`
	ID     string   `yaml:"id"`
	Status string   `yaml:"status"`
	Labels []string `yaml:"labels"`
}

func payloadTools() []tool {
	return []tool{
		{name: "payload-register", use: "<type> <class> <id> [<label> ...]", prepare: preparePayloadRegister},
		{name: "payload-unregister", use: "<class> <id>", prepare: preparePayloadUnregister},
		{name: "payload-status-set", use: "<class> <id> <status>", prepare: preparePayloadStatusSet},
	}
}

var errMissingArguments = errors.New("missing required arguments")

func preparePayloadRegister(h *Hook, c *invocation) (func([]string) error, func() error) {
	class := ""
	payload := Payload{Status: "running"}
	parse := func(args []string) error {
		if len(args) < 3 {
			return errMissingArguments
		}
		payload.Type, class, payload.ID = args[0], args[1], args[2]
		payload.Labels = slices.Clone(args[3:])
		return nil
	}
	return parse, func() error {
		declared := h.juju.meta.Payloads[class]
		switch {
		case declared == nil:
			return fmt.Errorf("payload %q not found in metadata.yaml", class)
		case declared.Type != payload.Type:
			return fmt.Errorf("incorrect type %q for payload %q, expected %q", payload.Type, class, declared.Type)
		case payload.ID == "":
			return errors.New("missing ID not valid")
		}
		s := h.state()
		if s.Payloads == nil {
			s.Payloads = map[string]Payload{}
		}
		s.Payloads[class] = payload
		return nil
	}
}

func preparePayloadUnregister(h *Hook, c *invocation) (func([]string) error, func() error) {
	class := ""
	parse := func(args []string) error {
		if len(args) < 2 {
			return errMissingArguments
		}
		class = args[0]
		return noMore(args[2:])
	}
	return parse, func() error {
		delete(h.state().Payloads, class)
		return nil
	}
}

func preparePayloadStatusSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	class, status := "", ""
	parse := func(args []string) error {
		if len(args) < 3 {
			return errMissingArguments
		}
		class, status = args[0], args[2]
		return noMore(args[3:])
	}
	return parse, func() error {
		statuses := []string{"running", "starting", "stopped", "stopping"}
		if !slices.Contains(statuses, status) {
			return fmt.Errorf(`status %q not supported; expected one of ["%s"]`, status, strings.Join(statuses, `", "`))
		}
		payload, ok := h.state().Payloads[class]
		if !ok {
			return errors.New("payload not found")
		}
		payload.Status = status
		h.state().Payloads[class] = payload
		return nil
	}
}
