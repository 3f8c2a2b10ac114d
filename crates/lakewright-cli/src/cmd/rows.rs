//! The rows of a scan or query, in the format that was asked for.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use futures::TryStreamExt;
use lakewright::arrow::csv;
use lakewright::arrow::datatypes::SchemaRef;
use lakewright::arrow::ipc::writer::StreamWriter;
use lakewright::arrow::json;
use lakewright::arrow::record_batch::RecordBatch;
use lakewright::arrow::util::display::{ArrayFormatter, FormatOptions};
use lakewright::table::Scan;
use lakewright::{Error, ErrorKind};
use parquet::arrow::ArrowWriter;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Header, aligned};

/// Formats of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    Table,
    /// CSV with a header; null is nothing between the commas
    Csv,
    /// One JSON object a line
    Jsonl,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

/// How many rows are aligned with each other: enough for a screen, and a table of any size needs
/// little memory.
const ALIGNED: usize = 1000;

/// The format that was asked for, one way or the other.
pub(crate) fn chosen(format: Option<Format>, context: &Context) -> Result<Format, Error> {
    let format = match (format, context.out.is_json()) {
        (None, true) => Format::Jsonl,
        (None, false) => Format::Table,
        (Some(Format::Jsonl), true) => Format::Jsonl,
        (Some(_), true) => {
            return Err(Error::invalid_input("--json is the format jsonl; leave one of them out"));
        }
        (Some(format), false) => format,
    };
    if matches!(format, Format::Parquet | Format::Arrow) && io::stdout().is_terminal() {
        let why = "this format is nothing for a terminal; send stdout to a file or a program";
        return Err(Error::invalid_input(why));
    }
    Ok(format)
}

/// Runs the scan and prints its rows as they come.
pub(crate) async fn print(context: &mut Context, scan: Scan, format: Format) -> Outcome {
    let mut batches = scan.stream().await?;
    let schema = batches.schema().clone();
    let printed = async {
        let mut rows = writer(format, schema, context.out.writer())?;
        while let Some(batch) = batches.try_next().await? {
            rows.write(&batch)?;
        }
        Ok(rows.finish()?)
    };
    match printed.await {
        Ok(()) => Ok(()),
        Err(Stop::Reading(error)) => Err(error.into()),
        Err(Stop::Writing(why)) => Err(context.out.broken(|| {
            let why = format!("these rows cannot be written in this format: {why}");
            Error::new(ErrorKind::Unsupported, why).during("print")
        })),
    }
}

/// Which end of the pipeline broke.
enum Stop {
    Reading(Error),
    Writing(Unwritable),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Reading(error)
    }
}

impl From<Unwritable> for Stop {
    fn from(error: Unwritable) -> Self {
        Self::Writing(error)
    }
}

/// What a writer of some format says. That stdout is closed shows elsewhere.
type Unwritable = Box<dyn std::error::Error>;

type Sink<'a> = &'a mut (dyn Write + Send);

trait Writer {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable>;
    fn finish(self: Box<Self>) -> Result<(), Unwritable>;
}

fn writer<'a>(
    format: Format,
    schema: SchemaRef,
    sink: Sink<'a>,
) -> Result<Box<dyn Writer + 'a>, Unwritable> {
    Ok(match format {
        Format::Table => Box::new(Columns { schema, sink, waiting: Vec::new(), first: true }),
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().with_header(true).build(sink);
            // The header belongs to a table without rows, too.
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
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        Ok(csv::Writer::write(self, batch)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Unwritable> {
        Ok(())
    }
}

impl Writer for json::LineDelimitedWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        Ok(json::LineDelimitedWriter::write(self, batch)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), Unwritable> {
        Ok(json::LineDelimitedWriter::finish(&mut self)?)
    }
}

impl Writer for ArrowWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        Ok(ArrowWriter::write(self, batch)?)
    }

    fn finish(self: Box<Self>) -> Result<(), Unwritable> {
        self.close()?;
        Ok(())
    }
}

impl Writer for StreamWriter<Sink<'_>> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        Ok(StreamWriter::write(self, batch)?)
    }

    fn finish(mut self: Box<Self>) -> Result<(), Unwritable> {
        Ok(StreamWriter::finish(&mut self)?)
    }
}

/// Aligned columns, with the header again after every [`ALIGNED`] rows.
struct Columns<'a> {
    schema: SchemaRef,
    sink: Sink<'a>,
    /// Rows that wait to be aligned with others: batches may be small.
    waiting: Vec<Vec<String>>,
    first: bool,
}

impl Writer for Columns<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), Unwritable> {
        let options = FormatOptions::default().with_null("null");
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|column| column.value(row).try_to_string());
            self.waiting.push(cells.collect::<Result<_, _>>()?);
            if self.waiting.len() == ALIGNED {
                self.align()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), Unwritable> {
        if self.first || !self.waiting.is_empty() {
            self.align()?;
        }
        Ok(())
    }
}

impl Columns<'_> {
    fn align(&mut self) -> Result<(), Unwritable> {
        let fields = self.schema.fields().iter();
        let headers: Vec<Header<'_>> = fields
            .map(|field| Header { name: field.name(), right: field.data_type().is_numeric() })
            .collect();
        if !self.first {
            writeln!(self.sink)?;
        }
        let text = aligned(&headers, std::mem::take(&mut self.waiting));
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
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("name", DataType::Utf8, true),
        ]));
        let n: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let name: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<StringArray>());
        let batch = RecordBatch::try_new(schema.clone(), vec![n, name]).unwrap();
        let mut bytes = Vec::new();
        let mut writer = writer(format, schema, &mut bytes).unwrap();
        if !rows.is_empty() {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn every_format() {
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
    fn no_rows_still_have_columns() {
        assert_eq!(printed(Format::Table, &[]), b"n  name\n");
        assert_eq!(printed(Format::Csv, &[]), b"n,name\n");
        assert_eq!(printed(Format::Jsonl, &[]), b"");
        assert!(printed(Format::Parquet, &[]).ends_with(b"PAR1"));
    }

    #[test]
    fn long_tables_repeat_their_header() {
        let rows = vec![(0, None); ALIGNED + 1];
        let text = String::from_utf8(printed(Format::Table, &rows)).unwrap();
        assert_eq!(text.matches("name").count(), 2);
        assert_eq!(text.matches("null").count(), ALIGNED + 1);
    }
}
