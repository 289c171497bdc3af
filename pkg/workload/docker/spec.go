package docker

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopctl/shopctl/pkg/chassis/lifeline"
	"github.com/shopctl/shopctl/pkg/engine"
	"github.com/shopctl/shopctl/pkg/workload/podspec"
)

// everywhere is where built-in services listen: at every address of their pod.
const everywhere = "0.0.0.0"

// defaultPort is where a built-in service listens that declares no port.
const defaultPort = 8080

// engineSpec is what the engine makes of a container.
func (c *container) engineSpec() (engine.Spec, error) {
	p := c.pod
	port := portOf(&c.spec, c.prog)
	if port == 0 {
		port = defaultPort
	}
	mounts, err := p.mounts(&c.spec, c.prog.builtin)
	if err != nil {
		return engine.Spec{}, err
	}
	fill := func(text string) string {
		text = p.place(c.box).Fill(podspec.FillPort(text, strconv.Itoa(port)))
		return podspec.FillSiblings(text, func(string) string { return "" })
	}
	values := map[string]string{}
	var env []string
	for _, kv := range c.spec.Env {
		name, value, _ := strings.Cut(kv, "=")
		values[name] = fill(value)
		env = append(env, name+"="+values[name])
	}
	words := func(all []string) []string {
		var out []string
		for _, w := range all {
			out = append(out, fill(podspec.Expand(w, values)))
		}
		return out
	}
	s := engine.Spec{
		Name: p.name(c.spec.Name), Image: c.prog.image, Labels: p.d.labels(&p.spec, c.spec.Name), Join: c.box.run.ID,
		Memory: c.spec.MemoryLimit(), NanoCPUs: c.spec.Resources.Limits.Cpu().MilliValue() * 1e6,
		WorkingDir: c.spec.WorkingDir, Mounts: mounts,
	}
	if c.prog.builtin == "" {
		s.Entrypoint, s.Command = words(c.spec.Command), words(c.spec.Args)
		s.Env = slices.Concat(p.d.otel(), c.spec.Links, c.identity(), env)
		if declared := portOf(&c.spec, c.prog); declared != 0 {
			s.Env = append(s.Env, "PORT="+strconv.Itoa(declared))
		}
		return s, nil
	}
	if s.Mounts, err = p.data(&c.spec, c.prog.builtin, mounts); err != nil {
		return engine.Spec{}, err
	}
	s.Command, s.Hardened, s.User, s.WorkingDir = []string{"service", "run", c.prog.builtin}, true, p.d.user(), ""
	base := podspec.ServiceRuntime()
	if c.spec.Mesh {
		s.Command, base = []string{"sidecar", "run"}, podspec.SidecarRuntime()
	}
	s.Env = slices.Concat(base, c.spec.GoMemoryLimit(), p.d.c.Environ, env, c.identity(), []string{
		"PORT=" + strconv.Itoa(port), "METRICS_PORT=0", "LISTEN_HOST=" + everywhere, "KUBERNETES_SERVICE_HOST=",
		"DATA_DIR=" + c.dataDir(s.Mounts), lifeline.Env + "=0,2",
	})
	return s, nil
}

// otel are the variables by which a foreign program's SDK finds where to send spans.
func (d *Driver) otel() []string {
	return slices.DeleteFunc(slices.Clone(d.c.Environ), func(kv string) bool { return !strings.HasPrefix(kv, "OTEL_") })
}

// identity says to a container what it is.
func (c *container) identity() []string {
	spec := &c.pod.spec
	return []string{
		"POD_NAME=" + spec.Name, "POD_NAMESPACE=" + spec.Namespace, "IMAGE_TAG=" + podspec.ImageTag(c.spec.Image),
		"SERVICE_VERSION=" + spec.VersionOf(&c.spec), "OTEL_SERVICE_NAME=" + spec.ServiceNameOf(&c.spec),
	}
}

// dataDir is where a built-in service keeps its data; empty: nowhere.
func (c *container) dataDir(mounts []engine.Mount) string {
	path := c.spec.DataPath()
	if slices.ContainsFunc(mounts, func(m engine.Mount) bool { return path == m.Target || strings.HasPrefix(path, m.Target+"/") }) {
		return path
	}
	return ""
}

// user runs built-in services: the daemon's own, to whom the directories of volumes belong, and never root of this machine. Empty:
// that of our image.
func (d *Driver) user() string {
	switch {
	case d.c.About.Rootless:
		return "0:0" // is the user of the engine
	case d.c.UID == 0:
		return ""
	}
	return strconv.Itoa(d.c.UID) + ":" + strconv.Itoa(d.c.GID)
}
