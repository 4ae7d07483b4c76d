//go:build !linux

package daemon

import "errors"

var errNotLinux = errors.New("a genuine Pebble needs a container, which only Linux has")

func (d *Daemon) launch(string) error { return errNotLinux }

// Enter is for Linux.
func Enter(string, string) error { return errNotLinux }
