package modeltest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func secretTools() []tool {
	return []tool{
		{name: "secret-get", use: "[<ID>] [<key>[#base64]]", prepare: prepareSecretGet},
		{name: "secret-info-get", use: "[<ID>]", prepare: prepareSecretInfoGet},
		{name: "secret-ids", prepare: prepareSecretIDs},
		{name: "secret-add", use: "[key[#base64|#file]=value...]", prepare: prepareSecretAdd},
		{name: "secret-set", use: "<ID> [key[#base64|#file]=value...]", prepare: prepareSecretSet},
		{name: "secret-remove", use: "<ID>", prepare: prepareSecretRemove},
		{name: "secret-grant", use: "<ID>", prepare: prepareSecretGrant},
		{name: "secret-revoke", use: "<ID>", prepare: prepareSecretRevoke},
	}
}

func equalContent(a, b map[string]string) bool { return maps.Equal(a, b) }

// bareSecret returns the 20 characters of a secret's id, or "".
func bareSecret(id string) string {
	if !strings.HasPrefix(id, "secret:") {
		id = "secret:" + id
	}
	part := secretURI().FindStringSubmatch(id)
	if part == nil {
		return ""
	}
	return part[1]
}

// parseSecretID checks a tool's argument and returns the bare id.
func parseSecretID(argument string) (string, error) {
	if id := bareSecret(argument); id != "" {
		return id, nil
	}
	return "", fmt.Errorf("secret URI %q not valid", argument)
}

// takeSecretID takes the argument that every tool for a known secret needs.
func takeSecretID(args *[]string) (string, error) {
	if len(*args) == 0 {
		return "", errors.New("missing secret URI")
	}
	return parseSecretID(shift(args))
}

func (s *State) secret(id string) *Secret {
	for _, secret := range s.Secrets {
		if bareSecret(secret.ID) == id {
			return secret
		}
	}
	return nil
}

// manages tells whether this unit may change the secret.
func (s *State) manages(secret *Secret) bool {
	return secret.Owner == "unit" || secret.Owner == "app" && s.Leader
}

// secret returns the secret as the hook sees it, new ones included.
func (h *Hook) secret(id string) *Secret {
	secret := h.state().secret(id)
	if created := h.secrets.created(id); created != nil {
		secret = created
	}
	if secret == nil {
		return nil
	}
	return h.secrets.view(secret.clone())
}

