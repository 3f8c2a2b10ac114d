//! `ColumnType::new`: the type of a column, in a spec or in the log of a table.
#![no_main]

use lakewright_core::spec::ColumnType;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(column) = ColumnType::new(text) else { return };
    assert_eq!(ColumnType::new(column.to_string()).expect("its own text can be read"), column);
});
