package store

import (
	"context"

	"github.com/shopctl/shopctl/pkg/resource"
)

// Origins of objects, for tests.
const (
	OriginDefault = originDefault
	OriginUser    = originUser
)

// Origin is whose an object is; "" if there is no such object.
func (s *Store) Origin(key resource.Key) origin {
	if e, ok := s.current.Load().objects[key]; ok {
		return e.origin
	}
	return ""
}

// Get returns a copy of an object.
func (s *Store) Get(key resource.Key) (resource.Object, error) { return s.Snapshot().Get(key) }

// Update changes one object in place, for tests.
func (s *Store) Update(key resource.Key, change func(resource.Object) error) (Change, error) {
	changes, err := s.EditObjects(context.Background(), []resource.Key{key}, false, change)
	if err != nil {
		return Change{}, err
	}
	return changes[0], nil
}
