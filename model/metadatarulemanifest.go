package model

import (
	"fmt"
	"slices"
	"strings"
)

// Architectures are those that Juju knows, by their names in Debian.
func Architectures() []string { return []string{"amd64", "arm64", "ppc64el", "riscv64", "s390x"} }

func (s section) ruleManifest() {
	bases := s.at("bases")
	if want, _ := aList(bases); want != "" || len(bases.node.items) == 0 {
		s.refuse("manifest", "the charm has no bases", "list at least one: {name: ubuntu, channel: \"24.04\", architectures: [amd64]}")
		return
	}
	for _, base := range bases.list() {
		if !base.fields("manifest", map[string]shape{"name": aString, "channel": aString, "architectures": aListOfStrings}) {
			continue
		}
		if name := base.at("name"); name.string() != "ubuntu" {
			base.refuse("manifest", "the name of a base is ubuntu", "")
		}
		if channel := base.at("channel"); channel.node == nil || !validChannel(channel.string()) {
			base.refuse("manifest", "the base needs a channel", `write one in quotes, such as channel: "24.04"`)
		}
		for _, arch := range base.listed("architectures") {
			if !slices.Contains(Architectures(), arch.string()) {
				arch.refuse("manifest", fmt.Sprintf("%q is no architecture%s", shorten(arch.string()), didYouMean(arch.string(), Architectures())),
					"there are "+strings.Join(Architectures(), ", "))
			}
		}
	}
}

// ruleBase checks base: ubuntu@24.04 of charmcraft.yaml.
func (s section) ruleBase() {
	if base := s.at("base"); base.node != nil && !matches(`^ubuntu@[0-9]+\.[0-9]+$`, base.string()) {
		base.refuse("base", fmt.Sprintf("Juju runs no charms on %s", base.node.what()), "write one like ubuntu@24.04")
	}
}

// validChannel reads track, track/risk or track/risk/branch.
func validChannel(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) > 3 || slices.Contains(parts, "") {
		return false
	}
	return len(parts) == 1 || slices.Contains([]string{"stable", "candidate", "beta", "edge"}, parts[1])
}

func (s section) ruleLXDProfile() {
	if s.node.null() {
		return
	}
	if !s.fields("lxd-profile", map[string]shape{"config": aMapping, "devices": aMapping, "description": aString}) {
		return
	}
	for key, value := range s.at("config").each {
		for _, prefix := range []string{"boot", "limits", "migration"} {
			if strings.HasPrefix(key, prefix) {
				value.refuse("lxd-profile", fmt.Sprintf("a charm may not set %q", shorten(key)), "what starts with boot, limits or migration is Juju's")
			}
		}
	}
	for _, device := range s.at("devices").each {
		if !device.fields("lxd-profile", map[string]shape{"type": aString}) {
			continue
		}
		if kind := device.at("type"); kind.node != nil && !slices.Contains([]string{"unix-char", "unix-block", "gpu", "usb"}, kind.string()) {
			kind.refuse("lxd-profile", fmt.Sprintf("a charm may not have a device of type %q", shorten(kind.string())), "there are unix-char, unix-block, gpu and usb")
		}
	}
}
