package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/starcharm/starcharm/host/manual"
)

func docCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doc [NAME]",
		Short: "Show what the manual says of a module, type, function, event or library",
		Long: `Show what the manual says of a module, a type, a member of one, an event, or a
library and its functions. Without a name: what there is.`,
		Example: `  starcharm doc container
  starcharm doc container.push
  starcharm doc config-changed
  starcharm doc @std//apt.star`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("doc wants one name, such as container.push, and got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := manual.New()
			if err != nil {
				return err
			}
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			text, err := m.Text(name)
			var unknown *manual.UnknownError
			if errors.As(err, &unknown) && unknown.Nearest == "" {
				return fmt.Errorf("%w; starcharm doc without a name says what there is", err)
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
}
