package admission

// containerInert are fields of a container.
func containerInert() []Inert {
	const terminal = "has no effect here; a container reads nothing, and its output goes to its log"
	fields := []Inert{
		{Field: "lifecycle", Message: "hooks are not supported"},
		{Field: "securityContext", Message: NoEffect},
		{Field: "stdin", Message: terminal, Silent: []any{false}},
		{Field: "stdinOnce", Message: terminal, Silent: []any{false}},
		{Field: "tty", Message: terminal, Silent: []any{false}},
		{Field: "ports[].hostPort", Message: "has no effect here; a free port of this machine is chosen, as describe shows"},
		{Field: "ports[].hostIP", Message: "has no effect here; instances listen on 127.0.0.1"},
		{Field: "resources.limits[cpu]", Message: "is not enforced here; a container may use every processor of this machine"},
		{Field: "resources.limits[*]", Message: "is not a resource that this machine hands out", Silent: []any{"cpu", "memory"}},
		{Field: "resources.claims", Message: NoEffect},
		{Field: "resizePolicy", Message: "has no effect here; a container with other resources is a new one"},
		{Field: "restartPolicyRules", Message: "have no effect here; a container that ends is started again"},
		{Field: "env[].valueFrom.fileKeyRef", Message: "is not supported; the container cannot start"},
		{Field: "volumeDevices", Message: "have no effect here; there are no block devices"},
		{
			Field: "terminationMessagePath", Message: "is not read here; what a container wrote last is in its log",
			Silent: []any{defaultTerminationPath},
		},
		{Field: "terminationMessagePolicy", Message: "has no effect here; what a container wrote last is in its log", Silent: []any{"File", "FallbackToLogsOnError"}},
	}
	return append(fields, mountInert()...)
}

func mountInert() []Inert {
	return []Inert{
		{Field: "volumeMounts[].readOnly", Message: "is not enforced here; a container can write to its volumes", Silent: []any{false}},
		{Field: "volumeMounts[].recursiveReadOnly", Message: "is not enforced here", Silent: []any{"Disabled"}},
		{Field: "volumeMounts[].mountPropagation", Message: NoEffect, Silent: []any{"None"}},
		{Field: "volumeMounts[].bindMountOptions", Message: "are not enforced here"},
		{Field: "volumeMounts[].subPathExpr", Message: "is not supported, and the whole volume is mounted; write subPath"},
	}
}

// probeInert are fields of a probe.
func probeInert() []Inert {
	const ours = "has no effect here; the instance itself is probed"
	return []Inert{
		{Field: "httpGet.host", Message: ours},
		{Field: "tcpSocket.host", Message: ours},
		{Field: "httpGet.protocol", Message: "has no effect here; probes use HTTP/1.1", Silent: []any{"HTTP1"}},
		{Field: "grpc.mode", Message: "has no effect here; probes use no TLS", Silent: []any{"Plaintext"}},
	}
}

// ClaimInert are the fields of a claim; path is that of its spec.
func ClaimInert(path string) []Inert {
	fields := []Inert{{Field: "resources.limits", Message: "are not enforced here"}}
	for _, name := range []string{"volumeName", "selector", "dataSource", "dataSourceRef", "volumeAttributesClassName", "storageClassName"} {
		fields = append(fields, Inert{
			Field: name, Message: "has no effect here, where every claim is an empty directory of this machine at first", Silent: []any{""},
		})
	}
	return below(path, fields)
}

// volumeInert are fields of the volumes of a pod.
func volumeInert() []Inert {
	const mode = "has no effect here; you alone can read the files"
	fields := []Inert{
		{Field: "volumes[].emptyDir.medium", Message: "has no effect here; the directory is on disk"},
		{Field: "volumes[].emptyDir.sizeLimit", Message: "is not enforced here"},
		{Field: "volumes[].emptyDir.mode", Message: mode},
		{Field: "volumes[].persistentVolumeClaim.readOnly", Message: "is not enforced here; a container can write to its volumes", Silent: []any{false}},
		{Field: "volumes[].projected.sources[].serviceAccountToken", Message: "is not supported; there is no token to mount"},
		{Field: "volumes[].projected.sources[].clusterTrustBundle", Message: "is not supported; there are no bundles to mount"},
		{Field: "volumes[].projected.sources[].podCertificate", Message: "is not supported; there are no certificates to mount"},
		{Field: "volumes[].downwardAPI.items[].resourceFieldRef", Message: "is not supported; the container cannot start"},
		{Field: "volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef", Message: "is not supported; the container cannot start"},
	}
	for _, kind := range []string{"configMap", "secret", "downwardAPI", "projected"} {
		fields = append(fields,
			Inert{Field: "volumes[]." + kind + ".defaultMode", Message: mode, Silent: []any{float64(defaultVolumeMode)}},
			Inert{Field: "volumes[]." + kind + ".defaultUser", Message: mode})
	}
	for _, items := range []string{
		"configMap", "secret", "downwardAPI", "projected.sources[].configMap", "projected.sources[].secret", "projected.sources[].downwardAPI",
	} {
		fields = append(fields,
			Inert{Field: "volumes[]." + items + ".items[].mode", Message: mode},
			Inert{Field: "volumes[]." + items + ".items[].user", Message: mode})
	}
	const claim = "volumes[].ephemeral.volumeClaimTemplate.spec"
	fields = append(fields, Inert{
		Field: claim + ".volumeMode", Message: "there are no block devices here; the volume is a directory", Silent: []any{"Filesystem"},
	})
	return append(fields, ClaimInert(claim)...)
}
