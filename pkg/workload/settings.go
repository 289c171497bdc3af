package workload

// refresh adopts what ConfigMaps and Secrets hold now. Running containers keep the environment that they were started
// with; mounted files are replaced under them.
func (c *Controller) refresh(d *deployment, old *revision) {
	switch {
	case d.rev.err != nil && (old.err == nil || old.err.Error() != d.rev.err.Error()):
		c.event(true, "FailedCreate", d.key, "", d.rev.err.Error())
	case d.rev.err == nil && old.err != nil:
		d.changed, d.late = c.cfg.Now(), false
	}
	for _, p := range d.pods {
		if p.runs() && d.rev.err == nil {
			c.remount(p, d.rev)
		}
	}
}

// remount replaces the files that a running pod has mounted by those of rev, as a kubelet does.
func (c *Controller) remount(p *pod, rev *revision) {
	if p.handle == nil || p.mounted == rev {
		return
	}
	p.mounted = rev
	if err := p.handle.Update(rev.template.FillVolumes(p.name, c.addressesFor(p))); err != nil {
		c.cfg.Log.Warn("update volumes", "instance", p.name, "error", err)
	}
}
