package overlay

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/shopctl/shopctl/pkg/resource/istio"
)

const (
	host       = "paymentservice.production.svc.cluster.local"
	annotation = "shopctl/injected-faults"
)

func unavailable(id string) Fault { return Fault{ID: id, Percent: 100, Code: codes.Unavailable} }

func virtualService(t *testing.T, spec string) *istio.VirtualService {
	t.Helper()
	var vs istio.VirtualService
	if err := json.Unmarshal([]byte(`{"metadata":{"name":"mine","namespace":"production"},"spec":`+spec+`}`), &vs); err != nil {
		t.Fatal(err)
	}
	return &vs
}

// with is the object of a user with faults, its rules as JSON.
func with(t *testing.T, user *istio.VirtualService, faults ...Fault) (Object, string) {
	t.Helper()
	o, err := New(user, metav1.ObjectMeta{Name: "paymentservice", Namespace: "production"}, host, annotation, faults)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(o.Spec.Tree().(map[string]any)["http"])
	if err != nil {
		t.Fatal(err)
	}
	return o, string(text)
}

func TestWithoutAnObjectAFaultIsARuleBeforeTheWayThatCallsTakeAnyway(t *testing.T) {
	f := Fault{ID: "f1", Percent: 50, Delay: 1500 * time.Millisecond, Code: codes.NotFound, Source: map[string]string{"app": "checkoutservice"}}
	o, rules := with(t, nil, f)
	want := `[{"fault":{"abort":{"grpcStatus":"NOT_FOUND","percentage":{"value":50}},"delay":{"fixedDelay":"1.500s","percentage":{"value":50}}},` +
		`"match":[{"sourceLabels":{"app":"checkoutservice"}}],"name":"fault-f1","route":[{"destination":{"host":"` + host + `"}}]},` +
		`{"route":[{"destination":{"host":"` + host + `"}}]}]`
	if d := cmp.Diff(want, rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	if o.Name != "paymentservice" || o.Annotations[annotation] != "f1" || o.Spec.Message().GetHosts()[0] != host {
		t.Errorf("object %+v for %v", o.ObjectMeta, o.Spec.Message().GetHosts())
	}
	if d := cmp.Diff([]string{"fault:f1", "spec.http[0]"}, o.Parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}

func TestTheUsersRulesStayAsTheyWereWrittenBehindTheFault(t *testing.T) {
	const mine = `{"match":[{"uri":{"exact":"/a.B/C"}}],"name":"mine","retries":{"attempts":2,"perTryTimeout":"1.5m"},"route":[{"destination":{"host":"paymentservice","subset":"v2"}}]}`
	const rest = `{"route":[{"destination":{"host":"paymentservice"}}]}`
	user := virtualService(t, `{"hosts":["paymentservice"],"http":[`+mine+`,`+rest+`]}`)
	before, _ := json.Marshal(user)
	o, rules := with(t, user, unavailable("f2"))
	broken := strings.Replace(`{"fault":{"abort":{"grpcStatus":"UNAVAILABLE","percentage":{"value":100}}},`+mine[1:], `"name":"mine"`, `"name":"fault-f2"`, 1)
	other := `{"fault":{"abort":{"grpcStatus":"UNAVAILABLE","percentage":{"value":100}}},"name":"fault-f2",` + rest[1:]
	if d := cmp.Diff("["+broken+","+mine+","+other+","+rest+"]", rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	if after, _ := json.Marshal(user); string(after) != string(before) {
		t.Errorf("the user's object is now %s", after)
	}
	if d := cmp.Diff([]string{"fault:f2", "spec.http[0]", "fault:f2", "spec.http[1]"}, o.Parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
	if o.Name != "mine" {
		t.Errorf("its name is %q", o.Name)
	}
}

func TestAnObjectForSeveralHostsHasACopyForTheOneThatIsBroken(t *testing.T) {
	user := virtualService(t, `{"hosts":["paymentservice","cartservice"],"http":[{"route":[{"destination":{"host":"paymentservice"}}]}]}`)
	o, _ := with(t, user, unavailable("f1"))
	if hosts := o.Spec.Message().GetHosts(); o.Name != "paymentservice" || len(hosts) != 1 || hosts[0] != host {
		t.Errorf("%s holds for %v", o.Name, hosts)
	}
}

func TestTwoFaultsOfTheSameRequestsAreOneRule(t *testing.T) {
	slow := Fault{ID: "f1", Percent: 100, Delay: time.Second}
	_, rules := with(t, nil, slow, unavailable("f2"))
	if n := strings.Count(rules, `"fault"`); n != 1 || !strings.Contains(rules, `"fixedDelay":"1s"`) || !strings.Contains(rules, "UNAVAILABLE") {
		t.Errorf("rules %s", rules)
	}
	some := Fault{ID: "f3", Percent: 100, Delay: time.Second, Headers: map[string]string{"x-user": "alice"}}
	o, _ := with(t, nil, some, unavailable("f4"))
	if d := cmp.Diff([]string{"fault:f3,f4", "fault:f4", "spec.http[0]"}, o.Parts); d != "" {
		t.Errorf("parts (-want +got):\n%s", d)
	}
}

func TestAFaultConcernsWhatFitsTheRuleToo(t *testing.T) {
	alice := Fault{ID: "f1", Percent: 100, Code: codes.Internal, Headers: map[string]string{"x-user": "alice"}}
	from := Fault{ID: "f1", Percent: 100, Code: codes.Internal, Source: map[string]string{"app": "checkoutservice"}, SourceNamespace: "other"}
	path := func(p Path) Fault { return Fault{ID: "f1", Percent: 100, Code: codes.Internal, Path: p} }
	for _, c := range []struct {
		name, match string
		fault       Fault
		// want is the match of the broken rule; empty: there is none.
		want string
	}{
		{"another header", `{"headers":{"x-tier":{"exact":"gold"}}}`, alice, `{"headers":{"x-tier":{"exact":"gold"},"x-user":{"exact":"alice"}}}`},
		{"the same header", `{"headers":{"x-user":{"regex":"al.*"}}}`, alice, `{"headers":{"x-user":{"exact":"alice"}}}`},
		{"the header with another value", `{"headers":{"x-user":{"prefix":"bob"}}}`, alice, ``},
		{"without the header", `{"withoutHeaders":{"x-user":{"exact":"alice"}}}`, alice, ``},
		{"the caller", `{"sourceLabels":{"tier":"gold"}}`, from, `{"sourceLabels":{"app":"checkoutservice","tier":"gold"},"sourceNamespace":"other"}`},
		{"another caller", `{"sourceLabels":{"app":"cartservice"}}`, from, ``},
		{"a caller elsewhere", `{"sourceNamespace":"production"}`, from, ``},
		{"a path", `{"method":{"exact":"POST"}}`, path(Path{Exact: "/a.B/C"}), `{"method":{"exact":"POST"},"uri":{"exact":"/a.B/C"}}`},
		{"a path below", `{"uri":{"prefix":"/a.B/"}}`, path(Path{Exact: "/a.B/C"}), `{"uri":{"exact":"/a.B/C"}}`},
		{"another path", `{"uri":{"exact":"/a.B/D"}}`, path(Path{Exact: "/a.B/C"}), ``},
		{"a path in another case", `{"uri":{"exact":"/A.B/c"},"ignoreUriCase":true}`, path(Path{Exact: "/a.B/C"}), `{"ignoreUriCase":true,"uri":{"exact":"/a.B/C"}}`},
		{"a longer beginning", `{"uri":{"prefix":"/cart"}}`, path(Path{Prefix: "/cart/add"}), `{"uri":{"prefix":"/cart/add"}}`},
		{"a shorter beginning", `{"uri":{"prefix":"/cart/add"}}`, path(Path{Prefix: "/cart"}), `{"uri":{"prefix":"/cart/add"}}`},
		{"another beginning", `{"uri":{"prefix":"/product"}}`, path(Path{Prefix: "/cart"}), ``},
		{"an expression", `{"uri":{"regex":"/p.*"}}`, path(Path{Prefix: "/cart"}), ``},
		{"a method below", `{"uri":{"prefix":"/a.B/"}}`, path(Path{Suffix: "/C"}), `{"uri":{"regex":"/a\\.B.*/C"}}`},
		{"a method exactly", `{"uri":{"exact":"/a.B/C"}}`, path(Path{Suffix: "/C"}), `{"uri":{"exact":"/a.B/C"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			user := virtualService(t, `{"hosts":["paymentservice"],"http":[{"match":[`+c.match+`],"route":[{"destination":{"host":"paymentservice"}}]}]}`)
			_, rules := with(t, user, c.fault)
			var list []struct {
				Name  string
				Match []any
			}
			if err := json.Unmarshal([]byte(rules), &list); err != nil {
				t.Fatal(err)
			}
			got := ""
			if list[0].Name == "fault-f1" {
				text, _ := json.Marshal(list[0].Match[0])
				got = string(text)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("the fault's match (-want +got):\n%s", d)
			}
		})
	}
}

func TestAServiceOfHTTPFailsWithAStatusOfHTTP(t *testing.T) {
	_, rules := with(t, nil, Fault{ID: "f1", Percent: 100, Code: codes.Unavailable, HTTP: true})
	if !strings.Contains(rules, `"httpStatus":503`) {
		t.Errorf("rules %s", rules)
	}
}
