package workload

// Images maps container images to programs that take their place, as images in shopctl.yaml does.
type Images struct {
	// Commands with their arguments by image: "myapp" or "registry/team/myapp:v2". The most exact name wins.
	Commands map[string][]string
	// Dir is the base of the commands' relative paths.
	Dir string
	// Others are maps of other files, asked in their order for what is not in this one.
	Others []Images
	// Err is why the map cannot be read.
	Err error
}
