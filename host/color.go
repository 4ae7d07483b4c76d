package host

// A Color is how a terminal is told to write what follows: an ANSI sequence.
type Color string

// The colours of what people read: those with Bold are for the words error,
// warning and note.
const (
	Bold       Color = "\x1b[1m"
	Dim        Color = "\x1b[2m"
	Red        Color = "\x1b[31m"
	Green      Color = "\x1b[32m"
	Amber      Color = "\x1b[33m"
	BoldRed    Color = "\x1b[1;31m"
	BoldAmber  Color = "\x1b[1;33m"
	BoldCyan   Color = "\x1b[1;36m"
	colorReset       = "\x1b[0m"
)

// Painter returns what puts text into a colour, or leaves it as it is where
// there is to be none.
func Painter(color bool) func(c Color, text string) string {
	return func(c Color, text string) string {
		if !color || text == "" {
			return text
		}
		return string(c) + text + colorReset
	}
}