// visible returns the ids of all secrets that the hook sees, sorted.
func (h *Hook) visible() []string {
	var ids []string
	for _, secret := range h.state().Secrets {
		ids = append(ids, bareSecret(secret.ID))
	}
	for id, edit := range h.secrets {
		if edit.created != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// managed finds a secret that the unit may change, by id or label.
func (h *Hook) managed(id, label string) (*Secret, error) {
	name := id
	if id == "" {
		name = label
	}
	for _, other := range h.visible() {
		secret := h.secret(other)
		if h.state().manages(secret) && !h.secrets.removes(other) &&
			(id == other || id == "" && secret.Label == label) {
			return secret, nil
		}
	}
	return nil, fmt.Errorf("secret %q not found", name)
}

func prepareSecretGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	id, key, label := "", "", ""
	peek, refresh := false, false
	c.flags.text(&label, "label")
	c.flags.boolean(&peek, "peek")
	c.flags.boolean(&refresh, "refresh")
	c.formattedAs("yaml", "json")
	parse := func(args []string) (err error) {
		if len(args) > 0 {
			if id, err = parseSecretID(shift(&args)); err != nil {
				return err
			}
		}
		if id == "" && label == "" {
			return errors.New("require either a secret URI or label")
		}
		if peek && refresh {
			return errors.New("specify one of --peek or --refresh but not both")
		}
		key = shift(&args)
		return noMore(args)
	}
	return parse, func() error {
		content, err := h.readSecret(id, label, peek, refresh)
		if err != nil {
			return err
		}
		if key == "" {
			return c.print(content)
		}
		name, encoded := strings.CutSuffix(key, "#base64")
		value, ok := content[name]
		if !ok {
			return fmt.Errorf("secret key value %q not found", name)
		}
		if encoded {
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
		return c.print(value)
	}
}

// readSecret returns a revision's content: the newest to peek, else the one
// that the unit tracks, which is the newest at the first read and after a
// refresh. A label that is given with an id becomes the secret's.
func (h *Hook) readSecret(id, label string, peek, refresh bool) (map[string]string, error) {
	if err := h.learnSecret(id, label); err != nil {
		return nil, err
	}
	wanted, byLabel := label, id == ""
	if byLabel {
		for _, other := range h.visible() {
			if h.secret(other).Label == label {
				id = other
				break
			}
		}
		if id == "" {
			return nil, fmt.Errorf("consumer label %q not found", label)
		}
		label = ""
	}
	seen := h.secret(id)
	if seen == nil {
		return nil, fmt.Errorf("secret %q not found", "secret:"+id)
	}
	if seen.Denied {
		return nil, errPermissionDenied
	}
	if created := h.secrets.created(id); created != nil {
		if label != "" {
			created.Label = label
		}
		return created.LatestContent, nil
	}
	// Tracking and labels change at once, whatever becomes of the hook.
	kept := h.state().secret(id)
	if label != "" {
		kept.Label = label
	}
	edit := h.secrets[id]
	if (peek || refresh) && edit != nil && edit.update != nil && len(edit.update.content) > 0 &&
		(!byLabel || edit.update.label == wanted || h.juju.version.AtLeast(3, 6, 12)) {
		edit.tracked = edit.tracked || refresh
		return edit.update.content, nil
	}
	if refresh || kept.TrackedContent == nil {
		kept.TrackedContent = maps.Clone(kept.LatestContent)
		kept.TrackedRevision = kept.LatestRevision
	}
	content, revision := kept.TrackedContent, kept.TrackedRevision
	if peek {
		content, revision = kept.LatestContent, kept.LatestRevision
	}
	if slices.Contains(kept.RemovedRevisions, revision) {
		return nil, fmt.Errorf("secret revision \"%s/%d\" not found", id, revision)
	}
	return content, nil
}

func prepareSecretInfoGet(h *Hook, c *invocation) (func([]string) error, func() error) {
	id, label := "", ""
	c.flags.text(&label, "label")
	c.formattedAs("yaml", "json")
	parse := func(args []string) (err error) {
		if len(args) > 0 {
			if id, err = parseSecretID(shift(&args)); err != nil {
				return err
			}
		}
		if id == "" && label == "" {
			return errors.New("require either a secret URI or label")
		}
		if id != "" && label != "" {
			return errors.New("specify either a secret URI or label but not both")
		}
		return noMore(args)
	}
	return parse, func() error {
		secret, err := h.managed(id, label)
		if err != nil {
			return err
		}
		return c.print(object{same(bareSecret(secret.ID), h.secretInfo(secret))})
	}
}

func (h *Hook) secretInfo(secret *Secret) object {
	owner := "unit"
	if secret.Owner == "app" {
		owner = "application"
	}
	info := object{same("revision", secret.LatestRevision), same("label", secret.Label), same("owner", owner)}
	add := func(name string, value any, given bool) {
		if given {
			info = append(info, same(name, value))
		}
	}
	add("description", secret.Description, secret.Description != "")
	add("rotation", secret.Rotate, secret.Rotate != "")
	add("rotates", secret.NextRotate, secret.NextRotate != nil)
	add("expiry", secret.Expire, secret.Expire != nil)
	access := []any{}
	for _, id := range slices.Sorted(maps.Keys(secret.RemoteGrants)) {
		ends := h.juju.relationEnds(h.state().relation(id))
		scope := "relation-" + strings.NewReplacer(":", ".", " ", "#").Replace(ends)
		for _, name := range slices.Sorted(slices.Values(secret.RemoteGrants[id])) {
			target := "application-" + name
			if unitName().MatchString(name) {
				target = "unit-" + strings.ReplaceAll(name, "/", "-")
			}
			access = append(access, object{same("target", target), same("scope", scope), same("role", "view")})
		}
	}
	add("access", access, len(access) > 0)
	return info
}

func prepareSecretIDs(h *Hook, c *invocation) (func([]string) error, func() error) {
	c.formatted()
	return noMore, func() error {
		ids := []string{}
		for _, id := range h.visible() {
			if h.state().manages(h.secret(id)) && !h.secrets.removes(id) {
				ids = append(ids, id)
			}
		}
		return c.print(ids)
	}
}

// secretFlags are the flags that secret-add and secret-set share.
type secretFlags struct {
	update secretUpdate
	expire string
	owner  string
	file   string
}

func (f *secretFlags) declare(c *invocation) {
	f.owner = "application"
	c.flags.text(&f.expire, "expire")
	c.flags.text(&f.update.rotate, "rotate")
	c.flags.text(&f.update.description, "description")
	c.flags.text(&f.update.label, "label")
	c.flags.text(&f.file, "file")
	c.flags.text(&f.owner, "owner")
}

var rotatePeriods = map[string]func(time.Time) time.Time{
	"never":     nil,
	"hourly":    func(t time.Time) time.Time { return t.Add(time.Hour) },
	"daily":     func(t time.Time) time.Time { return t.AddDate(0, 0, 1) },
	"weekly":    func(t time.Time) time.Time { return t.AddDate(0, 0, 7) },
	"monthly":   func(t time.Time) time.Time { return t.AddDate(0, 1, 0) },
	"quarterly": func(t time.Time) time.Time { return t.AddDate(0, 3, 0) },
	"yearly":    func(t time.Time) time.Time { return t.AddDate(1, 0, 0) },
}

// NextRotation is when a secret of a rotation policy rotates after a time, and
// false if it does not.
func NextRotation(policy string, after time.Time) (time.Time, bool) {
	next := rotatePeriods[policy]
	if next == nil {
		return time.Time{}, false
	}
	return next(after).UTC(), true
}

// check reads what the flags and the remaining arguments say.
func (f *secretFlags) check(h *Hook, args []string) error {
	if f.expire != "" {
		expire, err := parseExpire(f.expire, h.juju.Now())
		if err != nil {
			return err
		}
		f.update.expire = &expire
	}
	if f.update.rotate != "" {
		if _, ok := rotatePeriods[f.update.rotate]; !ok {
			return fmt.Errorf("rotate policy %q not valid", f.update.rotate)
		}
	}
	if f.owner != "application" && f.owner != "unit" {
		return fmt.Errorf("secret owner %q not valid", f.owner)
	}
	content, err := h.parseContent(args)
	if err != nil {
		return err
	}
	if f.file != "" {
		data, err := h.juju.ReadFile(f.file)
		if err != nil {
			return err
		}
		settings, err := parseSettings(data)
		if err != nil {
			return err
		}
		for _, key := range keys(settings) {
			if !secretKey.MatchString(key) {
				return fmt.Errorf("key %q not valid", key)
			}
		}
		maps.Copy(settings, content)
		content = settings
	}
	f.update.content = content
	return h.juju.checkSize(content)
}

func parseExpire(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		if d < 0 {
			return time.Time{}, fmt.Errorf("negative expire duration %q not valid", text)
		}
		return now.Add(d).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("expire time or duration %q not valid", text)
}

var secretKey = regexp.MustCompile(`^[a-z](?:-?[a-z0-9]){2,}$`)

// parseContent reads key=value, key#base64=value and key#file=path.
func (h *Hook) parseContent(args []string) (map[string]string, error) {
	content := make(map[string]string, len(args))
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" || value == "" {
			return nil, fmt.Errorf("key value %q not valid", arg)
		}
		key, suffix, _ := strings.Cut(key, "#")
		if !secretKey.MatchString(key) {
			return nil, fmt.Errorf("key %q not valid", key)
		}
		switch suffix {
		case "base64":
			if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
				value = string(decoded)
			}
		case "file":
			data, err := h.juju.ReadFile(value)
			if err != nil {
				return nil, fmt.Errorf("reading content for secret key %q: %w", key, err)
			}
			value = string(data)
		}
		content[key] = value
	}
	return content, nil
}

