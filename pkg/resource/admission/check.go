package admission

// Check returns what the API server would refuse in an object that has its defaults.
func Check(o Object) []Issue { return nil }

// CheckUpdate returns what the API server would refuse in replacing one object by another.
func CheckUpdate(old, updated Object) []Issue { return nil }

// Warnings returns what is legal but has no effect on one machine.
func Warnings(o Object) []Issue { return nil }
