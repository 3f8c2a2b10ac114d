//! The output of a command on stdout: text for people, JSON for programs.

use std::env;
use std::io::{self, BufWriter, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use lakewright::render::Style;
use serde_json::Value;

use crate::failure::{CommandResult, Failure};
use crate::human::{printable, printable_json};

/// The size of the buffer before stdout, in bytes: the capacity of a pipe.
const BUFFER: usize = 64 << 10;

/// A value that a command prints.
pub(crate) trait Render {
    /// Returns the value as one JSON document, which is printed with escapes for all characters that
    /// are not visible. Sizes are in bytes, times in RFC 3339, absent values
    /// are null.
    fn json(&self) -> Value;

    /// Writes the value as text for people, ending in a line break.
    fn text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// A row of a list that is held in memory, so that its columns can be aligned.
pub(crate) trait Row {
    /// The headers of the columns; a leading `>` aligns the column to the right.
    const HEADERS: &'static [&'static str];

    /// Returns the row as one JSON object.
    fn json(&self) -> Value;

    /// Returns the cells of the row as text.
    fn cells(&self) -> Vec<String>;
}

/// The standard output of a command.
pub(crate) struct Output {
    sink: Sink,
    json: bool,
    style: Style,
    #[cfg(feature = "tables")]
    is_terminal: bool,
}

/// A writer that keeps the first cause of a failed write: writers of file formats report it only as
/// text.
struct Sink {
    sink: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

impl Sink {
    fn keep_error<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let copy = error.raw_os_error().map(io::Error::from_raw_os_error);
            self.failed = Some(copy.unwrap_or_else(|| error.kind().into()));
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes);
        self.keep_error(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.sink.flush();
        self.keep_error(flushed)
    }
}

impl Output {
    /// Writes to the stdout of the process.
    pub(crate) fn stdout(json: bool) -> Self {
        // The handle is locked for each write only, so that other threads of the process can print
        // while this command waits for a server.
        let sink = BufWriter::with_capacity(BUFFER, io::stdout());
        Self {
            #[cfg(feature = "tables")]
            is_terminal: io::stdout().is_terminal(),
            ..Self::new(Box::new(sink), json, style_of(&io::stdout()))
        }
    }

    #[cfg(test)]
    pub(crate) fn to(sink: impl Write + Send + 'static, json: bool) -> Self {
        Self::new(Box::new(sink), json, Style::Plain)
    }

    fn new(sink: Box<dyn Write + Send>, json: bool, style: Style) -> Self {
        Self {
            sink: Sink { sink, failed: None },
            json,
            style,
            #[cfg(feature = "tables")]
            is_terminal: false,
        }
    }

    /// Whether the output is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the style of text on stdout.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// Prints a value, or the next row of a list that is not held in memory.
    pub(crate) fn show(&mut self, value: &dyn Render) -> CommandResult {
        if self.json {
            return self.document(&value.json());
        }
        value.text(&mut self.sink).map_err(Failure::from_write_error)
    }

    /// Prints a list: as an aligned table, or as JSON with one object per line.
    pub(crate) fn list<T: Row>(&mut self, rows: &[T]) -> CommandResult {
        if self.json {
            return rows.iter().try_for_each(|row| self.document(&row.json()));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let headers: Vec<Header<'_>> = T::HEADERS.iter().map(|text| Header::parse(text)).collect();
        let table = aligned(&headers, rows.iter().map(Row::cells));
        self.bytes(table.as_bytes())
    }

    /// Whether stdout is a terminal.
    #[cfg(feature = "tables")]
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> CommandResult {
        self.sink.write_all(bytes).map_err(Failure::from_write_error)
    }

    /// Returns the writer, for file formats. Their errors are passed to [`Output::write_error`].
    #[cfg(feature = "tables")] // only rows are printed in file formats
    pub(crate) fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.sink
    }

    /// Returns why a file format could not be written: the error of stdout if there was one,
    /// otherwise `format_error`.
    #[cfg(feature = "tables")]
    pub(crate) fn write_error(
        &mut self,
        format_error: impl FnOnce() -> lakewright::Error,
    ) -> Failure {
        match self.sink.failed.take() {
            Some(error) => Failure::from_write_error(error),
            None => format_error().into(),
        }
    }

    /// Writes the buffered output.
    pub(crate) fn flush(&mut self) -> CommandResult {
        self.sink.flush().map_err(Failure::from_write_error)
    }

    fn document(&mut self, value: &Value) -> CommandResult {
        writeln!(self.sink, "{}", printable_json(value)).map_err(Failure::from_write_error)
    }
}

/// Returns the style of text on stderr.
pub(crate) fn stderr_style() -> Style {
    style_of(&io::stderr())
}

/// Returns the style for a stream: ANSI colours on a terminal, unless `NO_COLOR`
/// (<https://no-color.org>) is set or `TERM` names a terminal without them.
fn style_of(stream: &impl IsTerminal) -> Style {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    if stream.is_terminal() && !no_color && !dumb { Style::Ansi } else { Style::Plain }
}

/// The header of a column.
pub(crate) struct Header<'a> {
    pub(crate) name: &'a str,
    /// Whether the column is aligned to the right.
    pub(crate) right: bool,
}

impl<'a> Header<'a> {
    /// Parses a header: a leading `>` aligns the column to the right.
    pub(crate) fn parse(text: &'a str) -> Self {
        match text.strip_prefix('>') {
            Some(name) => Self { name, right: true },
            None => Self { name: text, right: false },
        }
    }
}

/// Returns a table without borders, its columns two spaces apart, for people and for cut(1).
pub(crate) fn aligned(
    headers: &[Header<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !headers.is_empty() {
        table.set_header(headers.iter().map(|header| printable(header.name).into_owned()));
    }
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell).into_owned()));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if headers.get(index).is_some_and(|header| header.right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns names and values as aligned text, one pair per line.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    aligned(&[], pairs.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::{Arc, Mutex};

    /// A writer whose output tests can read.
    #[derive(Clone, Default)]
    pub(crate) struct Printed(Arc<Mutex<Vec<u8>>>);

    impl Printed {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Item(&'static str, u64);

    impl Row for Item {
        const HEADERS: &'static [&'static str] = &["NAME", ">SIZE"];
        fn json(&self) -> Value {
            json!({"name": self.0, "size": self.1})
        }
        fn cells(&self) -> Vec<String> {
            vec![self.0.into(), self.1.to_string()]
        }
    }

    #[test]
    fn lists_are_aligned_or_json_lines() {
        let items = [Item("a", 10), Item("long\nname", 2000)];
        for (json, expected) in [
            (false, "NAME        SIZE\na             10\nlong\\nname  2000\n"),
            (true, "{\"name\":\"a\",\"size\":10}\n{\"name\":\"long\\nname\",\"size\":2000}\n"),
        ] {
            let printed = Printed::default();
            Output::to(printed.clone(), json).list(&items).unwrap();
            assert_eq!(printed.text(), expected);
        }
        let printed = Printed::default();
        Output::to(printed.clone(), false).list::<Item>(&[]).unwrap();
        assert_eq!(printed.text(), "");
    }

    #[test]
    fn pairs_have_no_header() {
        assert_eq!(pairs([("key", "a".into()), ("etag", "b".into())]), "key   a\netag  b\n");
    }
}
