//! The answer on stdout: text for people, JSON for programs.

use std::io::{self, BufWriter, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::human::printable;
use crate::readable::Paint;

/// How much is gathered before it is written, in bytes: what a pipe holds.
const BUFFER: usize = 64 << 10;

/// Something that can be an answer.
pub(crate) trait Answer {
    /// One document, or one line of a list. Sizes are bytes, times RFC 3339, absent is null.
    fn json(&self) -> Value;

    /// The same for people, ending in a line break.
    fn text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// A line of a list that is short enough to be aligned as a whole.
pub(crate) trait Row {
    /// What stands above the columns; a `>` before it puts the column to the right.
    const HEADERS: &'static [&'static str];

    /// One JSON object.
    fn json(&self) -> Value;

    /// The columns.
    fn cells(&self) -> Vec<String>;
}

/// stdout, as the verbs see it.
pub(crate) struct Output {
    sink: Sink,
    json: bool,
    paint: Paint,
}

/// Remembers why a write failed: the writers of file formats turn that into text.
struct Sink {
    sink: Box<dyn Write + Send>,
    failed: Option<io::Error>,
}

impl Sink {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            let same = error.raw_os_error().map(io::Error::from_raw_os_error);
            self.failed = Some(same.unwrap_or_else(|| error.kind().into()));
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.sink.flush();
        self.note(flushed)
    }
}

impl Output {
    /// Answers go to the process's stdout.
    pub(crate) fn stdout(json: bool) -> Self {
        // The handle is locked write by write, so that a caller's threads are never locked out
        // while this command waits for a server.
        Self::new(Box::new(BufWriter::with_capacity(BUFFER, io::stdout())), json, Paint::stdout())
    }

    #[cfg(test)]
    pub(crate) fn to(sink: impl Write + Send + 'static, json: bool) -> Self {
        Self::new(Box::new(sink), json, Paint::Plain)
    }

    fn new(sink: Box<dyn Write + Send>, json: bool, paint: Paint) -> Self {
        Self { sink: Sink { sink, failed: None }, json, paint }
    }

    /// Whether the answer is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether whoever reads the answer sees colours.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Prints a whole answer, or the next line of a list that comes bit by bit.
    pub(crate) fn show(&mut self, answer: &dyn Answer) -> Outcome {
        if self.json {
            return self.document(&answer.json());
        }
        answer.text(&mut self.sink).map_err(Failure::writing)
    }

    /// Prints a list: aligned under headers, or one JSON object a line.
    pub(crate) fn list<T: Row>(&mut self, rows: &[T]) -> Outcome {
        if self.json {
            return rows.iter().try_for_each(|row| self.document(&row.json()));
        }
        if rows.is_empty() {
            return Ok(());
        }
        let headers: Vec<Header<'_>> = T::HEADERS.iter().map(|text| Header::marked(text)).collect();
        let table = aligned(&headers, rows.iter().map(Row::cells));
        self.bytes(table.as_bytes())
    }

    /// Prints bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Outcome {
        self.sink.write_all(bytes).map_err(Failure::writing)
    }

    /// For formats with writers of their own; what they fail with goes to [`Output::broken`].
    #[cfg(feature = "tables")] // rows alone have such formats
    pub(crate) fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.sink
    }

    /// Why such a writer failed: stdout itself, or else what it says.
    #[cfg(feature = "tables")]
    pub(crate) fn broken(&mut self, said: impl FnOnce() -> lakewright::Error) -> Failure {
        match self.sink.failed.take() {
            Some(error) => Failure::writing(error),
            None => said().into(),
        }
    }

    /// Hands over what was gathered.
    pub(crate) fn flush(&mut self) -> Outcome {
        self.sink.flush().map_err(Failure::writing)
    }

    fn document(&mut self, value: &Value) -> Outcome {
        writeln!(self.sink, "{value}").map_err(Failure::writing)
    }
}

/// What stands above a column.
pub(crate) struct Header<'a> {
    pub(crate) name: &'a str,
    /// The column is aligned to the right.
    pub(crate) right: bool,
}

impl<'a> Header<'a> {
    /// Of a text in which a leading `>` means "to the right".
    pub(crate) fn marked(text: &'a str) -> Self {
        match text.strip_prefix('>') {
            Some(name) => Self { name, right: true },
            None => Self { name: text, right: false },
        }
    }
}

/// Columns under their headers, two spaces apart, without lines: made to be read and cut(1).
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

/// Names and values, one pair a line.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    aligned(&[], pairs.into_iter().map(|(name, value)| vec![name.to_owned(), value]))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::{Arc, Mutex};

    /// What was printed, for tests to look at.
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

    struct Thing(&'static str, u64);

    impl Row for Thing {
        const HEADERS: &'static [&'static str] = &["NAME", ">SIZE"];
        fn json(&self) -> Value {
            json!({"name": self.0, "size": self.1})
        }
        fn cells(&self) -> Vec<String> {
            vec![self.0.into(), self.1.to_string()]
        }
    }

    #[test]
    fn lists_are_aligned_or_lines_of_json() {
        let things = [Thing("a", 10), Thing("long\nname", 2000)];
        for (json, expected) in [
            (false, "NAME        SIZE\na             10\nlong\\nname  2000\n"),
            (true, "{\"name\":\"a\",\"size\":10}\n{\"name\":\"long\\nname\",\"size\":2000}\n"),
        ] {
            let printed = Printed::default();
            Output::to(printed.clone(), json).list(&things).unwrap();
            assert_eq!(printed.text(), expected);
        }
        let printed = Printed::default();
        Output::to(printed.clone(), false).list::<Thing>(&[]).unwrap();
        assert_eq!(printed.text(), "");
    }

    #[test]
    fn pairs_have_no_header() {
        assert_eq!(pairs([("key", "a".into()), ("etag", "b".into())]), "key   a\netag  b\n");
    }
}
