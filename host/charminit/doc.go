// Package charminit makes new charms. The charms that they start as are in
// templates: one for each kind, and in templates/common what all have. They are
// whole charms named charm-template, with their tests.
package charminit
