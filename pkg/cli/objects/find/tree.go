package find

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/shopctl/shopctl/pkg/resource"
)

// Tree is an object as JSON values, with numbers as they are written.
func Tree(object resource.Object) (any, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", object.GetName(), err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode %s: %w", object.GetName(), err)
	}
	return tree, nil
}
