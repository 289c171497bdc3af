package admission

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// maxFileMode is the most that the mode of a file may be: 0777.
	maxFileMode = 0o777
	// maxDirMode is the most that the mode of an emptyDir may be, which has a sticky bit.
	maxDirMode = 0o1777
	// The limits of how long the token of a service account is valid, in seconds.
	minTokenSeconds = 10 * 60
	maxTokenSeconds = 1 << 32
)

// volumes checks the volumes of a pod and returns them by name.
func (c *Issues) volumes(path string, volumes []corev1.Volume) map[string]*corev1.Volume {
	names := map[string]*corev1.Volume{}
	for i := range volumes {
		v, at := &volumes[i], Item(path, i)
		switch {
		case c.Required(at+".name", v.Name):
		case names[v.Name] != nil:
			c.Add(at+".name", "%q is the name of another volume", v.Name)
		default:
			c.Rule(at+".name", v.Name, validation.IsDNS1123Label(v.Name))
		}
		names[v.Name] = v
		if n := given(v.VolumeSource); n != 1 {
			c.Add(at, "must have exactly one source; it has %d", n)
		}
		c.volume(at, &v.VolumeSource)
	}
	return names
}

func (c *Issues) volume(at string, v *corev1.VolumeSource) {
	switch {
	case v.EmptyDir != nil:
		if size := v.EmptyDir.SizeLimit; size != nil && size.Sign() < 0 {
			c.Add(at+".emptyDir.sizeLimit", "%s is negative", size.String())
		}
		if mode := v.EmptyDir.Mode; mode != nil {
			c.mode(at+".emptyDir.mode", mode, maxDirMode)
		}
	case v.ConfigMap != nil:
		c.Required(at+".configMap.name", v.ConfigMap.Name)
		c.files(at+".configMap", v.ConfigMap.DefaultMode, v.ConfigMap.Items)
	case v.Secret != nil:
		c.Required(at+".secret.secretName", v.Secret.SecretName)
		c.files(at+".secret", v.Secret.DefaultMode, v.Secret.Items)
	case v.DownwardAPI != nil:
		c.mode(at+".downwardAPI.defaultMode", v.DownwardAPI.DefaultMode, maxFileMode)
		c.downwardFiles(at+".downwardAPI", v.DownwardAPI.Items)
	case v.Projected != nil:
		c.projected(at+".projected", v.Projected)
	case v.Ephemeral != nil:
		c.claimTemplate(at+".ephemeral", v.Ephemeral)
	default:
		c.foreignVolume(at, v)
		c.requiredOf(at, v)
	}
}

// foreignVolume checks the kinds of volumes that exist on a cluster only.
func (c *Issues) foreignVolume(at string, v *corev1.VolumeSource) {
	switch {
	case v.HostPath != nil:
		if !c.Required(at+".hostPath.path", v.HostPath.Path) {
			c.noSteps(at+".hostPath.path", v.HostPath.Path)
		}
		if v.HostPath.Type != nil {
			OneOf(c, at+".hostPath.type", *v.HostPath.Type, corev1.HostPathUnset, corev1.HostPathDirectoryOrCreate, corev1.HostPathDirectory,
				corev1.HostPathFileOrCreate, corev1.HostPathFile, corev1.HostPathSocket, corev1.HostPathCharDev, corev1.HostPathBlockDev)
		}
	case v.PersistentVolumeClaim != nil:
		c.Required(at+".persistentVolumeClaim.claimName", v.PersistentVolumeClaim.ClaimName)
	case v.NFS != nil:
		c.Required(at+".nfs.server", v.NFS.Server)
		if !c.Required(at+".nfs.path", v.NFS.Path) && !path.IsAbs(v.NFS.Path) {
			c.Add(at+".nfs.path", "%q is not an absolute path", v.NFS.Path)
		}
	case v.CSI != nil:
		if !c.Required(at+".csi.driver", v.CSI.Driver) {
			c.Rule(at+".csi.driver", v.CSI.Driver, validation.IsDNS1123Subdomain(strings.ToLower(v.CSI.Driver)))
		}
		if ref := v.CSI.NodePublishSecretRef; ref != nil {
			c.Required(at+".csi.nodePublishSecretRef.name", ref.Name)
		}
	case v.GitRepo != nil:
		c.within(at+".gitRepo.directory", v.GitRepo.Directory)
	case v.FC != nil && (len(v.FC.TargetWWNs) == 0) == (len(v.FC.WWIDs) == 0):
		c.Add(at+".fc.targetWWNs", "is missing; either it or wwids is needed, and not both")
	}
}

// requiredOf checks that a volume of a kind that exists on a cluster only has what its kind needs.
func (c *Issues) requiredOf(at string, v *corev1.VolumeSource) {
	tree, err := treeOf(v)
	if err != nil {
		return
	}
	for kind, fields := range map[string][]string{
		"awsElasticBlockStore": {"volumeID"},
		"azureDisk":            {"diskName", "diskURI"},
		"azureFile":            {"secretName", "shareName"},
		"cephfs":               {"monitors"},
		"cinder":               {"volumeID"},
		"flexVolume":           {"driver"},
		"gcePersistentDisk":    {"pdName"},
		"gitRepo":              {"repository"},
		"glusterfs":            {"endpoints", "path"},
		"image":                {"reference"},
		"iscsi":                {"targetPortal", "iqn"},
		"photonPersistentDisk": {"pdID"},
		"portworxVolume":       {"volumeID"},
		"quobyte":              {"registry", "volume"},
		"rbd":                  {"monitors", "image"},
		"scaleIO":              {"gateway", "system", "volumeName"},
		"storageos":            {"volumeName"},
		"vsphereVolume":        {"volumePath"},
	} {
		volume, found := tree[kind].(map[string]any)
		for _, f := range fields {
			if found && (volume[f] == nil || volume[f] == "") {
				c.Add(at+"."+kind+"."+f, "is missing")
			}
		}
	}
}