// checkSize refuses a secret that Juju finds too large: since 3.6 in base64,
// 1 MiB for a value and for all of them; before as it is, 8 KiB and 64 KiB.
func (j *Juju) checkSize(content map[string]string) error {
	size := func(value string) int { return len(value) }
	noun, one, all := "secret content", 8<<10, 64<<10
	if j.version.AtLeast(3, 6, 0) {
		size = func(value string) int { return base64.StdEncoding.EncodedLen(len(value)) }
		noun, one, all = "base64 encoded secret content", 1<<20, 1<<20
	}
	total := 0
	for _, key := range keys(content) {
		n := size(content[key])
		if n > one {
			return fmt.Errorf("%s for key %q too large: %d bytes", noun, key, n)
		}
		total += n
	}
	if total > all {
		return fmt.Errorf("%s too large: %d bytes", noun, total)
	}
	return nil
}

func prepareSecretAdd(h *Hook, c *invocation) (func([]string) error, func() error) {
	var f secretFlags
	f.declare(c)
	parse := func(args []string) error {
		if len(args) == 0 && f.file == "" {
			return errors.New("missing secret value or filename")
		}
		return f.check(h, args)
	}
	return parse, func() error {
		if f.owner == "application" && !h.state().Leader {
			return errNotLeader
		}
		secret := &Secret{Owner: "unit", LatestContent: f.update.content, LatestRevision: 1}
		if f.owner == "application" {
			secret.Owner = "app"
		}
		for _, edit := range h.secrets {
			if edit.created != nil && f.update.label != "" && edit.created.Label == f.update.label {
				return fmt.Errorf("secret with label %q already exists", f.update.label)
			}
		}
		f.update.apply(secret, h.juju.Now())
		id := h.nextSecretID()
		secret.ID = "secret:" + id
		h.secrets.edit(id).created = secret
		c.stdout.WriteString(fmt.Sprintf("secret://%s/%s\n", h.state().Model.UUID, id))
		return nil
	}
}

