package shipping

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// A tracking id such as "UT-44031-220429634" has the form of the contract: two letters, the length of the address
// in bytes and three digits, half that length and seven digits. The ten digits are the millisecond in which the
// label was printed, and the second letter is a checksum of all the rest.
//
// So a parcel's history depends only on its id. All replicas return the same history, even one that has just started,
// and kill -9 loses nothing, because there is no state to lose or to share. The price: after cycle the digits repeat,
// and an id older than that is mistaken for a newer one.
const (
	// cycle is how many milliseconds ten digits count: some 115 days.
	cycle = 10_000_000_000
	// ahead is how far the clock of another replica may be ahead of this one's.
	ahead = int64(time.Minute / time.Millisecond)
)

// issuer issues tracking ids. It is safe for concurrent use.
type issuer struct {
	now    func() time.Time
	random func(n int) int // a number from 0 to n-1, safe for concurrent use
	last   atomic.Int64    // the millisecond of the newest id
}

// next returns the id of a parcel to address. No two ids of one issuer have the same millisecond.
func (i *issuer) next(address string) string {
	for {
		last := i.last.Load()
		ms := max(i.now().UnixMilli(), last+1)
		if i.last.CompareAndSwap(last, ms) {
			return trackingID('A'+byte(i.random('Z'-'A'+1)), len(address), ms)
		}
	}
}

func trackingID(letter byte, length int, ms int64) string {
	digits := strconv.FormatInt(cycle+ms%cycle, 10)[1:] // with its leading zeros
	rest := "-" + strconv.Itoa(length) + digits[:3] + "-" + strconv.Itoa(length/2) + digits[3:]
	return string(letter) + string(checkLetter(letter, rest)) + rest
}

// checkLetter differs for two ids that differ in one character, or in two adjacent
// digits that are swapped: 3 has an inverse modulo 26, and 2 times no difference of two digits is a multiple of it.
func checkLetter(letter byte, rest string) byte {
	sum := int(letter)
	for _, c := range []byte(rest) {
		sum = (sum*3 + int(c)) % 26
	}
	return 'A' + byte(sum)
}

// labeled returns when the label with this id was printed, as of now; ok is false for an id that was never issued.
func labeled(id string, now time.Time) (at time.Time, ok bool) {
	parts := strings.Split(id, "-")
	if len(parts) != 3 || len(parts[0]) != 2 || !isLetter(parts[0][0]) {
		return time.Time{}, false
	}
	length, thousands, ok := cutDigits(parts[1], 3)
	half, rest, ok2 := cutDigits(parts[2], 7)
	if !ok || !ok2 || half != length/2 || parts[0][1] != checkLetter(id[0], id[2:]) {
		return time.Time{}, false
	}
	printed := int64(thousands)*10_000_000 + int64(rest)
	age := ((now.UnixMilli()-printed)%cycle + cycle) % cycle
	if age > cycle-ahead {
		age -= cycle
	}
	return time.UnixMilli(now.UnixMilli() - age).UTC(), true
}

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' }

// cutDigits splits off a number that is followed by exactly count more digits.
func cutDigits(text string, count int) (number, digits int, ok bool) {
	cut := len(text) - count
	if cut < 1 {
		return 0, 0, false
	}
	for _, c := range []byte(text[cut:]) {
		if c < '0' || c > '9' {
			return 0, 0, false
		}
		digits = digits*10 + int(c-'0')
	}
	number, err := strconv.Atoi(text[:cut])
	return number, digits, err == nil && strconv.Itoa(number) == text[:cut] && number >= 0
}
