package machine

import "io/fs"

// permissionBits are what [Permissions] knows of a mode.
const permissionBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// MaxPermissions is the highest number that [Permissions] takes.
const MaxPermissions = 0o7777

// Permissions returns those of a number as chmod takes it: 0o644, or 0o2770 for
// a directory whose new files belong to its group.
func Permissions(n uint32) fs.FileMode {
	mode := fs.FileMode(n) & fs.ModePerm
	for bit, special := range specialBits() {
		if n&bit != 0 {
			mode |= special
		}
	}
	return mode
}

// PermissionsOf returns the permissions in a mode, and their number.
func PermissionsOf(mode fs.FileMode) (fs.FileMode, uint32) {
	n := uint32(mode & fs.ModePerm)
	for bit, special := range specialBits() {
		if mode&special != 0 {
			n |= bit
		}
	}
	return mode & permissionBits, n
}

// specialBits are those bits that have other places in a mode of Go's.
func specialBits() map[uint32]fs.FileMode {
	return map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky}
}
