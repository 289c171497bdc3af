package token_test

import (
	"testing"

	"github.com/shopctl/shopctl/pkg/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m) }
