package rediscart_test

import (
	"strings"
	"testing"

	"github.com/shopctl/shopctl/services/cart/rediscart/rediscarttest"
)

func TestAStoreWithAPasswordServesOnlyAuthenticatedClients(t *testing.T) {
	// What would end an argument, a line or a quoted text must not.
	const password = "it's \"#1\" \\ ü"
	rediscarttest.Each(t, func(t *testing.T, engine string) {
		s := rediscarttest.StartWithPassword(t, engine, password)
		for _, c := range []struct {
			words []string
			want  string
		}{
			{[]string{"PING"}, "(error) NOAUTH Authentication required."},
			{[]string{"SET", "k", "v"}, "(error) NOAUTH Authentication required."},
			{[]string{"MULTI"}, "(error) NOAUTH Authentication required."},
			{[]string{"HELLO"}, "(error) NOAUTH HELLO must be called"},
			{[]string{"NOPE"}, "(error) ERR unknown command"},
			{[]string{"GET"}, "(error) ERR wrong number of arguments"},
			{[]string{"AUTH", "wrong"}, "(error) WRONGPASS invalid username-password pair or user is disabled."},
			{[]string{"AUTH", "somebody", password}, "(error) WRONGPASS invalid username-password pair or user is disabled."},
			{[]string{"HELLO", "2", "AUTH", "default", "wrong"}, "(error) WRONGPASS invalid"},
			{[]string{"AUTH", "default", password, "more"}, "(error) ERR syntax error"},
		} {
			if got := rediscarttest.Connect(t, s.Addr).Do(c.words...); !strings.HasPrefix(got, c.want) {
				t.Errorf("%q: %s, want %s", c.words, got, c.want)
			}
		}
		for _, words := range [][]string{{"AUTH", password}, {"AUTH", "default", password}, {"HELLO", "2", "AUTH", "default", password}} {
			client := rediscarttest.Connect(t, s.Addr)
			client.Do(words...)
			if got := client.Do("PING"); got != "PONG" {
				t.Errorf("after %q: %s", words, got)
			}
			client.Do("RESET")
			if got := client.Do("PING"); !strings.Contains(got, "NOAUTH") {
				t.Errorf("after a reset: %s", got)
			}
		}
		if strings.Contains(s.Logs(), "#1") || !strings.Contains(s.Logs(), `"password":true`) {
			t.Errorf("the log tells more or less than that there is a password:\n%s", s.Logs())
		}
	})
}