// files checks which keys of an object become which files.
func (c *Issues) files(at string, mode *int32, items []corev1.KeyToPath) {
	c.mode(at+".defaultMode", mode, maxFileMode)
	for i, item := range items {
		it := Item(at+".items", i)
		c.Required(it+".key", item.Key)
		c.filePath(it+".path", item.Path)
		c.mode(it+".mode", item.Mode, maxFileMode)
	}
}

func (c *Issues) downwardFiles(at string, items []corev1.DownwardAPIVolumeFile) {
	for i, item := range items {
		it := Item(at+".items", i)
		c.filePath(it+".path", item.Path)
		c.mode(it+".mode", item.Mode, maxFileMode)
		switch {
		case item.FieldRef != nil && item.ResourceFieldRef != nil:
			c.Add(it, "cannot have both fieldRef and resourceFieldRef")
		case item.FieldRef != nil:
			c.fieldRef(it+".fieldRef", item.FieldRef, "a file", []string{
				"metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations", "metadata.uid",
			})
		case item.ResourceFieldRef != nil:
			if !c.Required(it+".resourceFieldRef.containerName", item.ResourceFieldRef.ContainerName) {
				c.resourceRef(it+".resourceFieldRef", item.ResourceFieldRef)
			}
		default:
			c.Add(it, "must have one of fieldRef, resourceFieldRef")
		}
	}
}

func (c *Issues) projected(at string, v *corev1.ProjectedVolumeSource) {
	c.mode(at+".defaultMode", v.DefaultMode, maxFileMode)
	var paths []string
	for i, s := range v.Sources {
		it := Item(at+".sources", i)
		if n := given(s); n > 1 {
			c.Add(it, "must have only one of configMap, secret, downwardAPI, serviceAccountToken; it has %d", n)
		}
		if s.ConfigMap != nil {
			c.Required(it+".configMap.name", s.ConfigMap.Name)
			c.files(it+".configMap", nil, s.ConfigMap.Items)
			paths = append(paths, pathsOf(s.ConfigMap.Items)...)
		}
		if s.Secret != nil {
			c.Required(it+".secret.name", s.Secret.Name)
			c.files(it+".secret", nil, s.Secret.Items)
			paths = append(paths, pathsOf(s.Secret.Items)...)
		}
		if s.DownwardAPI != nil {
			c.downwardFiles(it+".downwardAPI", s.DownwardAPI.Items)
			for _, item := range s.DownwardAPI.Items {
				paths = append(paths, item.Path)
			}
		}
		if bundle := s.ClusterTrustBundle; bundle != nil && (bundle.Name == nil) == (bundle.SignerName == nil) {
			c.Add(it+".clusterTrustBundle", "must have exactly one of name, signerName")
		}
		if token := s.ServiceAccountToken; token != nil {
			if token.ExpirationSeconds != nil {
				c.Between(it+".serviceAccountToken.expirationSeconds", *token.ExpirationSeconds, minTokenSeconds, maxTokenSeconds)
			}
			c.filePath(it+".serviceAccountToken.path", token.Path)
			paths = append(paths, token.Path)
		}
	}
	slices.Sort(paths)
	for i, p := range paths {
		if i > 0 && p != "" && p == paths[i-1] {
			c.Add(at, "two of its files have the path %q", p)
		}
	}
}

func pathsOf(items []corev1.KeyToPath) []string {
	var paths []string
	for _, item := range items {
		paths = append(paths, item.Path)
	}
	return paths
}

// mode checks the mode of a file. One that is written in decimal by mistake is usually out of range.
func (c *Issues) mode(at string, mode *int32, most int32) {
	if mode != nil && (*mode < 0 || *mode > most) {
		c.Add(at, "%d is not a mode between 0 and 0%o (octal); in YAML a mode begins with 0, as in 0644", *mode, most)
	}
}

// filePath checks the path of a file within a volume.
func (c *Issues) filePath(at, p string) {
	if c.Required(at, p) {
		return
	}
	before := len(*c)
	c.within(at, p)
	if len(*c) == before && strings.HasPrefix(p, "..") {
		c.Add(at, "%q begins with .., which is reserved", p)
	}
}

// within checks that a path leads to something below where it is used.
func (c *Issues) within(at, p string) {
	if path.IsAbs(p) {
		c.Add(at, "%q is not a relative path", p)
		return
	}
	c.noSteps(at, p)
}

func (c *Issues) noSteps(at, p string) {
	if slices.Contains(strings.Split(p, "/"), "..") {
		c.Add(at, "%q has the element .., which leads out of the directory", p)
	}
}
