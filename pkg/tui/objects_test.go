package tui

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/lesson/probe"
	"github.com/shopctl/shopctl/pkg/resource"
	"github.com/shopctl/shopctl/pkg/tui/feed"
	"github.com/shopctl/shopctl/pkg/tui/tuitest"
)

// objects is a screen with the list of objects in focus.
func objects(t testing.TB, c Config) *screen {
	s := dash(t, c, tuitest.Status())
	s.press("o")
	s.fetch()
	return s
}

// fetch delivers the result of the screen's query, from its shop.
func (s *screen) fetch() {
	s.t.Helper()
	s.commands.Feed().Poll(s.t.Context(), s.shop)
	s.send(s.commands.Feed().Take())
}

func TestObjectsAreListedAndFiltered(t *testing.T) {
	s := objects(t, Config{})
	s.wantText("[o Objects]", "KIND", "Deployment", "cartservice", "1/2 ready", "60m", "7070/TCP", "production")
	s.press("/")
	s.typing("dep pay")
	s.press("enter")
	s.wantText("paymentservice")
	s.wantNoText("cartservice", "ConfigMap")
	s.press("/")
	s.typing("x")
	s.wantText("nothing matches dep payx")
	s.press("esc", "G")
	s.wantText("▸ Namespace")
}

func TestAnObjectIsShownAsAManifestWithItsCommand(t *testing.T) {
	s := objects(t, Config{})
	s.press("/")
	s.typing("deployment cart")
	s.press("enter", "enter")
	s.wantText("o Objects deployment/cartservice", "$ shopctl get deployment cartservice -o yaml", "loading the object")
	s.fetch()
	s.wantText("apiVersion: apps/v1", "replicas: 2")
	s.press("ctrl+d", "G", "g")
	_, cmd := s.Update(keyOf("Y"))
	if cmd == nil {
		t.Error("Y copies nothing")
	}
	s.wantText("copied: shopctl get deployment cartservice -o yaml")
	s.press("esc")
	s.wantText("KIND")
}

func TestValuesOfSecretsAreHidden(t *testing.T) {
	s := objects(t, Config{})
	s.press("/")
	s.typing("secret")
	s.press("enter", "enter")
	s.fetch()
	s.wantText("values are hidden here", "*** (7 bytes)")
	s.wantNoText("aHVudGVyMg", "hunter2")
}

func TestAMissingObjectIsReported(t *testing.T) {
	s := objects(t, Config{})
	s.objects.Open(resource.Key{Kind: "deploy", Name: "none"}, "")
	if got := s.objects.About(); got != "deployment/none" {
		t.Errorf("open is %s", got)
	}
	s.see(feed.Result{Failure: `deployment "none" does not exist`})
	s.press("j")
	s.wantText(`deployment "none" does not exist`)
}

func TestAnObjectThatDecidedIsOpenedAtItsField(t *testing.T) {
	s := openedAt(t, probe.Evidence{Kind: probe.ObjectEvidence, Object: "Deployment", Name: "cartservice", Field: "spec.template.spec.containers[name=server].image"})
	s.wantPane(paneObjects)
	s.fetch()
	s.size(80, 24)
	s.wantText("▸           image: shopctl/x:v1")
	s.wantBack()
	s.press("o")
	if s.objects.IsOpen() {
		t.Error("the object stays open")
	}
}
