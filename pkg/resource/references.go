package resource

// warnings is about the objects that were put, as they stand among the others.
func (tx *transaction) warnings() Problems { return nil }
