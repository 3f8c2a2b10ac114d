//! The rows of a scan or query as output, in several formats.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;
use futures::TryStreamExt;
use lakewright::arrow::csv;
use lakewright::arrow::datatypes::SchemaRef;
use lakewright::arrow::ipc::writer::StreamWriter;
use lakewright::arrow::json;
use lakewright::arrow::record_batch::RecordBatch;
use lakewright::arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewright::table::Scan;
use lakewright::{Error, ErrorKind, printable, printable_json_text};
use parquet::arrow::ArrowWriter;

use crate::context::Context;
use crate::failure::CommandResult;
use crate::output::{Header, aligned};

/// Output formats of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    Table,
    /// CSV with a header; null is an empty field
    Csv,
    /// One JSON object per line
    Jsonl,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

/// The number of rows that are aligned with each other: more than a screen shows, and few enough to
/// be held in memory.
const ALIGNED_ROWS: usize = 1000;

/// Returns the format that `--format` and `--json` select.
pub(crate) fn output_format(format: Option<Format>, context: &Context) -> Result<Format, Error> {
    let format = match (format, context.out.is_json()) {
        (None, true) => Format::Jsonl,
        (None, false) => Format::Table,
        (Some(Format::Jsonl), true) => Format::Jsonl,
        (Some(_), true) => {
            return Err(Error::invalid_input(
                "--json selects the format jsonl and excludes other formats",
            ));
        }
        (Some(format), false) => format,
    };
    if matches!(format, Format::Parquet | Format::Arrow) && context.out.is_terminal() {
        let why = "this format is binary and cannot be printed on a terminal; redirect stdout";
        return Err(Error::invalid_input(why));
    }
    Ok(format)
}

/// Runs the scan and prints its rows as they arrive.
pub(crate) async fn print(context: &mut Context, scan: Scan, format: Format) -> CommandResult {
    let mut batches = scan.stream().await?;
    let schema = batches.schema().clone();
    let printed = async {
        let escape = escape(format, context.out.is_terminal());
        let mut sink = LineWriter { sink: context.out.writer(), escape, line: Vec::new() };
        let mut rows = writer(format, schema, &mut sink)?;
        while let Some(batch) = batches.try_next().await? {
            rows.write(&batch)?;
        }
        rows.finish()?;
        Ok(sink.finish().map_err(FormatError::from)?)
    };
    match printed.await {
        Ok(()) => Ok(()),
        Err(RowsError::Read(error)) => Err(error.into()),
        Err(RowsError::Write(why)) => Err(context.out.write_error(|| {
            let why = format!("the rows cannot be written in this format: {why}");
            Error::new(ErrorKind::Unsupported, why).during("print")
        })),
    }
}

/// An error of reading rows or of writing them.
enum RowsError {
    Read(Error),
    Write(FormatError),
}

impl From<Error> for RowsError {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

impl From<FormatError> for RowsError {
    fn from(error: FormatError) -> Self {
        Self::Write(error)
    }
}

/// An error of a format's writer. [`Output`](crate::output::Output) keeps errors of stdout itself.
type FormatError = Box<dyn std::error::Error>;

type Sink<'a> = &'a mut (dyn Write + Send);

/// Escapes the characters of a line that are not visible.
type Escape = fn(&str) -> Cow<'_, str>;

/// Returns how the lines of a format are escaped: JSON always, because its value remains the same,
/// CSV on a terminal, where values could contain control sequences. Files and pipes receive the
/// exact values. Aligned columns are escaped cell by cell.
fn escape(format: Format, is_terminal: bool) -> Option<Escape> {
    match format {
        Format::Jsonl => Some(printable_json_text),
        Format::Csv if is_terminal => Some(printable),
        Format::Csv | Format::Table | Format::Parquet | Format::Arrow => None,
    }
}

/// Escapes what is written line by line, because a write may end within a character.
struct LineWriter<'a> {
    sink: Sink<'a>,
    escape: Option<Escape>,
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl LineWriter<'_> {
    fn write_line(&mut self, escape: Escape) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line);
        self.sink.write_all(escape(&line).as_bytes())?;
        self.line.clear();
        Ok(())
    }

    /// Writes a last line that has no line break.
    fn finish(mut self) -> io::Result<()> {
        self.escape.map_or(Ok(()), |escape| self.write_line(escape))
    }
}

impl Write for LineWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(escape) = self.escape else { return self.sink.write(bytes) };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) => {
                    self.line.extend_from_slice(end);
                    self.write_line(escape)?;
                    self.sink.write_all(b"\n")?;
                }
                None => self.line.extend_from_slice(part),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

trait Writer {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError>;
    fn finish(self: Box<Self>) -> Result<(), FormatError>;
}

fn writer<'a>(
    format: Format,
    schema: SchemaRef,
    sink: Sink<'a>,
) -> Result<Box<dyn Writer + 'a>, FormatError> {
    Ok(match format {
        Format::Table => Box::new(AlignedWriter { schema, sink, pending: Vec::new(), first: true }),
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().with_header(true).build(sink);
            // A table without rows also has a header.
            writer.write(&RecordBatch::new_empty(schema))?;
            Box::new(writer)
        }
        Format::Jsonl => {
            let builder = json::WriterBuilder::new().with_explicit_nulls(true);
            Box::new(builder.build::<_, json::writer::LineDelimited>(sink))
        }
        Format::Parquet => Box::new(ArrowWriter::try_new(sink, schema, None)?),
        Format::Arrow => Box::new(StreamWriter::try_new(sink, &schema)?),
    })
}

