package lesson

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
	"github.com/shopctl/shopctl/pkg/lesson"
)

// addLanguage adds the flag for the language of lessons to cmd.
func addLanguage(cmd *cobra.Command, lang *string) {
	cmd.Flags().StringVar(lang, "lang", "", "`LANGUAGE` of the text, such as ja (default: from LC_ALL, LC_MESSAGES or LANG)")
	cmdutil.Must(cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions([]string{"en", "ja"}, cobra.ShellCompDirectiveNoFileComp)))
}

// language is the language of the user, "en" by default.
func language(f *cmdutil.Factory, flag string) string {
	for _, text := range []string{flag, f.Getenv("LC_ALL"), f.Getenv("LC_MESSAGES"), f.Getenv("LANG")} {
		if text != "" {
			lang, _, _ := strings.Cut(text, "_")
			lang, _, _ = strings.Cut(lang, ".")
			return strings.ToLower(lang)
		}
	}
	return "en"
}

// lessonsInLanguage returns the built-in lessons in the language of the user.
func lessonsInLanguage(f *cmdutil.Factory, flag string) ([]*lesson.Lesson, error) {
	all, err := ownLessons()
	for i, l := range all {
		all[i] = l.In(language(f, flag))
	}
	return all, err
}
