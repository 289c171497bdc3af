package lessons_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopctl/shopctl/lessons"
	"github.com/shopctl/shopctl/pkg/lesson"
)

func TestTheReadmeListsTheLessonsInTheirOrder(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`(?m)^\| lesson +\|.*\n\|[ -|]+\n`).FindStringIndex(string(text))
	if head == nil {
		t.Fatal("the README has no table of lessons")
	}
	var listed []string
	for line := range strings.Lines(string(text[head[1]:])) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			break
		}
		listed = append(listed, strings.Trim(cells[1], " `"))
	}
	want, err := lesson.Curriculum(lessons.FS)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the README's table (-lessons +README):\n%s", diff)
	}
}

func TestEveryLessonHasAnOrderOfItsOwn(t *testing.T) {
	all, err := lesson.Load(lessons.FS)
	if err != nil {
		t.Fatal(err)
	}
	var orders []int
	for _, l := range all {
		if l.Order == 0 || slices.Contains(orders, l.Order) {
			t.Errorf("%s: order %d is missing or used twice", l.File, l.Order)
		}
		orders = append(orders, l.Order)
	}
	if !slices.IsSorted(orders) {
		t.Errorf("lessons are loaded with the orders %v", orders)
	}
}

// TestTheFigureOfAThousandPricesIsTheOneThatFloatsComeTo holds the claim of the lesson grpc to what a computer does.
func TestTheFigureOfAThousandPricesIsTheOneThatFloatsComeTo(t *testing.T) {
	price, sum := 19.99, 0.0
	for range 1000 {
		sum += price
	}
	for _, name := range []string{"communication/grpc/lesson.md", "communication/grpc/lesson.ja.md"} {
		text, err := lessons.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{strconv.FormatFloat(sum, 'f', -1, 64), strconv.FormatFloat(price, 'f', 17, 64)} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s does not say %s", name, want)
			}
		}
	}
}
