package shipping

import "strconv"

// trackingID makes an id such as "UT-44031-220429634": two letters, the length of the address in bytes
// and three digits, half that length and seven digits.
func trackingID(address string, random func(n int) int) string {
	id := make([]byte, 0, 24)
	id = append(id, letter(random), letter(random), '-')
	id = strconv.AppendInt(id, int64(len(address)), 10)
	id = appendDigits(id, 3, random)
	id = append(id, '-')
	id = strconv.AppendInt(id, int64(len(address)/2), 10)
	return string(appendDigits(id, 7, random))
}

func letter(random func(n int) int) byte { return 'A' + byte(random('Z'-'A'+1)) }

func appendDigits(to []byte, count int, random func(n int) int) []byte {
	for range count {
		to = append(to, '0'+byte(random(10)))
	}
	return to
}
