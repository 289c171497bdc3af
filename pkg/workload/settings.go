package workload

import (
	"path/filepath"
	"slices"
)

// refresh takes over what ConfigMaps and Secrets hold now. Who runs keeps the environment that it was started
// with; mounted files are replaced under it.
func (c *Controller) refresh(d *deployment, old *revision) {
	switch {
	case d.rev.err != nil && (old.err == nil || old.err.Error() != d.rev.err.Error()):
		c.event(true, "FailedCreate", d.key, "", d.rev.err.Error())
	case d.rev.err == nil && old.err != nil:
		d.changed, d.late = c.cfg.Now(), false
	}
	for _, p := range d.pods {
		if p.phase == running && d.rev.err == nil {
			c.remount(p, d.rev)
		}
	}
}

// volumeDir is where a pod's volumes lie; empty if it can have none.
func (c *Controller) volumeDir(p *pod) string {
	if c.cfg.VolumeDir == "" {
		return ""
	}
	return filepath.Join(c.cfg.VolumeDir, p.name)
}

// remount replaces the files that a running pod has mounted by those of rev, as a kubelet does. One that was
// mounted by subPath stays as it is, there and here.
func (c *Controller) remount(p *pod, rev *revision) {
	dir := c.volumeDir(p)
	if dir == "" || p.mounted == rev {
		return
	}
	p.mounted = rev
	fresh := slices.DeleteFunc(slices.Clone(rev.volumes), func(v volume) bool { return v.single })
	if err := materialise(dir, fresh, p.name); err != nil {
		c.cfg.Log.Warn("update volumes", "instance", p.name, "error", err)
	}
}
