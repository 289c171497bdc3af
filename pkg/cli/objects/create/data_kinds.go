package create

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/resource"
)

func newConfigMapCmd(f *cmdutil.Factory) *cobra.Command {
	var s sources
	cmd := &cobra.Command{
		Use:     "configmap NAME [--from-literal KEY=VALUE] [--from-file [KEY=]FILE]",
		Aliases: []string{"cm"},
		Short:   "Create a ConfigMap from literals and files",
		Example: "shopctl create configmap colors --from-literal cart=blue\nshopctl create configmap pages --from-file static/",
	}
	s.add(cmd, f)
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		data, err := s.read()
		if err != nil {
			return nil, nil, err
		}
		m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
		for key, value := range data {
			if utf8.Valid(value) {
				if m.Data == nil {
					m.Data = map[string]string{}
				}
				m.Data[key] = string(value)
				continue
			}
			if m.BinaryData == nil {
				m.BinaryData = map[string][]byte{}
			}
			m.BinaryData[key] = value
		}
		return m, s.opened, nil
	})
}

func newSecretCmd(f *cmdutil.Factory) *cobra.Command {
	return cmdutil.Group(&cobra.Command{Use: "secret", Short: "Create a Secret"}, newGenericSecretCmd(f), newTLSSecretCmd(f), newRegistrySecretCmd(f))
}

func newGenericSecretCmd(f *cmdutil.Factory) *cobra.Command {
	var s sources
	kind := ""
	cmd := &cobra.Command{
		Use:     "generic NAME [--from-literal KEY=VALUE] [--from-file [KEY=]FILE]",
		Short:   "Create a Secret from literals and files",
		Example: "shopctl create secret generic token --from-literal password=s3cret",
	}
	s.add(cmd, f)
	cmd.Flags().StringVar(&kind, "type", "", "the `TYPE` of the Secret (default Opaque)")
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		data, err := s.read()
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Type: corev1.SecretType(kind), Data: data}, s.opened, err
	})
}

func newTLSSecretCmd(f *cmdutil.Factory) *cobra.Command {
	s := sources{check: f.CheckFile}
	cert, key := "", ""
	cmd := &cobra.Command{
		Use:     "tls NAME --cert FILE --key FILE",
		Short:   "Create a Secret from a certificate and its key",
		Example: "shopctl create secret tls shop --cert shop.pem --key shop.key",
	}
	cmd.Flags().StringVar(&cert, "cert", "", "`FILE` with the certificate, in PEM")
	cmd.Flags().StringVar(&key, "key", "", "`FILE` with its private key, in PEM")
	cmdutil.Must(cmd.MarkFlagFilename("cert", "pem", "crt"))
	cmdutil.Must(cmd.MarkFlagFilename("key", "pem", "key"))
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		if cert == "" || key == "" {
			return nil, nil, cmdutil.UsageErr("--cert FILE --key FILE", "missing flag: --cert and --key must be specified")
		}
		certPEM, err := s.readFile(cert)
		if err != nil {
			return nil, nil, err
		}
		keyPEM, err := s.readFile(key)
		if err != nil {
			return nil, nil, err
		}
		if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
			return nil, nil, cmdutil.UsageErr("--cert FILE --key FILE", "read %s and %s: %w", cert, key, err)
		}
		data := map[string][]byte{corev1.TLSCertKey: certPEM, corev1.TLSPrivateKeyKey: keyPEM}
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Type: corev1.SecretTypeTLS, Data: data}, s.opened, nil
	})
}

func newRegistrySecretCmd(f *cmdutil.Factory) *cobra.Command {
	s := sources{check: f.CheckFile}
	server, user, password, email := "", "", "", ""
	cmd := &cobra.Command{
		Use:     "docker-registry NAME --docker-username NAME --docker-password PASSWORD",
		Short:   "Create a Secret for a registry of images",
		Long:    "Create a Secret for a registry of images. Images are programs of this machine here, so that nothing reads it.",
		Example: "shopctl create secret docker-registry pull --docker-server ghcr.io --docker-username me --docker-password x",
	}
	cmd.Flags().StringSliceVar(&s.files, "from-file", nil, "`FILE` as docker's config.json, in place of the other flags")
	cmd.Flags().StringVar(&server, "docker-server", "https://index.docker.io/v1/", "`SERVER` of the registry")
	cmd.Flags().StringVar(&user, "docker-username", "", "`NAME` of the user")
	cmd.Flags().StringVar(&password, "docker-password", "", "`PASSWORD` of the user")
	cmd.Flags().StringVar(&email, "docker-email", "", "`ADDRESS` of the user")
	return generator(f, cmd, func(name string) (resource.Object, []string, error) {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Type: corev1.SecretTypeDockerConfigJson}
		if len(s.files) > 0 {
			for i, source := range s.files {
				if !strings.Contains(source, "=") {
					s.files[i] = corev1.DockerConfigJsonKey + "=" + source
				}
			}
			var err error
			secret.Data, err = s.read()
			return secret, s.opened, err
		}
		if user == "" || password == "" || server == "" {
			return nil, nil, cmdutil.UsageErr("--docker-username NAME --docker-password PASSWORD",
				"missing flag: either --from-file or the combination of --docker-username, --docker-password and --docker-server is required")
		}
		entry := map[string]string{"username": user, "password": password, "auth": base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}
		if email != "" {
			entry["email"] = email
		}
		content, err := json.Marshal(map[string]any{"auths": map[string]any{server: entry}})
		if err != nil {
			return nil, nil, fmt.Errorf("encode the registry's entry: %w", err)
		}
		secret.Data = map[string][]byte{corev1.DockerConfigJsonKey: content}
		return secret, nil, nil
	})
}

func newNamespaceCmd(f *cmdutil.Factory) *cobra.Command {
	return generator(f, &cobra.Command{Use: "namespace NAME", Aliases: []string{"ns"}, Short: "Create a Namespace", Example: "shopctl create namespace staging"},
		func(name string) (resource.Object, []string, error) {
			return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil, nil
		})
}

func newServiceAccountCmd(f *cmdutil.Factory) *cobra.Command {
	return generator(f, &cobra.Command{Use: "serviceaccount NAME", Aliases: []string{"sa"}, Short: "Create a ServiceAccount", Example: "shopctl create serviceaccount web"},
		func(name string) (resource.Object, []string, error) {
			return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil, nil
		})
}
