package control

import "testing"

func TestLogRecordsShowTheFieldsThatHaveNoColumn(t *testing.T) {
	for raw, want := range map[string]string{
		`{"time":"x","level":"info","msg":"m","code":"OK","n":3,"text":"two words","o":{"a": 1}}`: `code=OK n=3 text="two words" o={"a":1}`,
		`{"timestamp":"x","severity":"warn","message":"m","service":"s","amount":"10 USD"}`:       `amount="10 USD"`,
		`no JSON`:       "",
		`{"broken":`:    "",
		`{"a":1`:        "a=1",
		`["no object"]`: "",
	} {
		if got := LogFields(raw); got != want {
			t.Errorf("fields of %s are %q, want %q", raw, got, want)
		}
	}
}