impl Writer for csv::Writer<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        Ok(csv::Writer::write(self, batch)?)
    }

    fn finish(self: Box<Self>) -> Result<(), FormatError> {
        Ok(())
    }
}

impl Writer for json::LineDelimitedWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        Ok(json::LineDelimitedWriter::write(self, batch)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), FormatError> {
        Ok(json::LineDelimitedWriter::finish(&mut self)?)
    }
}

impl Writer for ArrowWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        Ok(ArrowWriter::write(self, batch)?)
    }

    fn finish(self: Box<Self>) -> Result<(), FormatError> {
        self.close()?;
        Ok(())
    }
}

impl Writer for StreamWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        Ok(StreamWriter::write(self, batch)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), FormatError> {
        Ok(StreamWriter::finish(&mut self)?)
    }
}

/// Aligned columns, with the header repeated after every [`ALIGNED_ROWS`] rows.
struct AlignedWriter<'a> {
    schema: SchemaRef,
    sink: Sink<'a>,
    /// Rows that are not printed yet, because batches may be shorter than [`ALIGNED_ROWS`].
    pending: Vec<Vec<String>>,
    first: bool,
}

impl Writer for AlignedWriter<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let options = FormatOptions::default().with_null("null");
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).try_to_string());
            self.pending.push(cells.collect::<Result<_, _>>()?);
            if self.pending.len() == ALIGNED_ROWS {
                self.print_pending()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), FormatError> {
        if self.first || !self.pending.is_empty() {
            self.print_pending()?;
        }
        Ok(())
    }
}

impl AlignedWriter<'_> {
    fn print_pending(&mut self) -> Result<(), FormatError> {
        let fields = self.schema.fields().iter();
        let headers: Vec<Header<'_>> = fields
            .map(|field| Header { name: field.name(), right: field.data_type().is_numeric() })
            .collect();
        if !self.first {
            writeln!(self.sink)?;
        }
        let text = aligned(&headers, std::mem::take(&mut self.pending));
        self.sink.write_all(text.as_bytes())?;
        self.first = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use lakewright::arrow::array::{ArrayRef, Int64Array, StringArray};
    use lakewright::arrow::datatypes::{DataType, Field, Schema};

    fn printed(format: Format, rows: &[(i64, Option<&str>)]) -> Vec<u8> {
        printed_on(format, rows, false)
    }

    fn printed_on(format: Format, rows: &[(i64, Option<&str>)], is_terminal: bool) -> Vec<u8> {
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]));
        let n: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let name: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
        let batch = RecordBatch::try_new(schema.clone(), vec![n, name]).unwrap();
        let mut bytes = Vec::new();
        let escape = escape(format, is_terminal);
        let mut sink = LineWriter { sink: &mut bytes, escape, line: Vec::new() };
        let mut writer = writer(format, schema, &mut sink).unwrap();
        if !rows.is_empty() {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        sink.finish().unwrap();
        bytes
    }

    #[test]
    fn rows_in_every_format() {
        let rows = [(1, Some("a,\u{1b}b")), (20, None)];
        for (format, expected) in [
            (Format::Table, " n  name\n 1  a,\\u{1b}b\n20  null\n"),
            (Format::Csv, "n,name\n1,\"a,\u{1b}b\"\n20,\n"),
            (Format::Jsonl, "{\"n\":1,\"name\":\"a,\\u001bb\"}\n{\"n\":20,\"name\":null}\n"),
        ] {
            assert_eq!(String::from_utf8(printed(format, &rows)).unwrap(), expected);
        }
        assert!(printed(Format::Parquet, &rows).starts_with(b"PAR1"));
        assert!(printed(Format::Arrow, &rows).starts_with(&[0xff; 4]));
    }

    #[test]
    fn a_terminal_receives_no_control_sequence() {
        let rows = [(1, Some("\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\nä"))];
        for format in [Format::Table, Format::Csv, Format::Jsonl] {
            let text = String::from_utf8(printed_on(format, &rows, true)).unwrap();
            assert_eq!(text.replace('\n', ""), printable(&text.replace('\n', "")), "{format:?}");
            assert!(text.contains('ä'), "{format:?}: {text}");
        }
        let csv = String::from_utf8(printed(Format::Csv, &rows)).unwrap();
        assert!(csv.contains("\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\nä"), "{csv:?}");
        let jsonl = printed(Format::Jsonl, &rows);
        let value: serde_json::Value = serde_json::from_slice(&jsonl).unwrap();
        assert_eq!(value["name"].as_str(), rows[0].1);
        assert!(String::from_utf8(jsonl).unwrap().contains(r"\u009b2J\u202e"));
    }

    #[test]
    fn the_header_is_printed_without_rows() {
        assert_eq!(printed(Format::Table, &[]), b"n  name\n");
        assert_eq!(printed(Format::Csv, &[]), b"n,name\n");
        assert_eq!(printed(Format::Jsonl, &[]), b"");
        assert!(printed(Format::Parquet, &[]).ends_with(b"PAR1"));
    }

    #[test]
    fn long_tables_repeat_their_header() {
        let rows = vec![(0, None); ALIGNED_ROWS + 1];
        let text = String::from_utf8(printed(Format::Table, &rows)).unwrap();
        assert_eq!(text.matches("name").count(), 2);
        assert_eq!(text.matches("null").count(), ALIGNED_ROWS + 1);
    }
}