// nextSecretID counts up to an id that no secret has.
func (h *Hook) nextSecretID() string {
	for n := int64(h.juju.Secrets + len(h.state().Secrets) + 1); ; n++ {
		id := fmt.Sprintf("d%018s0", strconv.FormatInt(n, 32))
		id = strings.ReplaceAll(id, " ", "0")
		if h.secret(id) == nil {
			return id
		}
	}
}

func prepareSecretSet(h *Hook, c *invocation) (func([]string) error, func() error) {
	var f secretFlags
	id := ""
	f.declare(c)
	parse := func(args []string) (err error) {
		if id, err = takeSecretID(&args); err != nil {
			return err
		}
		return f.check(h, args)
	}
	return parse, func() error {
		edit := h.secrets.edit(id)
		if edit.created != nil {
			f.update.apply(edit.created, h.juju.Now())
			if len(f.update.content) > 0 {
				edit.created.LatestContent = f.update.content
			}
			return nil
		}
		h.secrets.update(id, f.update, h.juju.version)
		return nil
	}
}

func prepareSecretRemove(h *Hook, c *invocation) (func([]string) error, func() error) {
	id, revision := "", 0
	c.flags.value(func(text string) error {
		n, err := strconv.ParseInt(text, 0, 64)
		revision = int(n)
		return err
	}, "revision")
	parse := func(args []string) (err error) {
		if id, err = takeSecretID(&args); err != nil {
			return err
		}
		return noMore(args)
	}
	return parse, func() error {
		h.secrets.remove(id, max(revision, 0), h.juju.version)
		return nil
	}
}

func prepareSecretGrant(h *Hook, c *invocation) (func([]string) error, func() error) {
	id, unit := "", ""
	relation := h.relationFlag(c)
	c.flags.text(&unit, "unit")
	parse := func(args []string) (err error) {
		if id, err = takeSecretID(&args); err != nil {
			return err
		}
		if *relation == nil {
			return errNoRelation
		}
		if unit != "" && !strings.HasPrefix(unit, (*relation).RemoteApp+"/") {
			return fmt.Errorf("cannot specify unit %q in relation to application %q", unit, (*relation).RemoteApp)
		}
		return noMore(args)
	}
	return parse, func() error {
		secret, err := h.managed(id, "")
		if err != nil {
			return err
		}
		app, g := (*relation).RemoteApp, grant{(*relation).ID, (*relation).RemoteApp}
		if unit != "" {
			g.name = unit
		}
		edit := h.secrets.edit(id)
		for _, name := range secret.RemoteGrants[g.relation] { // what the hook itself granted does not count
			switch {
			case name == g.name || name == app:
				return nil
			case g.name == app:
				return errors.New("any unit level grants need to be revoked before granting access to the corresponding application")
			}
		}
		if edit.grants == nil {
			edit.grants = map[int]grant{}
		}
		edit.grants[g.relation] = g
		return nil
	}
}

func prepareSecretRevoke(h *Hook, c *invocation) (func([]string) error, func() error) {
	id, app, unit := "", "", ""
	given := h.plan.relation != nil
	relation := h.relationFlag(c)
	c.flags.text(&app, "app", "application")
	c.flags.text(&unit, "unit")
	parse := func(args []string) (err error) {
		if id, err = takeSecretID(&args); err != nil {
			return err
		}
		switch {
		case *relation == nil && app == "" && unit == "":
			return errors.New("missing relation or application or unit")
		case app != "" && unit != "":
			return errors.New("specify only one of application or unit")
		case *relation != nil && app != "" && !given:
			return errors.New("do not specify both relation and app")
		}
		return noMore(args)
	}
	return parse, func() error {
		g := grant{relation: -1, name: app}
		if unit != "" {
			g.name = unit
		}
		if g.name == "" {
			g = grant{(*relation).ID, (*relation).RemoteApp}
		}
		edit := h.secrets.edit(id)
		edit.revokes = append(edit.revokes, g)
		return nil
	}
}

// learnSecret completes the state with a secret that it does not tell of yet, or
// not of its content.
func (h *Hook) learnSecret(id, label string) error {
	if h.juju.ReadSecret == nil {
		return nil
	}
	for _, other := range h.visible() {
		secret := h.secret(other)
		if other != id && (id != "" || secret.Label != label) {
			continue
		}
		if secret.LatestContent != nil || secret.Denied {
			return nil
		}
		id = other
	}
	full := ""
	if id != "" {
		full = "secret:" + id
	}
	learnt, err := h.juju.ReadSecret(full, label)
	if err != nil {
		return err
	}
	learnt = learnt.clone()
	if known := h.state().secret(bareSecret(learnt.ID)); known != nil {
		known.TrackedContent, known.LatestContent = learnt.TrackedContent, learnt.LatestContent
		known.TrackedRevision = learnt.TrackedRevision
		return nil
	}
	learnt.fill()
	h.state().Secrets = append(h.state().Secrets, learnt)
	return nil
}
