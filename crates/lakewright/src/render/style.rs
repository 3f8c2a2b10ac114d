//! ANSI colours.

/// Whether rendered text contains ANSI escape sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text, for files, pipes and Python's `str()`.
    Plain,
    /// Text with ANSI colours (ECMA-48, SGR), for terminals.
    Ansi,
}

/// A colour, or another attribute, of a piece of text.
#[derive(Clone, Copy)]
pub(super) enum Color {
    Green,
    Yellow,
    Red,
    Cyan,
    Dim,
    Bold,
    BoldRed,
}

impl Style {
    /// Returns `text` in `color`, or unchanged in plain style.
    pub(super) fn paint(self, color: Color, text: &str) -> String {
        let code = match (self, color) {
            (Self::Plain, _) => return text.to_owned(),
            (Self::Ansi, Color::Green) => "32",
            (Self::Ansi, Color::Yellow) => "33",
            (Self::Ansi, Color::Red) => "31",
            (Self::Ansi, Color::Cyan) => "36",
            (Self::Ansi, Color::Dim) => "2",
            (Self::Ansi, Color::Bold) => "1",
            (Self::Ansi, Color::BoldRed) => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
