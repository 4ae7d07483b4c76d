package model

import (
	"fmt"
	"strings"
)

// This file has the rules of what a charm asks of the cloud: storages, devices,
// resources and containers.

func (s section) ruleStorages() {
	for name, storage := range s.at("storage").each {
		if !matches(charmName, name) {
			storage.refuse("storage-name", fmt.Sprintf("%q cannot be the name of a storage", shorten(name)), "a name has "+CharmNameRule)
		}
		if !storage.fields("storage", map[string]shape{
			"type": oneOf("block", "filesystem"), "shared": aBool, "read-only": aBool, "multiple": aMapping, "location": aString,
			"description": aString, "properties": aListOfStrings, "minimum-size": aSize,
		}) {
			continue
		}
		if storage.at("location").string() != "" && storage.at("type").string() == "block" {
			storage.at("location").refuse("storage", "a block storage has no location", "remove it, or make the type filesystem")
		}
		if multiple := storage.at("multiple"); multiple.node != nil && multiple.node.kind == mappingKind {
			multiple.ruleRange()
		}
		for _, property := range storage.listed("properties") {
			if property.string() != "transient" {
				property.refuse("storage", fmt.Sprintf("the property %q is unknown", shorten(property.string())), "there is only transient")
			}
		}
	}
}

func (s section) ruleRange() {
	bounds := s.at("range")
	if bounds.node.null() {
		s.refuse("storage", "multiple has no range", "write {range: 1-5}, 2+ or 3")
		return
	}
	if bounds.node.kind != scalarKind {
		return // LoadMetadata has said so
	}
	part := rangePattern().FindStringSubmatch(bounds.node.text)
	switch {
	case part == nil:
	case part[2] == "" && part[4] == "" && strings.Trim(part[1], "0") == "":
		bounds.refuse("storage", "a range cannot be 0", "write 0-1 for a storage that need not be there")
	case part[3] != "" && strings.Trim(part[3], "0") == "":
		bounds.refuse("storage", "a range cannot end with 0", "")
	}
}

func aSize(s section) (string, string) {
	const size = `^[0-9]{1,15}(\.[0-9]*)?([MGTPEZY](i?B)?)?$`
	const cure = "write 512M, 1G or 1.5T"
	if want, _ := aString(s); want != "" {
		return "a size in a string", cure
	}
	if !matches(size, s.string()) {
		return "a size", cure
	}
	return "", ""
}

func (s section) ruleDevices() {
	for _, device := range s.at("devices").each {
		if !device.fields("device", map[string]shape{"description": aString, "type": aString, "countmin": aCount, "countmax": aCount}) {
			continue
		}
		if device.at("type").node == nil || device.at("type").node.value == "" {
			device.refuse("device", "a device needs a type", "add one, such as type: gpu")
		}
		low, high := int64(1), int64(1)
		if n, ok := device.at("countmin").whole(); ok {
			low = n
		}
		if n, ok := device.at("countmax").whole(); ok {
			high = n
		}
		if low > high && low >= 0 && high >= 0 {
			device.refuse("device", fmt.Sprintf("countmin is %d and countmax %d", low, high), "each is 1 when it is not there")
		}
	}
}

func aCount(s section) (string, string) {
	if n, ok := s.whole(); !ok || n < 0 {
		return "a whole number that is not negative", ""
	}
	return "", ""
}

func (s section) ruleResources() {
	for name, resource := range s.at("resources").each {
		if !resource.fields("resource", map[string]shape{"type": oneOf("file", "oci-image"), "filename": aString, "description": aString}) {
			continue
		}
		if name == "" {
			resource.refuse("resource", "a resource needs a name", "")
		}
		if resource.at("type").node != nil && resource.at("type").string() != "file" {
			continue
		}
		switch filename := resource.at("filename"); {
		case filename.node == nil || filename.node.value == "":
			resource.refuse("resource", "a resource of type file needs a filename", "add one, such as filename: "+name+".tar.gz")
		case strings.Contains(filename.string(), "/"):
			filename.refuse("resource", "a filename cannot have a slash", "the directory is Juju's choice")
		}
	}
}

func (s section) ruleContainers() {
	for _, container := range s.at("containers").each {
		if container.node.null() {
			container.refuse("container", "expected a mapping, not nothing", "write {} for a container without any more")
			continue
		}
		if !container.fields("container", map[string]shape{"resource": aString, "mounts": aList, "uid": aWhole, "gid": aWhole}) {
			continue
		}
		if name := container.at("resource"); name.string() != "" {
			resource := s.at("resources").at(name.string())
			if resource.node == nil {
				name.refuse("container", fmt.Sprintf("there is no resource %q", name.string()), "add it under resources, with type: oci-image")
			} else if resource.at("type").string() != "oci-image" {
				name.refuse("container", fmt.Sprintf("the resource %q is not an image", name.string()), "its type has to be oci-image")
			}
		}
		for _, key := range []string{"uid", "gid"} {
			if id, ok := container.at(key).whole(); ok && id >= 1000 && id <= 9999 {
				container.at(key).refuse("container", "1000 to 9999 are reserved", "choose one below 1000 or from 10000")
			}
		}
		for _, mount := range container.listed("mounts") {
			if !mount.fields("container", map[string]shape{"storage": aString, "location": aString}) {
				continue
			}
			if storage := mount.at("storage"); storage.string() != "" && s.at("storage").at(storage.string()).node == nil {
				storage.refuse("container", fmt.Sprintf("there is no storage %q", storage.string()), "add it under storage")
			}
		}
	}
}
