package model

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Storage is one instance of a storage.
type Storage struct {
	Name  string // as in the metadata
	Index int
}

// ID returns what hook tools call the instance: "data/0".
func (s Storage) ID() string { return s.Name + "/" + strconv.Itoa(s.Index) }

func (m *Model) storage(name string) error {
	if _, ok := m.cfg.Metadata.Storages[name]; !ok {
		return m.unknown("storage", name, maps.Keys(m.cfg.Metadata.Storages))
	}
	return nil
}

// Storages returns the attached instances of a storage, lowest index first.
func (m *Model) Storages(name string) ([]Storage, error) {
	if err := m.storage(name); err != nil {
		return nil, err
	}
	if list, ok := m.storages[name]; ok {
		return slices.Clone(list), nil
	}
	answer, err := m.run("storage-list", nil, "--format=json", name)
	if err != nil {
		return nil, err
	}
	ids, err := decode[[]string]("storage-list", answer)
	if err != nil {
		return nil, err
	}
	list := []Storage{}
	for _, id := range ids {
		found, index, ok := splitStorageID(id)
		if !ok || found != name {
			return nil, nonsense("storage-list", fmt.Errorf("%q is not an instance of %s", shorten(id), name))
		}
		list = append(list, Storage{name, index})
	}
	slices.SortFunc(list, func(a, b Storage) int { return cmp.Compare(a.Index, b.Index) })
	m.storages[name] = list
	return slices.Clone(list), nil
}

// StorageLocation returns where an instance is: the path of a folder or of a
// block device.
func (m *Model) StorageLocation(name string, index int) (string, error) {
	if err := m.storage(name); err != nil {
		return "", err
	}
	c := m.cfg.Context
	if c.StorageName == name && c.StorageIndex == index && c.StorageLocation != "" {
		return c.StorageLocation, nil
	}
	s := Storage{name, index}
	if location, ok := m.locations[s]; ok {
		return location, nil
	}
	answer, err := m.run("storage-get", nil, "--format=json", "-s", s.ID())
	if err != nil {
		return "", err
	}
	found, err := decode[struct {
		Location string `json:"location"`
	}]("storage-get", answer)
	if err == nil && found.Location == "" {
		err = nonsense("storage-get", errors.New("there is no location in it"))
	}
	if err != nil {
		return "", err
	}
	m.locations[s] = found.Location
	return found.Location, nil
}

// RequestStorage asks for more instances of a storage; they are attached after
// the hook has succeeded.
func (m *Model) RequestStorage(name string, count int) error {
	if err := m.storage(name); err != nil {
		return err
	}
	if count < 1 {
		return usage("cannot request %d instances of the storage %q", count, name)
	}
	_, err := m.run("storage-add", nil, fmt.Sprintf("%s=%d", name, count))
	return err
}
