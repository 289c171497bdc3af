package apiserver

import (
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/rest"
	kubeapiserver "k8s.io/kubernetes/cmd/kube-apiserver/app/testing"
)

// startServer starts etcd and kube-apiserver in this process, on free ports of 127.0.0.1, until the test ends.
func startServer(t *testing.T) *rest.Config {
	t.Helper()
	findFixtures(t)
	storage := storagebackend.NewDefaultConfig("registry", nil)
	storage.Transport.ServerList = []string{startEtcd(t)}
	server := kubeapiserver.StartTestServerOrDie(t, nil, []string{"--allow-privileged"}, storage)
	t.Cleanup(server.TearDownFn)
	config := rest.CopyConfig(server.ClientConfig)
	config.QPS, config.Burst = -1, -1
	return config
}

// findFixtures sets where the server finds its certificates: with -trimpath, it does not know its own directory.
func findFixtures(t *testing.T) {
	t.Helper()
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		return
	}
	modules, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_SRCDIR", strings.TrimSpace(string(modules)))
	t.Setenv("TEST_WORKSPACE", ".")
}

// startEtcd starts etcd and returns its address.
func startEtcd(t *testing.T) string {
	t.Helper()
	config := embed.NewConfig()
	config.Dir = t.TempDir()
	config.LogLevel = "fatal"
	config.UnsafeNoFsync = true
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config.ListenClientUrls, config.ListenPeerUrls = anyPort, anyPort
	server, err := embed.StartEtcd(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		t.Fatal("etcd is not ready after a minute")
	}
	return "http://" + server.Clients[0].Addr().String()
}
