package modeltest

import "maps"

type secretChanges map[string]*Secret

func (secretChanges) commit(*Juju, *State) error { return nil }

func secretTools() []tool { return nil }

func equalContent(a, b map[string]string) bool { return maps.Equal(a, b) }

func bareSecret(id string) string { return id }
