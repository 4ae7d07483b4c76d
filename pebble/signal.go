package pebble

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalName returns the name of a Linux signal ("SIGHUP" for 1), which is how
// Pebble wants it.
func SignalName(number int) (string, error) {
	name := unix.SignalName(syscall.Signal(number))
	if name == "" {
		return "", fmt.Errorf("there is no signal number %d", number)
	}
	return name, nil
}
